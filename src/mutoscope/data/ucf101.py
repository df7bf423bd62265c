"""UCF101: 13,320 videos of 101 actions, `UCF-101/<Class>/v_<Class>_g<group>_c<clip>.avi`.

K. Soomro, A. R. Zamir and M. Shah, "UCF101: A dataset of 101 human actions classes from videos in the wild", 2012. The
videos of one group show the same people and places, so a group becomes the subject. `fit="crop"` at 64 pixels is what
TGAN and G3AN do: frames of 320x240 made 85x64, of which the central 64x64 are kept.
"""

import re
from pathlib import Path

from mutoscope.data.clip_folder import VIDEOS
from mutoscope.data.layouts import LOOKED_AT, Layout, Listing, folders, media_entry, visible
from mutoscope.errors import InputError
from mutoscope.media.checks import reading

FOLDER, LISTS, TEST_LIST = "UCF-101", "ucfTrainTestlist", "testlist01.txt"
CLIP = re.compile(r"v_(?P<action>\w+)_(?P<group>g[0-9]+)_c[0-9]+", re.IGNORECASE)


class Ucf101(Layout):
    """A folder of videos a class, which is the label; `ucfTrainTestlist`, in or beside it, has the published split."""

    name = "UCF101"
    looks_like = f"{FOLDER}/<class>/v_<class>_g<group>_c<clip>.avi"

    @staticmethod
    def matches(path: Path) -> bool:
        classes = _class_folders(path)[:LOOKED_AT]
        return bool(classes) and all(map(_clips, classes))

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        classes = _class_folders(path)
        entries = [
            media_entry(path, clip, label=label, subject=group)
            for label, folder in enumerate(classes)
            for clip, group in _clips(folder)
        ]
        return Listing(path, entries, [folder.name for folder in classes])

    @staticmethod
    def held_out(paths: list[Path], subjects: list[str | None]) -> list[bool]:
        """Those that the first published split names.

        Raises:
            InputError: its list lies neither beside the folder of the classes nor in it.
        """
        above = paths[0].absolute().parents
        file = next((file for i in (1, 2) if (file := above[i] / LISTS / TEST_LIST).is_file()), None)
        if file is None:
            raise InputError(f"{above[1]}: has no published split (expected {LISTS}/{TEST_LIST} in it or beside it)")
        with reading(file, "paths of videos"):
            listed = {Path(line.split()[0]).stem.lower() for line in file.read_text().splitlines() if line.strip()}
        return [path.stem.lower() in listed for path in paths]


def _class_folders(path: Path) -> list[Path]:
    """The folders of the classes, in the published order, which is alphabetical whatever the case."""
    root = path / FOLDER if (path / FOLDER).is_dir() else path
    return [folder for folder in folders(root) if folder.name != LISTS]


def _clips(folder: Path) -> list[tuple[Path, str]]:
    """The videos of a class, each with its group; case differs in one published class."""
    videos = [(file, CLIP.fullmatch(file.stem)) for file in visible(folder) if file.suffix.lower() in VIDEOS]
    return [(file, told["group"]) for file, told in videos if told and told["action"].lower() == folder.name.lower()]
