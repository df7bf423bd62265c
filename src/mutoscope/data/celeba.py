"""Aligned and cropped CelebA: `img_align_celeba/<number>.jpg`, 178x218 pixels; every picture is a clip of one frame."""

from functools import partial
from pathlib import Path

from mutoscope.data.fitting import centre_crop
from mutoscope.data.layouts import PICTURES, Entry, Frames, Layout, Listing, visible
from mutoscope.media.images import read_image

FOLDER = "img_align_celeba"
CROP = 160  # pixels: the central square the papers use


class CelebA(Layout):
    """Faces, cropped to their central 160x160 pixels before they are resized."""

    name = "CelebA"
    looks_like = f"{FOLDER}/<number>.jpg"

    @staticmethod
    def matches(path: Path) -> bool:
        return path.is_dir() and (path.name == FOLDER or (path / FOLDER).is_dir())

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        folder = path if path.name == FOLDER else path / FOLDER
        pictures = [file for file in visible(folder) if file.suffix.lower() in PICTURES]
        return Listing(folder, [Entry(file.name, partial(_open_face, file), (file,)) for file in pictures], [])


def _open_face(path: Path, channels: int) -> tuple[Frames, float | None]:
    return [centre_crop(read_image(path, channels=channels), CROP, CROP)], None
