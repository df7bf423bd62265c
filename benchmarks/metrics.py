"""Seconds, memory and exactness of the Fréchet distance, against torchmetrics with the same features, in one run.

    python benchmarks/metrics.py [--frames 10000] [--clips 2000] [--rounds 5] [--threads 1] [--write]

torchmetrics' `FrechetInceptionDistance` gets the extractor as its `feature` module, hence the same network on the same
batches. It takes clips without further ado: with a module that tells its `num_features`, it looks at no axis but the
first. Its sums are float64 as it comes; what it computes it returns in the features' precision, so that "float64" here
also hands it float64 features.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import report
import timing
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from mutoscope.data.synthetic import make_clips
from mutoscope.metrics import feature_statistics, frechet_distance
from mutoscope.metrics.extractors import (
    Extractor,
    Kind,
    TrainedExtractor,
    load_trained_extractor,
    train_clip_extractor,
    train_frame_extractor,
)
from mutoscope.metrics.extractors.small_networks import DIMS

SIZE, LENGTH = 64, 16
FRAMES_AT_ONCE, CLIPS_AT_ONCE = 256, 32
TRAINING_STEPS = (
    20  # an extractor's speed does not depend on what it has learned; its features should not be degenerate
)
COMPARISONS = ("frames", "clips", "64 features", "2048 features")
ARMS = ("torchmetrics", "torchmetrics float64", "ours")
OFFSETS = (0, 100, 10_000, 1_000_000)
AGREEMENT = 1e-6  # how far ours may be from torchmetrics' in float64
MEMORY_FLOOR = "nothing"  # the arm that only loads libraries and data

COLUMNS = (
    "what",
    "way",
    "× torchmetrics, clock",
    "× torchmetrics, work",
    "seconds",
    "memory",
    "distance",
    "differs by",
)
EXACTNESS_COLUMNS = ("offset of all features", *ARMS)


class Given:
    """Features that are there already, as an extractor."""

    name = "given"
    kind: Kind = "frame"

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        return batch


class FeatureModule(nn.Module):
    """An extractor as torchmetrics takes it, for pixels with channels first, or for features that are given."""

    def __init__(self, extractor: Extractor, num_features: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.extractor, self.num_features, self.dtype = extractor, num_features, dtype

    def forward(self, batch: Tensor) -> Tensor:
        pixels = batch.movedim(-3, -1) if batch.ndim > 2 else batch
        return torch.from_numpy(self.extractor(pixels.numpy())).to(self.dtype)


def by_torchmetrics(
    real: np.ndarray, drawn: np.ndarray, extractor: Extractor, num_features: int, dtype: torch.dtype, batch_size: int
) -> float:
    """The distance as torchmetrics computes it."""
    metric = FrechetInceptionDistance(FeatureModule(extractor, num_features, dtype))
    if dtype == torch.float64:
        metric.set_dtype(dtype)
    for examples, is_real in ((real, True), (drawn, False)):
        for batch in torch.from_numpy(examples).split(batch_size):
            metric.update(batch.movedim(-1, -3) if batch.ndim > 2 else batch, real=is_real)
    return float(metric.compute())


def by_us(real: np.ndarray, drawn: np.ndarray, extractor: Extractor, batch_size: int) -> float:
    """The distance as this project computes it."""
    return frechet_distance(*(feature_statistics(examples, extractor, batch_size) for examples in (real, drawn)))


def arms(real: np.ndarray, drawn: np.ndarray, extractor: Extractor, dims: int, batch: int) -> dict[str, Callable]:
    """All ways to the same distance."""
    theirs = partial(by_torchmetrics, real, drawn, extractor, dims, batch_size=batch)
    return {
        "torchmetrics": partial(theirs, dtype=torch.float32),
        "torchmetrics float64": partial(theirs, dtype=torch.float64),
        "ours": partial(by_us, real, drawn, extractor, batch),
    }


# What is compared.


def correlated(count: int, dims: int, seed: int, offset: float = 0.0) -> np.ndarray:
    """Float32 features `n k` whose principal deviations fall from 1 to 1 / 100, along the same axes for any seed."""
    rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((dims, dims)))
    deviations = np.geomspace(1, 0.01, dims) * (1 + 0.2 * seed)
    features = np.random.default_rng([1, seed]).standard_normal((count, dims)) * deviations @ rotation
    return (features + offset + 0.1 * seed).astype(np.float32)


def shapes(clips: int, seed: int) -> np.ndarray:
    """Clips `n t h w c`; those of other seeds than 0 are an eighth darker."""
    rendered = np.stack(make_clips("shapes", size=SIZE, seed=seed, clips=clips, frames=LENGTH).clips)
    return rendered - rendered // 8 if seed else rendered


def prepare(name: str, folder: Path, frames: int, clips: int) -> None:
    """Writes the two sets of a comparison and, where there are pixels, the extractor."""
    folder.mkdir()
    extractor: TrainedExtractor | None = None
    if name == "frames":
        real, drawn = (np.concatenate(shapes(-(-frames // LENGTH), seed))[:frames] for seed in (0, 1))
        extractor = train_frame_extractor(real[:512], None, None, dataset="shapes", steps=TRAINING_STEPS)
    elif name == "clips":
        real, drawn = (shapes(clips, seed) for seed in (0, 1))
        extractor = train_clip_extractor(list(real[:64]), None, frames=LENGTH, dataset="shapes", steps=TRAINING_STEPS)
    else:
        real, drawn = (correlated(frames, int(name.split()[0]), seed) for seed in (0, 1))
    np.save(folder / "real.npy", real)
    np.save(folder / "drawn.npy", drawn)
    if extractor is not None:
        extractor.save(folder / "extractor")


def load(name: str, folder: Path) -> dict[str, Callable[[], float]]:
    """The arms of a comparison that was prepared, ready to run."""
    real, drawn = (np.load(folder / f"{which}.npy") for which in ("real", "drawn"))
    dims = real.shape[1] if name.endswith("features") else DIMS
    extractor = Given() if name.endswith("features") else load_trained_extractor(folder / "extractor")
    return arms(real, drawn, extractor, dims, CLIPS_AT_ONCE if name == "clips" else FRAMES_AT_ONCE)


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds, speed against torchmetrics, memory and result of every arm."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "prepared"
        prepare(name, folder, options.frames, options.clips)
        threads = ["--threads", str(options.threads)]
        memory = {
            arm: timing.peak_memory("--peak-memory", arm, name, str(folder), *threads) for arm in (MEMORY_FLOOR, *ARMS)
        }
        ways = load(name, folder)
    found = {arm: run() for arm, run in ways.items()}
    difference = {arm: abs(distance / found["torchmetrics float64"] - 1) for arm, distance in found.items()}
    if difference["ours"] > AGREEMENT:
        raise SystemExit(
            f"{name}: ours differs from torchmetrics by {difference['ours']:.0e} (at most {AGREEMENT:.0e})"
        )
    timings = timing.alternate(ways, options.rounds, warm_up=0)
    return {
        arm: {
            "seconds": timing.seconds(timings[arm]),
            "speedup": timing.speedup(timings["torchmetrics"], timings[arm]),
            "memory": memory[arm] - memory[MEMORY_FLOOR],
            "distance": found[arm],
            "difference": difference[arm],
        }
        for arm in ARMS
    }


def two_pass_distance(real: np.ndarray, drawn: np.ndarray) -> float:
    """The distance from the moments of all features at once, `Tr (Σ1 Σ2)^½` as that of `(Σ1^½ Σ2 Σ1^½)^½`."""
    (mean_a, covariance_a), (mean_b, covariance_b) = (
        (features.mean(0), np.cov(features, rowvar=False)) for features in (real.astype(float), drawn.astype(float))
    )
    values, vectors = np.linalg.eigh(covariance_a)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    trace = np.sqrt(np.linalg.eigvalsh(root @ covariance_b @ root).clip(0)).sum()
    return float(np.square(mean_a - mean_b).sum() + np.trace(covariance_a) + np.trace(covariance_b) - 2 * trace)


def exactness(count: int, dims: int = 64, batch_size: int = 100) -> dict[str, dict[str, float]]:
    """The relative error of each arm's distance in many batches, for features far from 0."""
    errors = {}
    for offset in OFFSETS:
        real, drawn = (correlated(count, dims, seed, offset) for seed in (0, 1))
        expected = two_pass_distance(real, drawn)
        ways = arms(real, drawn, Given(), dims, batch_size)
        errors[f"{offset:,}"] = {arm: abs(run() / expected - 1) for arm, run in ways.items()}
    return errors


# The page.


def rows(results: dict[str, Any]) -> report.Rows:
    return [
        (
            name,
            arm,
            report.spread(found["speedup"]["wall"]),
            report.spread(found["speedup"]["cpu"]),
            seconds(found["seconds"]["wall"]),
            f"{found['memory']:.0f} MiB",
            f"{found['distance']:.5g}",
            f"{found['difference']:.0e}",
        )
        for name, measured in results["comparisons"].items()
        for arm, found in measured.items()
    ]


def seconds(value: dict[str, float]) -> str:
    return f"{value['median']:.2g} ({value['low']:.2g}–{value['high']:.2g})"


def exactness_rows(results: dict[str, Any]) -> report.Rows:
    return [(offset, *(f"{error:.0e}" for error in errors.values())) for offset, errors in results["exactness"].items()]


def page(results: dict[str, Any]) -> Iterator[str]:
    """The paragraphs of reports/benchmarks_metrics.md."""
    frames, clips = f"{results['frames']:,}", f"{results['clips']:,}"
    yield "# Benchmarks of the Fréchet distance"
    yield report.INTRODUCTION
    yield "## Time and memory"
    yield (
        f"*Frames*: {frames} frames of {SIZE}×{SIZE} against as many, features of the small ResNet (64). *Clips*: "
        f"{clips} clips of {LENGTH} frames of {SIZE}×{SIZE} against as many, features of the small R(2+1)D (64). Both "
        f"extractors were trained for {TRAINING_STEPS} steps only: how fast they are does not depend on what they have "
        f"learned. *64 features*, *2048 features*: {frames} given vectors of so many correlated numbers against as "
        "many, so that only statistics and distance are timed."
    )
    yield (
        "`torchmetrics` is its `FrechetInceptionDistance` with the same extractor as `feature` module, fed the same "
        "batches. Its sums are float64 as it comes, its result has the features' precision; *float64* is after "
        "`set_dtype(torch.float64)`, with the features cast to float64 too. Clips it takes as they are: with a module "
        "that tells its `num_features`, it looks at no axis but the first."
    )
    yield report.markdown(COLUMNS, rows(results))
    yield (
        "× is how many times faster than `torchmetrics`. *Memory* is the peak of a process of its own, above one that "
        "only loads the libraries, the data and the extractor. *Differs by*: relative difference of the distance from "
        f"torchmetrics' in float64; a run stops where it is above {AGREEMENT:.0e} for ours."
    )
    yield what_it_shows(results)
    yield "## Exactness"
    yield (
        f"Relative error of the distance of {frames} float32 feature vectors of 64 numbers, in batches of 100, when "
        "all features lie far from 0 (their deviations are 0.01 to 1.2). The truth is numpy's covariance of all "
        "features at once, in float64. torchmetrics sums products of features and subtracts the product of means, so "
        "it loses the digits that the offset takes up; ours combines deviations from the means of batches."
    )
    yield report.markdown(EXACTNESS_COLUMNS, exactness_rows(results))
    yield report.how(results)


def what_it_shows(results: dict[str, Any]) -> str:
    """The table in words."""
    sentences = []
    for name, measured in results["comparisons"].items():
        ours = measured["ours"]["speedup"]["cpu"]
        if ours["low"] > 1.05:
            verdict = "less than torchmetrics' in every round"
        elif ours["high"] < 0.95:
            verdict = "**more** than torchmetrics' in every round"
        else:
            verdict = "no clear difference"
        sentences.append(f"{name}: {verdict} ({report.spread(ours)})")
    return f"Our work, and × in brackets; below 5% nothing counts as a difference: {'; '.join(sentences)}."


def show(results: dict[str, Any]) -> None:
    console = report.wide_console()
    report.show(console, "Fréchet distance", COLUMNS, rows(results))
    report.show(console, "Relative error of the distance", EXACTNESS_COLUMNS, exactness_rows(results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000, help="frames, and feature vectors, of each set")
    parser.add_argument("--clips", type=int, default=2000, help="clips of each set")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads, of torch and of numpy")
    parser.add_argument("--write", action="store_true", help="write reports/benchmarks_metrics.md and its data")
    parser.add_argument("--peak-memory", nargs=3, metavar=("ARM", "COMPARISON", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with threadpool_limits(options.threads):
        if options.peak_memory:
            arm, name, folder = options.peak_memory
            ways = load(name, Path(folder))
            if arm != MEMORY_FLOOR:
                ways[arm]()
            timing.print_peak_memory()
            return
        results = {
            "machine": timing.machine(),
            "frames": options.frames,
            "clips": options.clips,
            "comparisons": {name: measure(name, options) for name in COMPARISONS},
            "exactness": exactness(options.frames),
        }
    show(timing.plain(results))
    if options.write:
        timing.save("metrics", results)
        report.write_page("metrics", page(timing.plain(results)))


if __name__ == "__main__":
    main()
