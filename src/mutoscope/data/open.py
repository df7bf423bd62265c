"""`open_clips`: a set of clips from the name of a synthetic set or from anything on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mutoscope.data.bair import Bair
from mutoscope.data.bu4dfe import Bu4dfe
from mutoscope.data.cache import SMALLEST_FRAME, Options, cached_clips
from mutoscope.data.celeba import CelebA
from mutoscope.data.clip_folder import ClipFolder
from mutoscope.data.clips import Clips, clips_from_arrays
from mutoscope.data.fitting import CLIP_FITS, ClipFit
from mutoscope.data.human36m import Human36m
from mutoscope.data.layouts import Layout
from mutoscope.data.mocogan_strips import MocoganStrips
from mutoscope.data.moving_mnist import MnistDigits, MovingMnistArray
from mutoscope.data.mug import Mug
from mutoscope.data.natops import Natops, NatopsRepetitions
from mutoscope.data.penn_action import PennAction
from mutoscope.data.selection import few_of_each_subject, spread
from mutoscope.data.structure_files import ImagesAndStructures, with_structures
from mutoscope.data.tracks import TRACKS
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
    size: int = 64,
    channels: int = 3,
    fit: ClipFit = "crop",
    tracks: Sequence[str] = (),
    strict: bool = False,
    seed: int = 0,
    max_clips: int | None = None,
    per_subject: int | None = None,
    **factors: Any,
) -> Clips:
    """Opens a set of clips; files are decoded once and then read from the cache.

    Args:
        source: the name of a synthetic set, or a file or folder, whose layout is detected (a folder that shares its
            name with a synthetic set is opened as "./name").
        size: height and width the frames are brought to, in pixels.
        channels: 3 (RGB) or 1 (grey).
        fit: how other shapes become square: "crop" keeps the centre, "pad" adds black bars, "stretch" deforms; "body"
            and "face" cut all frames of a clip to the same square around the person, and keep the track they need.
        tracks: what has to be known of every frame besides its pixels (see `data.tracks`): read where it lies beside
            the clips, else found in the frames, which joints and landmarks can be. Where all clips have the parameters
            "face", these stand for landmarks. Synthetic sets have what they have.
        strict: raise for the first bad file, instead of setting bad files aside in `clips.problems`.
        seed: for what is rendered (synthetic sets, and Moving MNIST from MNIST's digits), and for `per_subject`.
        max_clips: keep only this many clips, spread evenly over the set.
        per_subject: of files, keep only this many clips of each subject, drawn at random, from different folders where
            there are enough. Of VoxCeleb2, 2 gives VoxCeleb2-mini.
        factors: options of a synthetic set.

    Raises:
        InputError: nothing is there, no layout fits, no file can be read, an argument is out of range, or a track
            cannot be had.
    """
    from mutoscope.data import synthetic

    _check(size, channels, fit, tracks, max_clips=max_clips, per_subject=per_subject)
    if isinstance(source, str) and source in synthetic.NAMES:
        if per_subject:
            raise InputError(f"{source}: takes no per_subject (expected a file or folder of clips that have subjects)")
        made = synthetic.make_clips(source, size=size, channels=channels, seed=seed, max_clips=max_clips, **factors)
        _check_has(source, tracks, made.tracks or {})
        return clips_from_arrays(
            made.clips,
            name=source,
            labels=made.labels,
            label_names=made.label_names,
            subjects=made.subjects,
            factors=made.factors,
            tracks=made.tracks,
            skeleton=made.skeleton,
            layout="synthetic",
        )
    if factors:
        raise InputError(
            f"{source}: takes no {', '.join(factors)} (only synthetic sets do: {', '.join(synthetic.NAMES)})"
        )
    path = Path(source).expanduser()
    try:
        layout = detect_layout(path)
        listing = with_structures(layout.listing(path, seed))
    except OSError as error:
        raise InputError(f"{path}: cannot be listed ({error.strerror or error})") from error
    if not listing.entries:
        raise _no_clips(path)
    entries = few_of_each_subject(listing.entries, per_subject, seed) if per_subject else listing.entries
    listing = replace(listing, entries=spread(entries, max_clips))
    name = path.resolve().stem
    options = Options(size, channels, fit, tuple(tracks))
    return cached_clips(listing, options, name=name, layout=layout.name, strict=strict)


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


def _check_has(source: str, wanted: Sequence[str], tracks: Mapping[str, object]) -> None:
    lacking = [track for track in wanted if track not in tracks]
    if "face" in tracks and "landmarks" in lacking:
        lacking.remove("landmarks")  # its parameters say more
    if lacking:
        raise InputError(f"{source}: has no {', '.join(lacking)} (its tracks: {', '.join(tracks) or 'none'})")


def _check(size: int, channels: int, fit: str, tracks: Sequence[str], **counts: int | None) -> None:
    if size < SMALLEST_FRAME:
        raise InputError(f"size {size}: is too small (expected at least {SMALLEST_FRAME})")
    if channels not in (1, 3):
        raise InputError(f"channels {channels}: is not supported (expected 1 or 3)")
    if fit not in CLIP_FITS:
        raise InputError(f"fit {fit!r}: is unknown (expected one of {', '.join(CLIP_FITS)})")
    if unknown := [track for track in tracks if track not in TRACKS]:
        raise InputError(f"tracks {', '.join(unknown)}: are unknown (expected some of {', '.join(TRACKS)})")
    for name, count in counts.items():
        if count is not None and count < 1:
            raise InputError(f"{name} {count}: is too small (expected at least 1)")
