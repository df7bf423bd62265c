"""Any folder of clips, which is how users bring their own: videos, GIFs, arrays, strips, or folders of frames."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from mutoscope.data.layouts import (
    LOOKED_AT,
    PICTURES,
    Entry,
    Layout,
    Listing,
    is_animation,
    media_entry,
    picture_entry,
    picture_shape,
    refused_entry,
    stray_entry,
    strip_entry,
    strips_among,
    visible,
)
from mutoscope.data.stacks import Stack, is_stack
from mutoscope.errors import InputError

VIDEOS = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv"}
MakeEntry = Callable[..., Entry]


class ClipFolder(Layout):
    """A folder, at any depth, of clips; or one clip.

    The first folder above a clip is its class, and becomes its label; the second, if there are two, its subject:
    `root/clip`, `root/class/clip`, `root/class/subject/clip`. The pictures in one folder are strips if most have the
    shape of strips; else the frames of one clip if they have one size; else clips of one frame each. Pictures that are
    not strips but have clips beside or below them, such as a preview, are set aside. An array file may hold many clips.
    """

    name = "clip folder"
    looks_like = "[class/[subject/]]<video, GIF, .npy, .npz, strip or folder of frames>"

    @staticmethod
    def matches(path: Path) -> bool:
        return next(_clips_below(path), None) is not None

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        clips = list(_clips_below(path))
        itself = {clip for clip, _ in clips} == {path}
        root = path.parent if itself else path
        above = [() if itself else clip.relative_to(path).parent.parts for clip, _ in clips]
        label_names = sorted({folders[0] for folders in above if folders})
        entries: list[Entry] = []
        for (clip, make_entry), folders in zip(clips, above, strict=True):
            label = label_names.index(folders[0]) if folders else None
            entries.append(make_entry(root, clip, label=label, subject=folders[1] if len(folders) > 1 else None))
        return Listing(root, entries, label_names)


def _clips_below(path: Path) -> Iterator[tuple[Path, MakeEntry]]:
    """The files and folders at or below `path` that are clips, and what makes their entries."""
    if not path.is_dir():
        if is_stack(path):
            yield from _clips_of_stack(path)
        elif path.suffix.lower() in VIDEOS | PICTURES | {".npy"} or is_animation(path):
            yield path, media_entry
        return
    contents = visible(path)
    pictures = [item for item in contents if item.suffix.lower() in PICTURES and item.is_file()]
    pictures = [picture for picture in pictures if not is_animation(picture)]
    stills = set(pictures)
    others = [clip for item in contents if item not in stills for clip in _clips_below(item)]
    yield from _clips_of_pictures(path, pictures, alone=not others)
    yield from others


def _clips_of_stack(path: Path) -> Iterator[tuple[Path, MakeEntry]]:
    try:
        stack = Stack(path)
    except InputError as error:
        yield path, partial(refused_entry, error)
    else:
        yield from ((path, partial(stack.entry, i=i)) for i in range(len(stack)))


def _clips_of_pictures(folder: Path, pictures: list[Path], *, alone: bool) -> Iterator[tuple[Path, MakeEntry]]:
    if strips_among(pictures):
        yield from ((picture, strip_entry) for picture in pictures)
    elif not alone:
        yield from ((picture, stray_entry) for picture in pictures)
    elif len({picture_shape(picture) for picture in pictures[:LOOKED_AT]} - {None}) > 1:
        yield from ((picture, picture_entry) for picture in pictures)
    elif pictures:
        yield folder, media_entry
