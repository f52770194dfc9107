package org.optmerge.base;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Whole folders: deleted, copied, written through to the disk. */
public final class Trees {
  private Trees() {}

  /**
   * Deletes a folder and all below it, if it is there; a link is deleted, not what it points to.
   */
  public static void delete(Path tree) throws IOException {
    if (!Files.exists(tree, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** Copies a folder and all below it to a place that is not there yet. */
  public static void copy(Path tree, Path target) throws IOException {
    try (Stream<Path> all = Files.walk(tree)) {
      for (Path from : (Iterable<Path>) all::iterator) {
        Files.copy(from, target.resolve(tree.relativize(from).toString()));
      }
    }
  }

  /** Returns once the files and folders below are on the disk, not only in the system's memory. */
  public static void force(Path tree) throws IOException {
    try (Stream<Path> all = Files.walk(tree)) {
      for (Path path : (Iterable<Path>) all::iterator) {
        forceOne(path);
      }
    }
  }

  /** The same for one file, or for the names in one folder. */
  public static void forceOne(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
