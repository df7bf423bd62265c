"""What every reader checks first, and how whatever a decoder raises becomes one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mutoscope.errors import InputError

MAX_PIXELS = 2**27
"""The largest picture that is decoded (134 million pixels); a header that claims more is taken for damage or attack."""


def existing_file(path: str | Path) -> Path:
    """Returns `path` as a `Path` if it is a regular file that is not empty.

    Raises:
        InputError: nothing is there, or it is a folder, a device, or a file of zero bytes.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder (expected a file)")
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if not path.is_file():
        raise InputError(f"{path}: is not a regular file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty (0 bytes)")
    return path


def check_size(path: Path, width: int, height: int) -> None:
    """Raises `InputError` for a picture of no pixels or of more than `MAX_PIXELS`."""
    if not 0 < width * height <= MAX_PIXELS:
        raise InputError(f"{path}: claims {width}×{height} pixels (expected 1 to {MAX_PIXELS:,} in all)")


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """Turns any exception raised while `path` is decoded into an `InputError` that says what was expected.

    Decoders raise almost anything on damaged files (OSError, SyntaxError, struct.error, …), hence the width of the net.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        reason = " ".join(reason.replace(str(path), "the file").split())
        raise InputError(f"{path}: cannot be read: {reason} (expected {expected})") from error
