"""Reads TFRecord files, and the lists of bytes in the `tf.train.Example` of each record, without TensorFlow.

A file is a row of records: the length of the data (8 bytes, little-endian), a checksum of these bytes, the data, a
checksum of it. An Example is a protobuf message, a map from names to lists; pictures are in its lists of bytes.
"""

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt32

from mutoscope.errors import InputError
from mutoscope.media.checks import reading

CASTAGNOLI = 0x82F63B78  # polynomial of CRC-32C, lowest bit first
MASK = 0xA282EAD8
ALL_BITS = 0xFFFFFFFF
BLOCK = 256  # bytes that one step of the checksum takes
LENGTH, CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5  # wire types of protobuf
LONGEST_VARINT = 10  # bytes


class RecordSpan(NamedTuple):
    """Where the data of a record lies in its file, in bytes."""

    start: int
    length: int


def record_spans(path: Path) -> Iterator[RecordSpan]:
    """Finds the records of a file one after the other; their data is not read.

    Raises:
        InputError: the file cannot be read; or, after the records before it, the length of a record is damaged or the
            file ends within one.
    """
    with reading(path, "a TFRecord"), path.open("rb") as file:
        size = path.stat().st_size
        while (place := file.tell()) < size:
            header, checksum = file.read(LENGTH.size), file.read(CHECKSUM.size)
            if len(checksum) < CHECKSUM.size:
                raise InputError(f"{path}: ends within a record, after {size} bytes")
            if checksum != masked_checksum(header):
                raise InputError(f"{path}: is damaged at byte {place} (expected a TFRecord)")
            span = RecordSpan(file.tell(), *LENGTH.unpack(header))
            end = span.start + span.length + CHECKSUM.size
            if end > size:
                raise InputError(f"{path}: ends within a record, after {size} bytes (expected at least {end})")
            yield span
            file.seek(end)


def read_record(path: Path, span: RecordSpan, what: Path) -> bytes:
    """The data of a record, which messages call `what`.

    Raises:
        InputError: it cannot be read, or its checksum says that it is damaged.
    """
    with reading(what, "a TFRecord"), path.open("rb") as file:
        file.seek(span.start)
        data, checksum = file.read(span.length), file.read(CHECKSUM.size)
    if checksum != masked_checksum(data):
        raise InputError(f"{what}: is damaged (its checksum differs)")
    return data


def bytes_features(example: bytes, what: Path) -> dict[str, bytes]:
    """The lists of bytes in a serialised `tf.train.Example`, by name: of each list the first. Messages call it `what`.

    Raises:
        InputError: this is no such message.
    """
    found: dict[str, bytes] = {}
    try:
        for entry in _values(example, 1, 1):  # Example.features, Features.feature: an entry is a key and a value
            name = b"".join(_values(entry, 1)).decode()
            for value in _values(entry, 2, 1, 1):  # Feature.bytes_list, BytesList.value
                found.setdefault(name, value)
    except ValueError as error:
        raise InputError(f"{what}: is no tf.train.Example ({error})") from error
    return found


def _values(message: bytes, number: int, *deeper: int) -> Iterator[bytes]:
    """The strings or messages in the fields of this number; with more numbers, those in the fields of their fields.

    Raises:
        ValueError: the bytes are no protobuf message.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        wire, length = key & 7, 0
        if wire == VARINT:
            _, place = _varint(message, place)
        elif wire == LENGTH_DELIMITED:
            length, place = _varint(message, place)
        elif wire in (FIXED32, FIXED64):
            length = 4 if wire == FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire}")
        value = message[place : place + length]
        if len(value) < length:
            raise ValueError("a field is cut short")
        place += length
        if wire == LENGTH_DELIMITED and key >> 3 == number:
            if deeper:
                yield from _values(value, *deeper)
            else:
                yield value


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """The number that begins at a place, 7 bits a byte, and the place after it."""
    number = 0
    for i, byte in enumerate(message[place : place + LONGEST_VARINT]):
        number |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return number, place + i + 1
    raise ValueError("a number is cut short")


def masked_checksum(data: bytes) -> bytes:
    """CRC-32C as TFRecord files keep it: rotated by 15 bits, plus a constant."""
    checksum = crc32c(data)
    return CHECKSUM.pack(((checksum >> 15 | checksum << 17) + MASK) & ALL_BITS)


def crc32c(data: bytes) -> int:
    """The CRC-32C (Castagnoli) of some bytes.

    Blocks are looked up as a whole: what a byte adds depends on its value and its distance from the block's end alone.
    """
    tables = _tables()
    bytewise, *carry = (tables[place].tolist() for place in (-1, 0, 1, 2, 3))
    head = len(data) % BLOCK
    state = ALL_BITS
    for byte in data[:head]:
        state = state >> 8 ^ bytewise[(state ^ byte) & 0xFF]
    blocks = np.frombuffer(data, np.uint8, offset=head).reshape(-1, BLOCK)
    for added in np.bitwise_xor.reduce(tables[np.arange(BLOCK), blocks], axis=1).tolist():
        # the four bytes of the state so far act as if they were added to the first four of the block
        added ^= carry[0][state & 0xFF] ^ carry[1][state >> 8 & 0xFF]
        state = added ^ carry[2][state >> 16 & 0xFF] ^ carry[3][state >> 24]
    return state ^ ALL_BITS


@cache
def _tables() -> UInt32[np.ndarray, "256 256"]:
    """What each value (column) of byte i (row) of a block adds to the checksum."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(CASTAGNOLI), table >> 1)
    rows = [table]
    for _ in range(BLOCK - 1):
        rows.append(rows[-1] >> 8 ^ table[rows[-1] & 0xFF])
    return np.stack(rows[::-1])
