"""Human3.6M: seven people act fifteen scenes before four cameras, with 32 joints in every frame.

C. Ionescu, D. Papava, V. Olaru and C. Sminchisescu, "Human3.6M: large scale datasets and predictive methods for 3D
human sensing in natural environments", TPAMI 2014. Of the 50 frames a second every fourth is used, as forecasters do.
"""

import re
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from mutoscope.data.layouts import LOOKED_AT, ColumnSource, Entry, Frames, Layout, Listing, media_entry, visible
from mutoscope.errors import InputError
from mutoscope.media.checks import reading

SCENES = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases", "Sitting",
    "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether",
)  # fmt: skip
OTHER_NAMES = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}  # of some people's files
TEST_PEOPLE = ("S9", "S11")
PERSON, VIDEO = re.compile(r"S[0-9]+"), re.compile(r"(?P<scene>[A-Za-z]+)( [0-9]+)?\.(?P<camera>[0-9]+)\.mp4")
JOINTS = 32
STEP = 4  # frames
MARGIN = 20  # pixels around a body


class Human36m(Layout):
    """Videos of each person, who becomes the subject; the scene is the label."""

    name = "Human3.6M"
    looks_like = "S<number>/Videos/<scene>.<camera>.mp4 and S<number>/MyPoseFeatures/D2_Positions/<scene>.<camera>.cdf"

    @staticmethod
    def matches(path: Path) -> bool:
        return any(_videos(person) for person in _people(path)[:LOOKED_AT])

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        entries = [_entry(path, person, video) for person in _people(path) for video in _videos(person)]
        return Listing(path, entries, list(SCENES))

    @staticmethod
    def held_out(paths: list[Path], subjects: list[str | None]) -> list[bool]:
        return [subject in TEST_PEOPLE for subject in subjects]


def _people(path: Path) -> list[Path]:
    return [item for item in visible(path) if PERSON.fullmatch(item.name) and (item / "Videos").is_dir()]


def _videos(person: Path) -> list[Path]:
    return [video for video in visible(person / "Videos") if _scene(video) in SCENES]


def _scene(video: Path) -> str | None:
    told = VIDEO.fullmatch(video.name)
    return OTHER_NAMES.get(told["scene"], told["scene"]) if told else None


def _entry(root: Path, person: Path, video: Path) -> Entry:
    entry = media_entry(root, video, label=SCENES.index(_scene(video)), subject=person.name)
    file = person / "MyPoseFeatures" / "D2_Positions" / f"{video.stem}.cdf"
    sources = (ColumnSource(("joints",), partial(_joints, file), (file,)),) if file.is_file() else ()
    return replace(entry, open=partial(_open, entry), sources=sources, margin=MARGIN)


def _open(entry: Entry, channels: int) -> tuple[Frames, float | None]:
    frames, fps = entry.open(channels)
    return islice(frames, 0, None, STEP), fps and fps / STEP


def _joints(path: Path) -> dict[str, np.ndarray]:
    try:
        from cdflib import CDF
    except ImportError as error:
        raise InputError(f"{path}: needs a reader of CDF files (expected cdflib: pip install cdflib)") from error
    with reading(path, "CDF with a variable Pose"):
        poses = np.asarray(CDF(path).varget("Pose"), np.float32)
    if poses.size % (2 * JOINTS) or poses.shape[-1] != 2 * JOINTS:
        shown = " x ".join(map(str, poses.shape))
        raise InputError(f"{path}: has poses of shape {shown} (expected 1 x frames x {2 * JOINTS})")
    return {"joints": poses.reshape(-1, JOINTS, 2)[::STEP]}
