"""`open_clips`: a set of clips from the name of a synthetic set or from anything on disk."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mutoscope.data.bair import Bair
from mutoscope.data.bu4dfe import Bu4dfe
from mutoscope.data.cache import SMALLEST_FRAME, Options, cached_clips, rendered_clips
from mutoscope.data.celeba import CelebA
from mutoscope.data.clip_folder import ClipFolder
from mutoscope.data.clips import Clips, check_columns
from mutoscope.data.columns import COLUMNS, known
from mutoscope.data.fitting import CLIP_FITS, ClipFit, Size, height_and_width
from mutoscope.data.human36m import Human36m
from mutoscope.data.layouts import Layout
from mutoscope.data.mocogan_strips import MocoganStrips
from mutoscope.data.moving_mnist import MnistDigits, MovingMnistArray
from mutoscope.data.mug import Mug
from mutoscope.data.natops import Natops, NatopsRepetitions
from mutoscope.data.penn_action import PennAction
from mutoscope.data.selection import few_of_each_subject, spread
from mutoscope.data.structure_files import ImagesAndStructures, with_structures
from mutoscope.data.table import with_table
from mutoscope.data.ucf101 import Ucf101
from mutoscope.data.uva_nemo import UvaNemo
from mutoscope.data.voxceleb2 import VoxCeleb2
from mutoscope.data.weizmann import Weizmann
from mutoscope.errors import InputError

LAYOUTS: tuple[type[Layout], ...] = (
    MovingMnistArray,
    MnistDigits,
    CelebA,
    MocoganStrips,
    UvaNemo,
    Mug,
    Bu4dfe,
    PennAction,
    Human36m,
    Weizmann,
    Ucf101,
    Natops,
    NatopsRepetitions,
    VoxCeleb2,
    Bair,
    ImagesAndStructures,
    ClipFolder,
)


def open_clips(
    source: str | Path,
    *,
    size: Size = 64,
    channels: int = 3,
    fit: ClipFit = "crop",
    columns: Sequence[str] = (),
    strict: bool = False,
    seed: int = 0,
    max_clips: int | None = None,
    per_subject: int | None = None,
    **factors: Any,
) -> Clips:
    """Opens a set of clips; they are decoded or rendered once and then read from the cache.

    Columns per clip of files come from names of folders and from a table (see `data.table`).

    Args:
        source: the name of a synthetic set, or a file or folder, whose layout is detected (a folder that shares its
            name with a synthetic set is opened as "./name").
        size: what frames are brought to, in pixels: the side of a square, or height and width.
        channels: 3 (RGB) or 1 (grey).
        fit: what is done with other aspect ratios: "crop" keeps the largest central part of the right ratio, "pad" adds
            black bars, "stretch" deforms; "body" and "face" cut all frames of a clip to the same part around the
            person, and keep the column they need.
        columns: what has to be known besides pixels (see `data.columns`). Columns per frame are read where they lie
            beside the clips, else found in the frames, which joints and landmarks can be. Where all clips have the
            parameters "face", these stand for landmarks. Columns per clip come unasked, and are not missed here.
        strict: raise for the first bad file, instead of setting bad files aside in `clips.problems`.
        seed: for what is rendered (synthetic sets, and Moving MNIST from MNIST's digits), and for `per_subject`.
        max_clips: keep only this many clips, spread evenly over the set.
        per_subject: of files, keep only this many clips of each subject, drawn at random, from different folders where
            there are enough. Of VoxCeleb2, 2 gives VoxCeleb2-mini.
        factors: options of a synthetic set.

    Raises:
        InputError: nothing is there, no layout fits, no file can be read, an argument is out of range, or a column
            per frame cannot be had.
    """
    from mutoscope.data import synthetic

    height, width = height_and_width(size)
    _check(min(height, width), channels, fit, max_clips=max_clips, per_subject=per_subject)
    columns = known(columns)
    if isinstance(source, str) and source in synthetic.NAMES:
        if per_subject:
            raise InputError(f"{source}: takes no per_subject (expected a file or folder of clips that have subjects)")
        if height != width:
            raise InputError(f"{source}: is square (expected one size, not {height}x{width})")
        clips = rendered_clips(source, size=height, channels=channels, seed=seed, max_clips=max_clips, **factors)
    elif factors:
        raise InputError(
            f"{source}: takes no {', '.join(factors)} (only synthetic sets do: {', '.join(synthetic.NAMES)})"
        )
    else:
        path = Path(source).expanduser()
        try:
            layout = detect_layout(path)
            listing = with_table(with_structures(layout.listing(path, seed)), path)
        except OSError as error:
            raise InputError(f"{path}: cannot be listed ({error.strerror or error})") from error
        if not listing.entries:
            raise _no_clips(path)
        entries = few_of_each_subject(listing.entries, per_subject, seed) if per_subject else listing.entries
        listing = replace(listing, entries=spread(entries, max_clips))
        wanted = tuple(name for name in columns if COLUMNS[name].per_frame)
        options = Options((height, width), channels, fit, wanted)
        clips = cached_clips(listing, options, name=path.resolve().stem, layout=layout.name, strict=strict)
    check_columns(clips, [name for name in columns if COLUMNS[name].per_frame])
    return clips


def detect_layout(path: str | Path) -> type[Layout]:
    """The first layout in `LAYOUTS` that a file or folder has.

    Raises:
        InputError: it does not exist, or has none of them.
    """
    from mutoscope.data import synthetic

    path = Path(path)
    if not path.exists():
        raise InputError(
            f"{path}: does not exist (expected a file, a folder or a synthetic set: {', '.join(synthetic.NAMES)})"
        )
    for layout in LAYOUTS:
        if layout.matches(path):
            return layout
    raise _no_clips(path)


def _no_clips(path: Path) -> InputError:
    expected = "; ".join(layout.looks_like for layout in LAYOUTS)
    return InputError(f"{path}: holds no clips (expected one of: {expected})")


def _check(size: int, channels: int, fit: str, **counts: int | None) -> None:
    if size < SMALLEST_FRAME:
        raise InputError(f"size {size}: is too small (expected at least {SMALLEST_FRAME})")
    if channels not in (1, 3):
        raise InputError(f"channels {channels}: is not supported (expected 1 or 3)")
    if fit not in CLIP_FITS:
        raise InputError(f"fit {fit!r}: is unknown (expected one of {', '.join(CLIP_FITS)})")
    for name, count in counts.items():
        if count is not None and count < 1:
            raise InputError(f"{name} {count}: is too small (expected at least 1)")
