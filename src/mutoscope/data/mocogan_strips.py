"""The layout in which MoCoGAN's repository publishes its shapes and actions: `<class>/<8 digits>.png|jpg` strips."""

import re
from pathlib import Path

from mutoscope.data.layouts import Layout, Listing, folders, strip_entry, strips_among, visible

STRIP = re.compile(r"[0-9]{8}\.(png|jpg|jpeg)", re.IGNORECASE)
WEIZMANN_ACTIONS = {"0": "one-hand wave", "1": "two-hand wave", "3": "jumping jack", "4": "bend"}
WEIZMANN_CLIPS_PER_PERSON = 8  # four actions, each as filmed and mirrored


class MocoganStrips(Layout):
    """Strips of square frames, numbered throughout, in folders named after a class number.

    In the Weizmann actions (classes 0, 1, 3, 4) the number also tells the person, who becomes the clip's subject.
    """

    name = "MoCoGAN strips"
    looks_like = "<class>/<8 digits>.png strips"

    @staticmethod
    def matches(path: Path) -> bool:
        classes = _class_folders(path)
        return bool(classes) and all(strips_among(_numbered(folder)) for folder in classes)

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        classes = _class_folders(path)
        weizmann = {folder.name for folder in classes} == set(WEIZMANN_ACTIONS)
        entries = [
            strip_entry(path, file, label=label, subject=_weizmann_person(file) if weizmann else None)
            for label, folder in enumerate(classes)
            for file in _numbered(folder)
        ]
        names = [WEIZMANN_ACTIONS[folder.name] if weizmann else folder.name for folder in classes]
        return Listing(path, entries, names)


def _class_folders(path: Path) -> list[Path]:
    """The folders in `path`, if all of them have class numbers as names."""
    classes = folders(path)
    return classes if all(folder.name.isdecimal() for folder in classes) else []


def _numbered(folder: Path) -> list[Path]:
    return [file for file in visible(folder) if STRIP.fullmatch(file.name)]


def _weizmann_person(file: Path) -> str:
    return f"person {int(file.stem) // WEIZMANN_CLIPS_PER_PERSON}"
