"""Weizmann's actions as they are published: ten actions of nine people, `<person>_<action>.avi`, in one folder or ten.

L. Gorelick, M. Blank, E. Shechtman, M. Irani and R. Basri, "Actions as space-time shapes", PAMI 2007. One person runs,
skips and walks twice: `lena_run1.avi` and `lena_run2.avi`. (MoCoGAN's strips of four of the actions: `mocogan_strips`.)
"""

import re
from pathlib import Path

from mutoscope.data.clip_folder import VIDEOS
from mutoscope.data.layouts import Layout, Listing, folders, media_entry, visible

ACTIONS = ("bend", "jack", "jump", "pjump", "run", "side", "skip", "walk", "wave1", "wave2")
CLIP = re.compile(rf"(?P<person>[a-z]+)_(?P<action>{'|'.join(ACTIONS)})[12]?", re.IGNORECASE)


class Weizmann(Layout):
    """Videos whose names tell the person, who becomes the subject, and the action."""

    name = "Weizmann actions"
    looks_like = "[<action>/]<person>_<action>.avi"

    @staticmethod
    def matches(path: Path) -> bool:
        clips = _clips(path)
        return bool(clips) and all(CLIP.fullmatch(clip.stem) for clip in clips)

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        entries = [
            media_entry(path, clip, label=ACTIONS.index(told["action"].lower()), subject=told["person"].lower())
            for clip in _clips(path)
            if (told := CLIP.fullmatch(clip.stem))
        ]
        return Listing(path, entries, list(ACTIONS))


def _clips(path: Path) -> list[Path]:
    """The videos in `path` and in its folders, if all of these have the names of actions."""
    if not all(folder.name.lower() in ACTIONS for folder in folders(path)):
        return []
    files = [file for folder in (path, *folders(path)) for file in visible(folder)]
    return [file for file in files if file.suffix.lower() in VIDEOS and file.is_file()]
