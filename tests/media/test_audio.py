import wave
from pathlib import Path

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.media.audio import read_audio, write_audio


def test_written_sound_is_read_back(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, 4000).astype(np.float32)
    read = read_audio(write_audio(tmp_path / "a.wav", samples))
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, samples, atol=1e-4)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_number_of_channels_become_16_khz_mono(tmp_path: Path, rate: int, channels: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((channels, 2, rate, 0, "NONE", ""))
        sound.writeframes((tone * 32767).astype("<i2").repeat(channels).tobytes())
    read = read_audio(tmp_path / "a.wav")
    assert len(read) == pytest.approx(16_000, abs=20)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(read)) / 16_000)
    np.testing.assert_allclose(read[200:-200], expected[200:-200], atol=0.01)


def test_stereo_is_averaged(tmp_path: Path) -> None:
    left = np.full(1600, 0.8)
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((2, 2, 16_000, 0, "NONE", ""))
        sound.writeframes((np.stack([left, 0 * left], axis=1) * 32767).astype("<i2").tobytes())
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav"), 0.4, atol=1e-3)


def test_only_wav_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected \.wav"):
        write_audio(tmp_path / "a.mp3", np.zeros(10, np.float32))
    assert list(tmp_path.iterdir()) == []
