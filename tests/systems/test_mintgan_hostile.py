"""What a careless or hostile user of MintGAN gives: one line that names it, and nothing is made."""

import struct

import numpy as np
import pytest

from mutoscope.cli import main
from mutoscope.data import open_clips
from mutoscope.data.tfrecord import masked_checksum
from mutoscope.errors import InputError

REACH = ("generate", "mintgan/reach")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("answer,answer\nleft,right\n", "has two columns of one name"),
        ("question,answer\nwhich,\n", "row 1: the answer is empty"),
        ("answer,seed\nleft," + 5000 * "9" + "\n", r"row 1: '9+\.\.\.9+' is no seed"),
        ("answer,seed\nleft,²\n", "row 1: '²' is no seed"),
    ],
)
def test_answers_that_cannot_be_counted_are_refused(tmp_path, capsys, text, says):
    answers = tmp_path / "answers.csv"
    answers.write_text(text, encoding="utf-8")
    assert main([*REACH, "tally", "--answers", str(answers)]) == 2
    with pytest.raises(InputError, match=says):
        raise InputError(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--only", "foo"), "only: foo (expected int, list[int])"),
        (("--only", "[1,x]"), "only: [1, 'x'] (expected int, list[int])"),
        (("--seed", "1.5"), "seed: 1.5 (expected int)"),
        (("--basis", "x"), "basis: x (expected 'dictionary', 'canonical')"),
        (("-o", "first.gif", "-o", "second.foo"), "second.foo: a video cannot be saved as a .foo file"),
    ],
)
def test_flags_are_refused_in_plain_words_before_anything_is_made(tmp_path, monkeypatch, capsys, flags, says):
    monkeypatch.chdir(tmp_path)
    assert main([*REACH, "sample", "--clips", "1", *flags]) == 2
    assert capsys.readouterr().err.startswith(f"mutoscope: {says}")
    assert not list(tmp_path.iterdir())


def test_a_bair_frame_that_is_no_picture_is_told_by_its_size(tmp_path):
    record = tfrecord(field(1, field(1, field(1, b"0/image_aux1/encoded") + field(2, field(1, field(1, bytes(100)))))))
    (tmp_path / "clips.tfrecords").write_bytes(record)
    with pytest.raises(InputError, match=r"clips\.tfrecords\[0\]: has a frame of 100 bytes, no picture"):
        open_clips(tmp_path, size=8)


def tfrecord(data: bytes) -> bytes:
    """One record of a TFRecord file."""
    length = struct.pack("<Q", len(data))
    return length + masked_checksum(length) + data + masked_checksum(data)


def field(number: int, value: bytes) -> bytes:
    """A protobuf field of bytes, of at most 16383."""
    size = np.array([len(value) & 0x7F | 0x80, len(value) >> 7], np.uint8).tobytes()
    return bytes([number << 3 | 2]) + size + value
