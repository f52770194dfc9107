package org.optmerge.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.optmerge.model.media.ImageFiles;
import org.optmerge.model.media.Media;

/**
 * Images by the paths that data sets name them by. Those paths begin where their authors kept the
 * data; what of them is there begins anywhere: of {@code data/coco/train2014/1.jpg} the end {@code
 * train2014/1.jpg} may be in the folder.
 *
 * @param folder that all images are below
 * @param hint what to do if one is not there
 */
record ImageFolder(Path folder, String hint) {
  /** A reader that has the pictures of the last question, which are often those of the next. */
  Reader reader() {
    return new Reader(this);
  }

  /** Reads one question after the other. */
  static final class Reader {
    private final ImageFolder folder;
    private List<String> lastPaths = List.of();
    private List<Media> last = List.of();

    private Reader(ImageFolder folder) {
      this.folder = folder;
    }

    /** A question with its images, or with the fault that one cannot be read. */
    Question shown(Question question, List<String> paths) {
      try {
        if (!paths.equals(lastPaths)) {
          last = folder.read(paths);
          lastPaths = List.copyOf(paths);
        }
      } catch (IOException e) {
        return question.withFault(String.valueOf(e.getMessage()));
      }
      return withImages(question, last);
    }
  }

  private List<Media> read(List<String> paths) throws IOException {
    List<Media> images = new ArrayList<>();
    for (String path : paths) {
      images.add(ImageFiles.read(find(path)));
    }
    return List.copyOf(images);
  }

  private static Question withImages(Question question, List<Media> images) {
    return FileBenchmark.withWords(
        new Question(
            question.id(),
            question.group(),
            question.type(),
            images,
            question.text(),
            question.reference()));
  }

  private Path find(String path) throws IOException {
    String[] elements = path.replace('\\', '/').split("/");
    try {
      for (int begin = 0; begin < elements.length; begin++) {
        Path candidate = folder;
        for (int i = begin; i < elements.length; i++) {
          if (elements[i].equals("..")) {
            throw new IOException("image '%s' leads out of its folder".formatted(path));
          }
          candidate = candidate.resolve(elements[i]);
        }
        if (Files.isRegularFile(candidate)) {
          return candidate;
        }
      }
    } catch (InvalidPathException e) {
      throw new IOException("'%s' is no path of an image".formatted(path), e);
    }
    throw new IOException("image '%s' is not in '%s'; %s".formatted(path, folder, hint));
  }
}
