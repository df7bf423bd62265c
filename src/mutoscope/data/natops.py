"""NATOPS: 24 signals to aircraft, each given 20 times by 20 people, filmed at 320x240 and 20 frames a second.

Y. Song, D. Demirdjian and R. Davis, "Tracking body and hands for gesture recognition: NATOPS aircraft handling signals
database", FG 2011. Two layouts are read:

- as published: `gesture01/g01s01.avi` (gesture 1, subject 1) shows all repetitions one after the other, and
  `segmentation.txt` beside the folders says from which frame to which each lasts;
- cut: a video or a folder of frames for each repetition, `<subject>/<gesture>/<repetition>`.

Folders and videos are named as the authors' download page describes them (github.com/yalesong/natops), and gestures are
numbered as others who use the set number them. No copy of `segmentation.txt` was at hand: its form is the one that two
public readers of it expect, which differ by one frame in how they count. Here the first frame is 1 and both ends belong
to a repetition, as in the reader whose clips others train on.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from mutoscope.data.clip_folder import VIDEOS
from mutoscope.data.layouts import (
    LOOKED_AT,
    Entry,
    Frames,
    Layout,
    Listing,
    folders,
    media_entry,
    refused_entry,
    visible,
)
from mutoscope.errors import InputError
from mutoscope.media.checks import reading
from mutoscope.media.frames import FrameSource, open_frames
from mutoscope.media.images import Frame

GESTURES = (
    "I Have Command", "All Clear", "Not Clear", "Spread Wings", "Fold Wings", "Lock Wings", "Up Hook", "Down Hook",
    "Remove Tiedowns", "Remove Chocks", "Insert Chocks", "Move Ahead", "Turn Left", "Turn Right", "Next Marshaller",
    "Slow Down", "Stop", "Nosegear Steering", "Hot Brakes", "Brakes On", "Brakes Off", "Install Tiedowns", "Fire",
    "Cut Engine",
)  # fmt: skip
SEGMENTATION = "segmentation.txt"
FOLDER = re.compile(r"gesture[0-9]{2}", re.IGNORECASE)
# masks are named g01s01m, depth maps g01s01d
VIDEO = re.compile(r"g(?P<gesture>0[1-9]|1[0-9]|2[0-4])s(?P<subject>[0-9]{2})", re.IGNORECASE)
HEADING = re.compile(r"(?P<subject>\d+)\s*,\s*(?P<gesture>\d+)\s*,\s*\d+")
SPAN = re.compile(r"(?P<repetition>\d+)\s*:\s*(?P<first>\d+)\s*,\s*(?P<last>\d+)")


class Span(NamedTuple):
    """A repetition's number, its first frame and its last, all counted from one."""

    repetition: int
    first: int
    last: int


About = tuple[int, int]
"""The numbers of the subject and of the gesture that a video shows, counted from one."""


class Natops(Layout):
    """Long videos and the list of their repetitions; a clip a repetition, labelled by the gesture.

    A repetition is decoded from the start of its video: reading the whole set takes a while, once.
    """

    name = "NATOPS"
    looks_like = f"gesture<2 digits>/g<2 digits>s<2 digits>.avi and {SEGMENTATION}"

    @staticmethod
    def matches(path: Path) -> bool:
        root = _published_root(path)
        return root is not None and next(_videos(root), None) is not None

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        root = _published_root(path)
        assert root is not None  # see matches
        spans = read_segmentation(root / SEGMENTATION)
        entries: list[Entry] = []
        for video, (subject, gesture) in _videos(root):
            name, files = video.relative_to(root).as_posix(), (video, root / SEGMENTATION)
            known = {"label": gesture - 1, "subject": f"{subject:02}"}
            for span in spans.get((subject, gesture), []):
                entries.append(Entry(f"{name}[{span.repetition}]", partial(_open_span, video, span), files, known))
            if (subject, gesture) not in spans:
                expected = "expected its subject, its gesture and their repetitions"
                error = InputError(f"{video}: is not in {SEGMENTATION} ({expected})")
                entries.append(refused_entry(error, root, video, **known))
        return Listing(root, entries, list(GESTURES))


class NatopsRepetitions(Layout):
    """Repetitions cut out beforehand, in a folder for each gesture in one for each person, who becomes the subject.

    A gesture's folder has its name, in any case, with anything but letters between the words: `hot_brakes`.
    """

    name = "NATOPS, cut"
    looks_like = "<subject>/<name of a NATOPS gesture>/<video or folder of frames>"

    @staticmethod
    def matches(path: Path) -> bool:
        gestures = [gesture for subject in folders(path)[:LOOKED_AT] for gesture in folders(subject)]
        return bool(gestures) and all(_letters(folder.name) in LABELS for folder in gestures)

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        entries = [
            media_entry(path, clip, label=label, subject=subject.name)
            for subject in folders(path)
            for gesture in folders(subject)
            if (label := LABELS.get(_letters(gesture.name))) is not None
            for clip in visible(gesture)
            if clip.is_dir() or clip.suffix.lower() in VIDEOS
        ]
        return Listing(path, entries, list(GESTURES))


def read_segmentation(path: Path) -> dict[About, list[Span]]:
    """Reads where each repetition begins and ends.

    A line `subject,gesture,repetitions` is followed by lines `repetition:first,last`; lines that begin with `//` are
    remarks, and `<eof>` ends the file. What else stands on a line is ignored.

    Raises:
        InputError: the file cannot be read, or a line is none of these.
    """
    with reading(path, "text"):
        lines = path.read_text().splitlines()
    spans: defaultdict[About, list[Span]] = defaultdict(list)
    about: About | None = None
    for number, line in enumerate(map(str.strip, lines), 1):
        if line.startswith("<eof>"):
            break
        if not line or line.startswith("//"):
            continue
        if told := HEADING.match(line):
            about = int(told["subject"]), int(told["gesture"])
        elif (told := SPAN.match(line)) and about and 1 <= int(told["first"]) <= int(told["last"]):
            spans[about].append(Span(int(told["repetition"]), int(told["first"]), int(told["last"])))
        else:
            raise InputError(
                f"{path}: line {number} is {line[:40]!r} "
                "(expected subject,gesture,repetitions and then repetition:first,last)"
            )
    return dict(spans)


def _published_root(path: Path) -> Path | None:
    """The folder that holds the list of repetitions: `path`, or `data` in it, as the authors' script leaves it."""
    return next((root for root in (path, path / "data") if (root / SEGMENTATION).is_file()), None)


def _videos(root: Path) -> Iterator[tuple[Path, About]]:
    """The colour videos in `root` and in its folders of gestures."""
    gestures = [folder for folder in folders(root) if FOLDER.fullmatch(folder.name)]
    for file in (file for folder in (root, *gestures) for file in visible(folder)):
        if file.suffix.lower() in VIDEOS and (told := VIDEO.fullmatch(file.stem)):
            yield file, (int(told["subject"]), int(told["gesture"]))


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, name.lower()))


LABELS = {_letters(name): label for label, name in enumerate(GESTURES)}


def _open_span(video: Path, span: Span, channels: int) -> tuple[Frames, float | None]:
    source = open_frames(video, channels=channels)
    return _frames_of(source, span), source.fps


def _frames_of(source: FrameSource, span: Span) -> Iterator[Frame]:
    missing = span.last - span.first + 1
    for frame in islice(source, span.first - 1, span.last):
        missing -= 1
        yield frame
    if missing:
        raise InputError(
            f"{source.path}: ends before frame {span.last}, the last of repetition {span.repetition} in {SEGMENTATION}"
        )
