"""UCF101: 13,320 videos of 101 actions, `UCF-101/<Class>/v_<Class>_g<group>_c<clip>.avi`.

K. Soomro, A. R. Zamir and M. Shah, "UCF101: A dataset of 101 human actions classes from videos in the wild", 2012. The
videos of one group show the same people and places, so a group becomes the subject. `fit="crop"` at 64 pixels is what
TGAN and G3AN do: frames of 320x240 made 85x64, of which the central 64x64 are kept.
"""

import re
from pathlib import Path

from mutoscope.data.clip_folder import VIDEOS
from mutoscope.data.layouts import LOOKED_AT, Layout, Listing, media_entry, visible
from mutoscope.errors import InputError

FOLDER, LISTS, TEST_LIST = "UCF-101", "ucfTrainTestlist", "testlist01.txt"
CLIP = re.compile(r"v_(?P<action>\w+)_(?P<group>g[0-9]+)_c[0-9]+", re.IGNORECASE)


class Ucf101(Layout):
    """A folder of videos a class, which is the label; `ucfTrainTestlist`, in or beside it, has the published split."""

    name = "UCF101"
    looks_like = f"{FOLDER}/<class>/v_<class>_g<group>_c<clip>.avi"

    @staticmethod
    def matches(path: Path) -> bool:
        folders = _class_folders(path)
        return bool(folders) and all(_clips(folder) for folder in folders[:LOOKED_AT])

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        folders = _class_folders(path)
        entries = [
            media_entry(path, clip, label=label, subject=group)
            for label, folder in enumerate(folders)
            for clip, group in _clips(folder)
        ]
        return Listing(path, entries, [folder.name for folder in folders])


def is_published_test_clip(clips: list[Path]) -> list[bool]:
    """Whether each of the set's videos is held out in its first published split.

    Raises:
        InputError: the list of these videos lies neither beside the folder of the classes nor in it.
    """
    above = clips[0].absolute().parents
    file = next((file for i in (1, 2) if (file := above[i] / LISTS / TEST_LIST).is_file()), None)
    if file is None:
        raise InputError(f"{above[1]}: has no published split (expected {LISTS}/{TEST_LIST} in it or beside it)")
    try:
        lines = file.read_text().splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error})") from error
    listed = {Path(line.split()[0]).stem.lower() for line in lines if line.strip()}
    return [clip.stem.lower() in listed for clip in clips]


def _class_folders(path: Path) -> list[Path]:
    """The folders of the classes, in the published order, which is alphabetical whatever the case."""
    if not path.is_dir():
        return []
    folder = path / FOLDER if (path / FOLDER).is_dir() else path
    return [item for item in visible(folder) if item.is_dir() and item.name != LISTS]


def _clips(folder: Path) -> list[tuple[Path, str]]:
    """The videos of a class, each with its group; case differs in one published class."""
    videos = [(file, CLIP.fullmatch(file.stem)) for file in visible(folder) if file.suffix.lower() in VIDEOS]
    return [(file, told["group"]) for file, told in videos if told and told["action"].lower() == folder.name.lower()]
