"""Pictures in and out: PNG, JPEG, WebP and what else Pillow knows, always as uint8 arrays."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageOps
from jaxtyping import UInt8

from mutoscope.errors import InputError
from mutoscope.files import replacing
from mutoscope.media.checks import check_size, existing_file, reading

Frame = UInt8[np.ndarray, "h w c"]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".gif")
WRITABLE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
    ".webp": {"lossless": True},
}


def read_image(path: str | Path, channels: int = 3) -> Frame:
    """Reads one picture, turned upright as its EXIF data says.

    Args:
        path: A picture in any format that Pillow reads. Of an animation the first frame is read.
        channels: 3 for RGB (grey is replicated) or 1 for luma. Transparent pixels are composited over black and 16-bit
            values scaled to 8 bits.

    Raises:
        InputError: the file is missing, empty, truncated, not a picture, or claims more pixels than `MAX_PIXELS`.
    """
    with opened_image(path) as image:
        return upright_pixels(image, channels)


def write_image(path: str | Path, image: UInt8[np.ndarray, "h w c"] | UInt8[np.ndarray, "h w"]) -> Path:
    """Writes a grey (c = 1), RGB or RGBA picture in the format of its suffix; `.png`, `.webp` and `.bmp` lose nothing.

    Raises:
        InputError: the suffix is not one of `WRITABLE_SUFFIXES`, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        raise InputError(f"{path}: not a picture format that can be written (expected {', '.join(WRITABLE_SUFFIXES)})")
    if suffix in (".jpg", ".jpeg") and image.ndim == 3 and image.shape[2] == 4:
        image = to_channels(image, 3)
    with replacing(path) as temporary:
        as_pillow(image).save(temporary, **_SAVE_OPTIONS.get(suffix, {}))
    return path


def as_pillow(image: UInt8[np.ndarray, "h w c"] | UInt8[np.ndarray, "h w"]) -> PIL.Image.Image:
    """The same pixels as a Pillow image (mode L, RGB or RGBA)."""
    return PIL.Image.fromarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image)


@contextmanager
def opened_image(path: str | Path) -> Iterator[PIL.Image.Image]:
    """Opens a picture with Pillow and checks the size it claims; what fails in the block becomes an `InputError`."""
    path = existing_file(path)
    with reading(path, "a picture such as PNG, JPEG or WebP"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of the damage that it then raises for
        try:
            image = PIL.Image.open(path)
        except PIL.UnidentifiedImageError:
            raise InputError(f"{path}: is not a picture (expected PNG, JPEG, WebP or another picture format)") from None
        with image:
            check_size(path, *image.size)
            yield image


def upright_pixels(image: PIL.Image.Image, channels: int) -> Frame:
    """The pixels of the current frame of a Pillow image, EXIF orientation applied, with `channels` channels."""
    image = PIL.ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        pixels = np.asarray(image).astype(np.uint32)
        return to_channels(((pixels * 255 + 32767) // 65535).astype(np.uint8), channels)
    if image.mode in ("I", "F"):
        raise InputError(f"{getattr(image, 'filename', 'picture')}: has 32-bit pixels (expected 8 or 16 bits)")
    mode = "RGBA" if image.has_transparency_data else "L" if image.mode in ("1", "L") else "RGB"
    return to_channels(np.asarray(image.convert(mode)), channels)


def to_channels(pixels: UInt8[np.ndarray, "h w _"] | UInt8[np.ndarray, "h w"], channels: int) -> Frame:
    """Converts grey, grey with alpha, RGB or RGBA pixels to luma (`channels=1`, ITU-R 601) or RGB (`channels=3`).

    Alpha is composited over black; grey is replicated.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels is {channels}: expected 1 or 3")
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] in (2, 4):
        colour, alpha = pixels[..., :-1].astype(np.uint16), pixels[..., -1:]
        pixels = ((colour * alpha + 127) // 255).astype(np.uint8)
    if pixels.shape[2] == channels:
        return np.ascontiguousarray(pixels)
    if channels == 3:
        return np.repeat(pixels, 3, axis=2)
    red, green, blue = np.moveaxis(pixels.astype(np.uint32), 2, 0)
    return ((red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16).astype(np.uint8)[..., None]
