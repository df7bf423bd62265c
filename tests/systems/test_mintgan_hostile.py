"""What a careless or hostile user of MintGAN gives: one line that names it, and nothing is made."""

import struct

import numpy as np
import pytest

from mutoscope.cli import main
from mutoscope.data import open_clips
from mutoscope.data.tfrecord import masked_checksum
from mutoscope.errors import InputError
from mutoscope.systems.mintgan import MintGAN
from mutoscope.systems.pyramid_discriminator import PyramidDiscriminator

SMALL = {"d_a": 4, "d_m": 4, "N": 4, "image_size": 8, "frames": 4, "mlp_depth": 1, "levels": 1, "widths": [4, 4]}
REACH = ("generate", "mintgan/reach")


class TestConstructors:
    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ({"channels": 4}, r"^channels: 4 \(expected 1 or 3\)$"),
            ({"betas": (0.0, 1.0)}, r"^betas: \[0.0, 1.0\] \(expected two numbers"),
            ({"betas": (-1.0, 0.9)}, r"^betas: \[-1.0, 0.9\]"),
            ({"betas": (0.0, float("nan"))}, r"^betas: \[0.0, nan\]"),
            ({"widths": [4, 0]}, r"^widths: \[4, 0\] \(expected 2 numbers of channels, 1 or more"),
            ({"widths_D": [4]}, r"^widths_D: \[4\] \(expected 2 numbers"),
            ({"widths_D": [4], "d_v": "3d", "use_D_I": False}, r"^widths_D: \[4\]"),
        ],
    )
    def test_mintgan_names_the_argument(self, arguments, says):
        with pytest.raises(InputError, match=says):
            MintGAN(**(SMALL | arguments))

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [({"r1_gamma": float("nan")}, "^r1_gamma: nan"), ({"widths": [4]}, r"^pyramid_widths: \[4\]")],
    )
    def test_a_pyramid_in_another_method_names_that_methods_argument(self, arguments, says):
        with pytest.raises(InputError, match=says):
            PyramidDiscriminator(3, 8, 4, levels=1, **arguments)


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
