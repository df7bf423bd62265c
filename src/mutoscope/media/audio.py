"""Sound in and out: always 16 kHz, one channel."""

import wave
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mutoscope.errors import InputError
from mutoscope.files import replacing

SAMPLE_RATE = 16_000
"""Samples per second of every sound inside the package."""


def read_audio(path: str | Path) -> Float[np.ndarray, "n"]:
    """Reads the sound of a sound or video file, resampled to 16 kHz, its channels averaged.

    Returns:
        float32 samples in [-1, 1].

    Raises:
        InputError: the file is missing, empty, damaged, or has no sound.
    """
    import av

    from mutoscope.media.libav import opened_media

    path = Path(path)
    with opened_media(path) as container:
        if not container.streams.audio:
            raise InputError(f"{path}: holds no sound (expected a file with an audio stream)")
        resampler = av.AudioResampler(format="fltp", rate=SAMPLE_RATE)  # libav's own mix-down would overdrive stereo
        chunks = []
        for frame in (*container.decode(container.streams.audio[0]), None):
            chunks += [resampled.to_ndarray().mean(axis=0) for resampled in resampler.resample(frame)]
    if not chunks:
        raise InputError(f"{path}: its sound has no samples (expected at least one)")
    return np.clip(np.concatenate(chunks), -1, 1).astype(np.float32)


def write_audio(path: str | Path, samples: Float[np.ndarray, "n"]) -> Path:
    """Writes 16 kHz mono sound in [-1, 1] as a 16-bit WAV file; what lies outside is clipped.

    Raises:
        InputError: the suffix is not `.wav`, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".wav":
        raise InputError(f"{path}: not a sound format that can be written (expected .wav)")
    with replacing(path) as temporary, temporary.open("wb") as file, wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes((np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes())
    return path
