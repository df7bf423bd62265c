"""Training of the small extractors: by labels or, without, by contrast; of clips also by how they are played."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.metrics.extractors.base import Tells, centre_window, in_batches
from mutoscope.metrics.extractors.small_networks import DIMS
from mutoscope.metrics.extractors.trained import Input, TrainedExtractor, Training, extractor_name, new_network
from mutoscope.metrics.extractors.views import PLAYS, augmented, nt_xent, play_order, retrieval_accuracy

HELD_OUT_SHARE = 0.2
LARGEST_FRAME, LARGEST_CLIP = 64, 48
FRAMES_A_STEP, CLIPS_A_STEP = 64, 16
LEARNING_RATE, WEIGHT_DECAY = 3e-3, 0.05
MOST_VIEWS = 256
"""Held-out examples whose views are compared."""

Pixels = UInt8[np.ndarray, "n *t h w c"]


Batch = tuple[Pixels, np.ndarray, np.ndarray | None]
"""Examples of one step: pixels, which examples they are and, for clips, how they are played."""


class Teacher(nn.Module):
    """A network with what it is taught by; everything but the network is thrown away in the end.

    Args:
        input: what the network takes; from clips it also tells the way they are played.
        classes: how many it tells apart.
        device: where to train.
    """

    def __init__(self, input: Input, classes: int, device: str) -> None:
        super().__init__()
        self.input, self.device = input, device
        self.network = new_network(input, classes)
        self.projection = nn.Sequential(nn.Linear(DIMS, DIMS), nn.ReLU(), nn.Linear(DIMS, DIMS))
        self.plays = nn.Linear(DIMS, len(PLAYS)) if input.frames is not None else None
        self.to(device)

    def loss(
        self,
        images: Float[Tensor, "n *t c h w"],
        labels: Int[Tensor, "n"] | None,
        plays: Int[Tensor, "n"] | None,
        generator: torch.Generator,
    ) -> Float[Tensor, ""]:
        """Cross-entropy of the labels, or the contrast of two views, plus the cross-entropy of the ways of playing."""
        views = 1 if labels is not None else 2
        features = self.network(torch.cat([augmented(images, generator) for _ in range(views)]))
        if labels is None:
            first, second = self.projection(features).chunk(2)
            loss = nt_xent(first, second)
        else:
            assert self.network.classifier is not None
            # an action played backwards may be another one
            told = slice(None) if plays is None else plays == PLAYS.index("forward")
            loss = F.cross_entropy(self.network.classifier(features[told]), labels[told])
        if plays is not None and self.plays is not None:
            loss = loss + F.cross_entropy(self.plays(features), plays.repeat(views))
        return loss

    def told(self, head: nn.Module | None, examples: Pixels) -> Int[np.ndarray, "n"]:
        """What one of the linear layers on the features says of each example."""
        assert head is not None
        return self.in_batches(lambda images: head(self.network(images)), examples).argmax(1)

    def in_batches(self, compute: Callable[[Tensor], Tensor], examples: Pixels) -> Float32[np.ndarray, "n k"]:
        return in_batches(lambda part: compute(self.input.tensor(part, self.device)), examples, CLIPS_A_STEP)


def train_frame_extractor(
    frames: UInt8[np.ndarray, "n h w c"],
    labels: Int[np.ndarray, "n"] | None,
    clip_index: Int[np.ndarray, "n"] | None,
    *,
    dataset: str,
    classes: Sequence[str] = (),
    tells: Tells = "labels",
    steps: int = 400,
    seed: int = 0,
    device: str = "cpu",
) -> TrainedExtractor:
    """Trains a `SmallResNet` on frames, to tell their labels or, without labels, to tell the frames apart.

    Without labels two augmented views of one frame are to find each other (SimCLR); other frames of the same clip are
    among those they are found from, so that features see what changes within a clip.

    Args:
        frames: real frames; they are brought to at most 64 × 64.
        labels: class of each frame, an index into `classes`.
        clip_index: which clip each frame is of, so that the held-out fifth shares no clip with the rest; None takes
            each frame for a clip.
        dataset: names the extractor, `resnet64-<dataset>`.
        classes: names of the classes; none without labels.
        tells: whether the classes are labels or the subjects that frames show.
        steps: optimiser steps of 64 frames.
        seed: of weights, batches and what is held out; the same seed on the same CPU gives the same extractor.
        device: where to train, and later to extract.

    Raises:
        InputError: labels and classes do not fit each other, or there are fewer than two clips.
    """
    name = extractor_name("frame", dataset, tells)
    _check_labels(name, labels, classes, len(frames))
    groups = np.arange(len(frames)) if clip_index is None else clip_index
    train, held_out = _split(name, groups, seed)
    input = Input(frames.shape[3], min(max(frames.shape[1:3]), LARGEST_FRAME), None)

    def draw(rng: np.random.Generator) -> Batch:
        rows = rng.choice(train, FRAMES_A_STEP)
        return frames[rows], rows, None

    teacher = _fit(draw, input, labels, len(classes), steps, seed, device)
    accuracy = _accuracy(teacher, frames[held_out], None if labels is None else labels[held_out], seed)
    training = Training(dataset, len(train), len(held_out), accuracy, None, steps, seed, tells)
    return _standardised(TrainedExtractor(teacher.network, input, list(classes), training, device), frames)


def train_clip_extractor(
    clips: Sequence[UInt8[np.ndarray, "_ h w c"]],
    labels: Int[np.ndarray, "n"] | None,
    *,
    frames: int = 16,
    dataset: str,
    classes: Sequence[str] = (),
    steps: int = 300,
    seed: int = 0,
    device: str = "cpu",
) -> TrainedExtractor:
    """Trains a `SmallR2Plus1D` on windows of clips, by labels or contrast, and to tell how a window is played.

    Half of each batch plays forward, the rest backward, shuffled, frozen or slow. Labels count only where it plays
    forward.

    Args:
        clips: real clips of one frame size, which is brought to at most 48 × 48.
        labels: class of each clip, an index into `classes`.
        frames: length of a window, at least 8.
        dataset: names the extractor, `r2plus1d64-<dataset>`.
        classes: names of the classes; none without labels.
        steps: optimiser steps of 16 clips.
        seed: of weights, batches and what is held out; the same seed on the same CPU gives the same extractor.
        device: where to train, and later to extract.

    Raises:
        InputError: labels and classes do not fit each other, there are fewer than two clips, or one is shorter than a
            window.
    """
    name = extractor_name("clip", dataset)
    _check_labels(name, labels, classes, len(clips))
    short = [index for index, clip in enumerate(clips) if len(clip) < frames]
    if short:
        raise InputError(f"{name}: clip {short[0]} has {len(clips[short[0]])} frames (expected at least {frames})")
    train, held_out = _split(name, np.arange(len(clips)), seed)
    input = Input(clips[0].shape[3], min(max(clips[0].shape[1:3]), LARGEST_CLIP), frames)

    def draw(rng: np.random.Generator) -> Batch:
        rows = rng.choice(train, CLIPS_A_STEP)
        plays = np.where(np.arange(len(rows)) % 2, rng.integers(1, len(PLAYS), len(rows)), 0)
        starts = [rng.integers(len(clips[row]) - frames + 1) for row in rows]
        orders = [start + play_order(int(play), frames, rng) for start, play in zip(starts, plays, strict=True)]
        return np.stack([clips[row][order] for row, order in zip(rows, orders, strict=True)]), rows, plays

    teacher = _fit(draw, input, labels, len(classes), steps, seed, device)
    middles = np.concatenate([centre_window(clip[None], frames, name) for clip in clips])
    accuracy = _accuracy(teacher, middles[held_out], None if labels is None else labels[held_out], seed)
    play_accuracy = _play_accuracy(teacher, middles[held_out], seed)
    training = Training(dataset, len(train), len(held_out), accuracy, play_accuracy, steps, seed)
    return _standardised(TrainedExtractor(teacher.network, input, list(classes), training, device), middles)


def _check_labels(name: str, labels: Int[np.ndarray, "n"] | None, classes: Sequence[str], examples: int) -> None:
    if labels is None:
        if classes:
            raise InputError(f"{name}: {len(classes)} classes without labels (expected both or neither)")
        return
    if len(labels) != examples:
        raise InputError(f"{name}: {len(labels)} labels for {examples} examples (expected one each)")
    if not classes or labels.min() < 0 or labels.max() >= len(classes):
        raise InputError(
            f"{name}: labels from {labels.min()} to {labels.max()} for {len(classes)} classes (expected indices)"
        )


def _split(name: str, groups: Int[np.ndarray, "n"], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of training and held-out examples, which share no group."""
    distinct = np.unique(groups)
    if len(distinct) < 2:
        raise InputError(f"{name}: {len(distinct)} clip (expected at least 2, of which some are held out)")
    count = max(round(HELD_OUT_SHARE * len(distinct)), 1)
    chosen = np.isin(groups, np.random.default_rng(seed).permutation(distinct)[:count])
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _fit(
    draw: Callable[[np.random.Generator], Batch],
    input: Input,
    labels: Int[np.ndarray, "n"] | None,
    classes: int,
    steps: int,
    seed: int,
    device: str,
) -> Teacher:
    """Trains a new network on what `draw` gives (AdamW, one cycle of the rate)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        teacher = Teacher(input, classes, device)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(teacher.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    for _ in range(steps):
        pixels, rows, ways = draw(rng)
        targets = None if labels is None else torch.from_numpy(labels[rows]).long().to(device)
        plays = None if ways is None else torch.from_numpy(ways).to(device)
        loss = teacher.loss(input.tensor(pixels, device), targets, plays, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return teacher.eval()


def _accuracy(teacher: Teacher, examples: Pixels, labels: Int[np.ndarray, "n"] | None, seed: int) -> float:
    """Share of held-out examples whose label is told or, without labels, whose two views find each other."""
    if labels is not None:
        return float((teacher.told(teacher.network.classifier, examples) == labels).mean())
    generator = torch.Generator().manual_seed(seed)
    chosen = examples[np.linspace(0, len(examples) - 1, min(len(examples), MOST_VIEWS)).round().astype(int)]
    first, second = (
        teacher.in_batches(lambda images: teacher.projection(teacher.network(augmented(images, generator))), chosen)
        for _ in range(2)
    )
    return retrieval_accuracy(torch.from_numpy(first), torch.from_numpy(second))


def _play_accuracy(teacher: Teacher, clips: UInt8[np.ndarray, "n t h w c"], seed: int) -> float:
    """Share of held-out clips, played in every way, whose way is told."""
    rng = np.random.default_rng(seed)
    told = []
    for play in range(len(PLAYS)):
        played = np.stack([clip[play_order(play, clips.shape[1], rng)] for clip in clips])
        told.append((teacher.told(teacher.plays, played) == play).mean())
    return float(np.mean(told))


def _standardised(extractor: TrainedExtractor, examples: Pixels) -> TrainedExtractor:
    """Folds each feature's mean and deviation over the examples into the layers before and after it."""
    features = extractor(examples).astype(np.float64)
    mean, deviation = (torch.from_numpy(each) for each in (features.mean(0), features.std(0).clip(min=1e-6)))
    network = extractor.network
    with torch.no_grad():
        mean, deviation = mean.to(network.features.weight), deviation.to(network.features.weight)
        network.features.bias.sub_(mean).div_(deviation)
        network.features.weight.div_(deviation[:, None])
        if network.classifier is not None:
            network.classifier.bias.add_(network.classifier.weight @ mean)
            network.classifier.weight.mul_(deviation)
    return extractor
