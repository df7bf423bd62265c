"""Which features to measure in: extractors trained on the data at hand and kept in the cache, or those a user names."""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import FileLock
from jaxtyping import Int64

from mutoscope.data.cache import cache_folder
from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.evaluation.samples import evenly, frames_of, labels_of
from mutoscope.metrics import extractors
from mutoscope.metrics.extractors import Extractor, Kind, PixelPCA, TrainedExtractor
from mutoscope.metrics.extractors.base import Tells
from mutoscope.metrics.extractors.trained import CONFIG_FILE, extractor_name

MOST_CLIPS, MOST_FRAMES = 1000, 10_000  # that an extractor is trained on
STEPS = 400
VERSION: dict[Kind, int] = {"frame": 1, "clip": 2}  # raised whenever the same clips would give other extractors

Which = Literal["frame", "clip", "both"]


def default_extractors(data: Clips, *, frames: int = 16, subjects: bool = False) -> list[Extractor]:
    """A frame ResNet and a clip R(2+1)D trained on `data` (once, then kept in the cache), and components of its pixels.

    Those that the data is too small for are left out, which is said on screen.

    Args:
        data: real clips.
        frames: frames of a clip.
        subjects: whether to add a frame ResNet that tells the subjects, to measure identity in, where there are some.
    """
    makers: list[Callable[[], Extractor]] = [
        lambda: _trained(data, "frame", frames, STEPS, 0, None),
        lambda: _trained(data, "clip", frames, STEPS, 0, None),
        lambda: PixelPCA().fit(frames_of(data, MOST_FRAMES)),
    ]
    if subjects and has_subjects(data):
        makers.append(lambda: _trained(data, "frame", frames, STEPS, 0, None, "subjects"))
    found = []
    for make in makers:
        try:
            found.append(make())
        except InputError as error:
            print(f"extractor left out: {error}", file=sys.stderr)
    return found


def open_extractor(name: str, data: Clips, *, frames: int = 16, subjects: bool = False) -> list[Extractor]:
    """The extractors that a name or folder means.

    Args:
        name: `default`, a name that `mutoscope.metrics.extractors.open_extractor` knows (`inception2048`,
            `i3d400=FILE`, `pca64-pixels`, …), or a folder with one trained extractor or several.
        data: real clips, for those that are made from data.
        frames: frames of a clip.
        subjects: as for `default_extractors`.

    Raises:
        InputError: there is no such extractor, or its file is missing or damaged.
    """
    if name == "default":
        return default_extractors(data, frames=frames, subjects=subjects)
    folders = sorted(file.parent for file in Path(name).glob(f"*/{CONFIG_FILE}"))
    if folders:
        return [extractors.open_extractor(folder) for folder in folders]
    found = extractors.open_extractor(name)
    return [found.fit(frames_of(data, MOST_FRAMES)) if isinstance(found, PixelPCA) else found]


def train_extractors(
    data: Clips,
    *,
    kind: Which = "both",
    out: str | Path | None = None,
    frames: int = 16,
    steps: int = STEPS,
    seed: int = 0,
) -> dict[Path, TrainedExtractor]:
    """Trains a frame extractor, a clip extractor or both on clips, and saves each with its card.

    Args:
        data: clips; with labels, the extractors learn to tell them, otherwise they are trained without supervision.
        kind: which.
        out: folder for one, or for the folders of both; by default the cache, where `default_extractors` looks.
        frames: frames of a clip; shorter clips are passed over by the clip extractor.
        steps: of training.
        seed: of weights and batches.

    Returns:
        The folders, and what is in them.

    Raises:
        InputError: there are too few or too short clips, or the folder cannot be written.
    """
    kinds: Sequence[Kind] = ("frame", "clip") if kind == "both" else (kind,)
    made = {}
    for each in kinds:
        folder = None if out is None else Path(out) / extractor_name(each, data.name) if kind == "both" else Path(out)
        extractor = _trained(data, each, frames, steps, seed, folder)
        made[folder or cached_folder(data, each, frames, steps, seed)] = extractor
    return made


def cached_folder(data: Clips, kind: Kind, frames: int, steps: int, seed: int, tells: Tells = "labels") -> Path:
    """Where the cache keeps an extractor: a name that is equal for equal clips and recipes."""
    if data.pixel_file is not None:
        content = data.pixel_file.parent.name  # named after the content of the files
    else:
        content = hashlib.blake2b(np.ascontiguousarray(data.pixels).data, digest_size=16).hexdigest()
    recipe: dict[str, Any] = {
        "version": VERSION[kind],
        "kind": kind,
        "frames": frames if kind == "clip" else 1,
        "steps": steps,
        "seed": seed,
        "name": data.name,
        "content": content,
        "records": [(record.start, record.length, record.mirrored) for record in data.records],
        "label": data.column("label"),
        "labels": data.label_names,
    }
    if tells == "subjects":
        recipe["subjects"] = data.column("subject")
    key = hashlib.blake2b(json.dumps(recipe).encode(), digest_size=8).hexdigest()
    return cache_folder() / "extractors" / f"{extractor_name(kind, data.name, tells)}-{key}"


def _trained(
    data: Clips, kind: Kind, frames: int, steps: int, seed: int, out: Path | None, tells: Tells = "labels"
) -> TrainedExtractor:
    """An extractor from the cache, or trained now and kept there or in `out`; says what takes time."""
    name = extractor_name(kind, data.name, tells)
    enough = len(data) if kind == "frame" else int((data.lengths >= frames).sum())
    if enough < 2:
        raise InputError(f"{name}: {enough} clips of {frames} frames or more (expected at least 2)")
    folder = out or cached_folder(data, kind, frames, steps, seed, tells)
    if out is None and (folder / CONFIG_FILE).is_file():
        return extractors.load_trained_extractor(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    except OSError as error:
        raise InputError(f"{folder.parent}: cannot be written ({error.strerror or error})") from error
    with lock:
        if out is None and (folder / CONFIG_FILE).is_file():
            return extractors.load_trained_extractor(folder)
        print(f"training {name}, {steps} steps ...", file=sys.stderr, flush=True)
        began = time.perf_counter()
        if kind == "frame":
            extractor = _train_on_frames(data, steps, seed, tells)
        else:
            extractor = _train_on_clips(data, frames, steps, seed)
        extractor.save(folder)
    print(f"{folder}: trained in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return extractor


def _train_on_frames(data: Clips, steps: int, seed: int, tells: Tells) -> TrainedExtractor:
    chosen = evenly(data.total_frames, MOST_FRAMES)
    clip_of = np.repeat(np.arange(len(data)), data.lengths)[chosen]
    labels, classes = _subjects(data) if tells == "subjects" else _labels(data)
    return extractors.train_frame_extractor(
        data.frames_at(chosen),
        None if labels is None else labels[clip_of],
        clip_of,
        dataset=data.name,
        classes=classes,
        tells=tells,
        steps=steps,
        seed=seed,
    )


def _train_on_clips(data: Clips, frames: int, steps: int, seed: int) -> TrainedExtractor:
    long = np.flatnonzero(data.lengths >= frames)
    if len(long) > MOST_CLIPS:  # at random: labels in turn and even distances would leave whole labels out
        long = np.random.default_rng(seed).permutation(long)[:MOST_CLIPS]
    labels, classes = _labels(data)
    return extractors.train_clip_extractor(
        [data[i].frames for i in long],
        None if labels is None else labels[long],
        frames=frames,
        dataset=data.name,
        classes=classes,
        steps=steps,
        seed=seed,
    )


def has_subjects(data: Clips) -> bool:
    """Whether clips name several subjects that their labels do not already tell apart."""
    labelled = set(zip(data.column("label"), data.column("subject"), strict=True))
    return data.has("subject") and len(labelled) > len({label for label, _ in labelled})


def _subjects(data: Clips) -> tuple[Int64[np.ndarray, " clips"], list[str]]:
    """The number of each clip's subject, and the name of each."""
    names, numbers = np.unique(data.column("subject"), return_inverse=True)
    return numbers.astype(np.int64), names.tolist()


def _labels(data: Clips) -> tuple[Int64[np.ndarray, " clips"] | None, list[str]]:
    """The label of each clip and the name of each, if all clips have one and there are several."""
    labels = labels_of(data)
    return (None, []) if labels is None or len(data.label_names) < 2 else (labels, data.label_names)


def card(extractor: TrainedExtractor) -> str:
    """What is known of a trained extractor, in a line."""
    facts = {key: value for key, value in asdict(extractor.training).items() if value is not None}
    return ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in facts.items()
    )
