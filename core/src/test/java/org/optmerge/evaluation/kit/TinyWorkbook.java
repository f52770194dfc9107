package org.optmerge.evaluation.kit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** A workbook around a sheet that may be anything. */
final class TinyWorkbook {
  private static final String OFFICE = "http://schemas.openxmlformats.org/";

  private TinyWorkbook() {}

  static byte[] of(byte[] sheet) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      add(
          zip,
          "[Content_Types].xml",
          "<Types xmlns=\"%spackage/2006/content-types\"><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/></Types>"
              .formatted(OFFICE));
      add(
          zip,
          "_rels/.rels",
          "<Relationships xmlns=\"%spackage/2006/relationships\"><Relationship Id=\"r1\" Type=\"%sofficeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
              .formatted(OFFICE, OFFICE));
      add(
          zip,
          "xl/workbook.xml",
          "<workbook xmlns=\"%sspreadsheetml/2006/main\" xmlns:r=\"%sofficeDocument/2006/relationships\"><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
              .formatted(OFFICE, OFFICE));
      add(
          zip,
          "xl/_rels/workbook.xml.rels",
          "<Relationships xmlns=\"%spackage/2006/relationships\"><Relationship Id=\"r1\" Type=\"%sofficeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Type=\"%sofficeDocument/2006/relationships/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
              .formatted(OFFICE, OFFICE, OFFICE));
      add(
          zip,
          "xl/sharedStrings.xml",
          "<sst xmlns=\"%sspreadsheetml/2006/main\"><si><t>prediction</t></si></sst>"
              .formatted(OFFICE));
      add(zip, "xl/worksheets/sheet1.xml", sheet);
    }
    return out.toByteArray();
  }

  private static void add(ZipOutputStream zip, String name, String content) throws IOException {
    add(zip, name, content.getBytes(UTF_8));
  }

  /** Stored, since packing takes longer than all else. */
  private static void add(ZipOutputStream zip, String name, byte[] content) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    CRC32 sum = new CRC32();
    sum.update(content);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(sum.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
