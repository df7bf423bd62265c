"""What `mutoscope evaluate` and `mutoscope data extractor` do."""

from collections.abc import Sequence
from typing import Literal

from mutoscope.data import open_clips
from mutoscope.errors import InputError
from mutoscope.evaluation.choice import check_names, in_features
from mutoscope.evaluation.evaluator import Evaluator, described, protocol_with, resizing
from mutoscope.evaluation.extractors import STEPS, Which, card, open_extractor, train_extractors
from mutoscope.evaluation.protocol import Pairing
from mutoscope.evaluation.report import Report, check_suffix
from mutoscope.evaluation.targets import open_target
from mutoscope.systems.base import System


def evaluate(
    target: str,
    data: str | None = None,
    metrics: str = "all",
    extractor: Sequence[str] | None = None,
    clips: int | None = None,
    frames: int | None = None,
    size: int | None = None,
    max_clips: int | None = None,
    pairing: Pairing | None = None,
    matched: int = 50,
    starts: int = 10,
    step: int | None = None,
    resamples: int = 100,
    seed: int = 1000,
    out: Sequence[str] | None = None,
) -> Report:
    """Measures a target, prints the protocol and the table, and writes what is asked for.

    Args:
        target: Shipped weights, a folder of weights, the folder of a run, or a folder of generated clips.
        data: Real clips: synthetic set, file or folder; for a run, by default what it held out.
        metrics: Names or groups, separated by commas: pixel, distribution, motion, identity, animation_score, all.
        extractor: Names or folders of extractors; by default some trained on the data at hand.
        clips: Clips drawn, and windows cut from real clips (default: 256, or 500 for a system that starts from
            pictures).
        frames: Frames of a clip (default: 16, or all that a system makes of a picture; fewer where no real clip is so
            long).
        size: Height and width that frames of folders are brought to (default: 64, or the system's).
        max_clips: Use only this many real clips, spread evenly over the data.
        pairing: The real clip of a generated one: the most similar window (match), the clip of the same name (name), or
            the one that begins with the input picture (start: always for a system that starts from pictures).
        matched: Generated clips for which the most similar real window is searched.
        starts: Random frames of each real clip that a system starts from.
        step: Distance between the frames of a real window (default: as the system was trained, else 1).
        resamples: Bootstrap resamples for intervals, 0 for none.
        seed: Seed of the draws, and of synthetic clips.
        out: Files to write, .json or .csv.

    Raises:
        InputError: something cannot be used, said in one line; nothing is written then.
    """
    paths = [check_suffix(path) for path in out or ()]
    if seed < 0:
        raise InputError(f"seed: {seed} is less than 0")
    opened = open_target(target, data, size=size, max_clips=max_clips, seed=seed)
    frames = opened.frames if frames is None else frames
    step = opened.step if step is None else step
    material, pairing = opened.training or opened.real, pairing or opened.pairing
    asked = [name.strip() for name in metrics.split(",")]
    check_names(asked)
    named = [
        each
        for name in extractor or (["default"] if in_features(asked) else [])
        for each in open_extractor(name, material, frames=frames, subjects=protocol_with(pairing).subjects)
    ]
    evaluator = Evaluator(
        opened.real,
        training=opened.training,
        extractors=named,
        metrics=asked,
        clips=clips,
        frames=frames,
        resamples=resamples,
        seed=seed,
        pairing=pairing,
        matched=matched,
        starts=starts,
        step=step,
    )
    rows = {target: evaluator.measure(opened.source), **evaluator.references()}
    protocol, own = evaluator.table, {}
    if isinstance(opened.source, System):
        own = opened.source.measure(opened.real, seed=seed)
    else:
        protocol |= {"generated": described(opened.source), "generated resized from": resizing(opened.source)}
    report = Report(target, protocol, rows, own, evaluator.left_out)
    report.show()
    for path in paths:
        print(report.save(path))
    return report


def train_extractor(
    data: str,
    kind: Which = "both",
    out: str | None = None,
    steps: int = STEPS,
    seed: int = 0,
    size: int = 64,
    frames: int = 16,
    channels: Literal[1, 3] = 3,
) -> None:
    """Trains extractors on clips and says where they are.

    Args:
        data: Synthetic set, or file or folder of clips; labels are used where there are any.
        kind: Features of frames, of clips, or both.
        out: Folder to write to; by default the cache.
        steps: Training steps.
        seed: Seed of weights and batches.
        size: Height and width that frames are brought to.
        frames: Frames of a clip.
        channels: 3 for colour, 1 for grey.

    Raises:
        InputError: something cannot be used, said in one line.
    """
    clips = open_clips(data, size=size, channels=channels)
    made = train_extractors(clips, kind=kind, out=out, frames=frames, steps=steps, seed=seed)
    for folder, extractor in made.items():
        print(f"{folder}: {extractor.name} ({card(extractor)})")
    folders = " ".join(f"--extractor {folder}" for folder in made)
    print(f"Use: mutoscope evaluate TARGET --data {data} {folders}")
