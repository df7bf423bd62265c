"""VoxCeleb2: a million clips of people who speak, cropped to the face, 224x224 pixels and 25 frames a second.

J. S. Chung, A. Nagrani and A. Zisserman, "VoxCeleb2: Deep speaker recognition", Interspeech 2018. Clips lie in
`dev/mp4/<person>/<recording>/<number>.mp4` (5,994 people) and `test/mp4/…` (118 others); whatever of them is there is
used. VoxCeleb2-mini, which MintGAN learns from, is two clips of each person: `per_subject=2` of `open_clips`.
"""

import re
from pathlib import Path

from mutoscope.data.layouts import LOOKED_AT, Layout, Listing, folders, media_entry, visible

PERSON = re.compile(r"id[0-9]{5}")
PARTS = ("dev/mp4", "test/mp4", "mp4", ".")
SUFFIX, TEST = ".mp4", "test"


class VoxCeleb2(Layout):
    """Videos of each recording of each person, who becomes the subject; the people of `test` can be held out."""

    name = "VoxCeleb2"
    looks_like = "<dev or test>/mp4/id<5 digits>/<recording>/<number>.mp4"

    @staticmethod
    def matches(path: Path) -> bool:
        return any(_clips(person) for person in _people(path)[:LOOKED_AT])

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        entries = [media_entry(path, clip, subject=person.name) for person in _people(path) for clip in _clips(person)]
        return Listing(path, entries, [])

    @staticmethod
    def held_out(paths: list[Path], subjects: list[str | None]) -> list[bool]:
        """Those in `test/mp4/<person>/<recording>`."""
        return [path.parts[-5:-4] == (TEST,) for path in paths]


def _people(path: Path) -> list[Path]:
    """The folders of people below a folder: in the whole set, in one of its parts, or in a folder of people."""
    return [folder for part in PARTS for folder in folders(path / part) if PERSON.fullmatch(folder.name)]


def _clips(person: Path) -> list[Path]:
    files = [file for recording in folders(person) for file in visible(recording)]
    return [file for file in files if file.suffix.lower() == SUFFIX]
