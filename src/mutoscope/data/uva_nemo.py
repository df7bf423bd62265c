"""UvA-NEMO: 1,240 smiles of 400 people, posed and felt (H. Dibeklioğlu, A. A. Salah and T. Gevers, ECCV 2012).

Either the videos as they are distributed, or a folder of frames for each, cropped to the face, named after its video.
ImaGINator learns from the 597 felt smiles: `Clips.with_labels(["spontaneous"])`.
"""

import re
from pathlib import Path

from mutoscope.data.clip_folder import VIDEOS
from mutoscope.data.layouts import Layout, Listing, media_entry, visible

CLIP = re.compile(r"(?P<subject>[0-9]{3})_(?P<smile>deliberate|spontaneous)_smile_[0-9]+(\.\w+)?", re.IGNORECASE)
SMILES = ("deliberate", "spontaneous")


class UvaNemo(Layout):
    """Videos or folders of frames whose names tell the person, who becomes the subject, and the kind of smile."""

    name = "UvA-NEMO"
    looks_like = "<3 digits>_<deliberate or spontaneous>_smile_<number>.mp4, or folders of frames of these names"

    @staticmethod
    def matches(path: Path) -> bool:
        clips = _clips(path)
        return bool(clips) and all(CLIP.fullmatch(clip.name) for clip in clips)

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        entries = [
            media_entry(path, clip, label=SMILES.index(told["smile"].lower()), subject=told["subject"])
            for clip in _clips(path)
            if (told := CLIP.fullmatch(clip.name))
        ]
        return Listing(path, entries, list(SMILES))


def _clips(path: Path) -> list[Path]:
    """The videos and folders in `path`."""
    return [item for item in visible(path) if item.suffix.lower() in VIDEOS or item.is_dir()]
