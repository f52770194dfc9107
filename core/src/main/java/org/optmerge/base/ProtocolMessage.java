package org.optmerge.base;

import java.util.Arrays;

/**
 * A message of Protocol Buffers, read field by field, without a schema.
 *
 * @see <a href="https://protobuf.dev/programming-guides/encoding/">Protocol Buffers, encoding</a>
 */
public final class ProtocolMessage {
  /** How the value of a field is stored. */
  public enum Wire {
    NUMBER,
    FIXED64,
    BYTES,
    FIXED32
  }

  private final byte[] data;
  private final int end;
  private int at;
  private int from;
  private int to;
  private int field;
  private long number;
  private Wire wire = Wire.NUMBER;

  /** A message that is the whole of some bytes. */
  public ProtocolMessage(byte[] data) {
    this(data, 0, data.length);
  }

  private ProtocolMessage(byte[] data, int from, int end) {
    this.data = data;
    this.at = from;
    this.end = end;
  }

  /**
   * Goes to the next field.
   *
   * @return whether there is one
   * @throws IllegalArgumentException if the message is cut off, or is none
   */
  public boolean next() {
    if (at == end) {
      return false;
    }
    long tag = varint();
    field = (int) (tag >>> 3);
    from = 0;
    to = 0;
    switch ((int) (tag & 7)) {
      case 0 -> {
        wire = Wire.NUMBER;
        number = varint();
      }
      case 1 -> {
        wire = Wire.FIXED64;
        number = fixed(8);
      }
      case 2 -> {
        wire = Wire.BYTES;
        long length = varint();
        if (length < 0 || length > end - at) {
          throw new IllegalArgumentException("a field at byte %d is cut off".formatted(at));
        }
        from = at;
        at += (int) length;
        to = at;
      }
      case 5 -> {
        wire = Wire.FIXED32;
        number = fixed(4);
      }
      default -> throw new IllegalArgumentException("byte %d begins no known field".formatted(at));
    }
    return true;
  }

  /** The number of the present field. */
  public int field() {
    return field;
  }

  /** How the present field is stored. */
  public Wire wire() {
    return wire;
  }

  /** The value of the present field, unless it is bytes. */
  public long number() {
    return number;
  }

  /** The bytes of the present field; none if it is a number. */
  public byte[] bytes() {
    return Arrays.copyOfRange(data, from, to);
  }

  /** The bytes of the present field as a message. */
  public ProtocolMessage message() {
    return new ProtocolMessage(data, from, to);
  }

  private long varint() {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte next = data[checked(at++)];
      value |= (next & 0x7fL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("a number at byte %d is too long".formatted(at));
  }

  private long fixed(int bytes) {
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (data[checked(at++)] & 0xffL) << 8 * i;
    }
    return value;
  }

  private int checked(int index) {
    if (index >= end) {
      throw new IllegalArgumentException("it ends within a field, at byte %d".formatted(end));
    }
    return index;
  }
}
