"""Extractors trained on the data at hand: use, save, load."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, UInt8
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.files import replacing
from mutoscope.media.tensors import uint8_to_float
from mutoscope.metrics.extractors.base import Kind, Tells, centre_window, in_batches, resized, with_channels
from mutoscope.metrics.extractors.published import load_state
from mutoscope.metrics.extractors.small_networks import DIMS, SmallR2Plus1D, SmallResNet
from mutoscope.metrics.extractors.views import PLAYS

CONFIG_FILE, WEIGHTS_FILE, CARD_FILE = "config.json", "model.safetensors", "README.md"
FRAMES_AT_ONCE, CLIPS_AT_ONCE = 256, 32


@dataclass(frozen=True)
class Training:
    """What an extractor was trained on, and what it has learned.

    Attributes:
        dataset: its name.
        trained_on: number of frames or clips the weights were fitted to.
        held_out: number of frames or clips, of other clips, that `accuracy` is measured on.
        accuracy: share of them whose class is told; without classes, share whose two views find each other, among up to
            256 of them.
        play_accuracy: share of held-out clips, each played in every way of `PLAYS`, whose way is told; None for frames.
        steps: optimiser steps.
        seed: of weights, batches and the held-out draw.
        tells: what its classes are, if it has any.
    """

    dataset: str
    trained_on: int
    held_out: int
    accuracy: float
    play_accuracy: float | None
    steps: int
    seed: int
    tells: Tells = "labels"


@dataclass(frozen=True)
class Input:
    """What a network takes: `channels`, `size` (height and width in pixels) and `frames` (None for single frames)."""

    channels: int
    size: int
    frames: int | None

    def tensor(self, batch: UInt8[np.ndarray, "n *t h w _"], device: str) -> Float[Tensor, "n *t c s s"]:
        """Brings pixels to channels and size, in [-1, 1], on the device."""
        return resized(uint8_to_float(with_channels(batch, self.channels), device), self.size, self.size)


class TrainedExtractor:
    """A small network trained on the data at hand, as 64 features of mean 0 and variance 1 over that data.

    Any frame size is brought to the training size (bilinear, antialiased), grey and RGB to what was trained with, and
    of longer clips the centre window is used.

    Attributes:
        name: `resnet64-<dataset>` (frames) or `r2plus1d64-<dataset>` (clips), with `-subjects` if it tells these.
        kind: "frame" or "clip".
        tells: what its classes are; features that tell subjects serve to measure identity.
        classes: the name of each class; empty if it was trained without labels.
        training: what it was trained on.
        input: what the network takes.
    """

    def __init__(
        self,
        network: SmallResNet | SmallR2Plus1D,
        input: Input,
        classes: list[str],
        training: Training,
        device: str = "cpu",
    ) -> None:
        self.kind: Kind = "frame" if input.frames is None else "clip"
        self.tells: Tells = training.tells
        self.name = extractor_name(self.kind, training.dataset, self.tells)
        self.classes = classes
        self.training = training
        self.input = input
        self.network = network.eval().to(device)
        self._device = device

    def __call__(self, batch: UInt8[np.ndarray, "n *t h w c"], /) -> Float32[np.ndarray, "n 64"]:
        """Features of each frame or clip.

        Raises:
            InputError: frames where clips are expected or the other way round, or clips that are too short.
        """
        return self._compute(batch, classify=False)

    def probabilities(self, batch: UInt8[np.ndarray, "n *t h w c"], /) -> Float32[np.ndarray, "n classes"]:
        """The probability of each class; rows sum to 1.

        Raises:
            InputError: it was trained without classes, or as for a call.
        """
        if self.network.classifier is None:
            raise InputError(f"{self.name}: has no classes (expected an extractor trained with labels)")
        return self._compute(batch, classify=True)

    @property
    def digest(self) -> str:
        """SHA-256 of the weights as they are saved, in hexadecimal."""
        return sha256(self._serialised()).hexdigest()

    def save(self, folder: str | Path) -> Path:
        """Writes `config.json`, `model.safetensors` and a card, `README.md`, whole or not at all; returns the folder.

        Raises:
            InputError: the folder cannot be written.
        """
        config = {
            "kind": self.kind,
            "input": asdict(self.input),
            "classes": self.classes,
            "training": asdict(self.training),
            "sha256": self.digest,
        }
        with replacing(folder) as temporary:
            temporary.mkdir()
            (temporary / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n")
            (temporary / WEIGHTS_FILE).write_bytes(self._serialised())
            (temporary / CARD_FILE).write_text(self.card())
        return Path(folder)

    def card(self) -> str:
        """The model card, in Markdown."""
        training, frames = self.training, self.input.frames
        several = f"{len(self.classes)} subjects" if self.tells == "subjects" else ", ".join(self.classes)
        taught = f"to tell {several}" if self.classes else "without labels, to tell them apart"
        right = "classified correctly" if self.classes else "recognised in another view, among all of these"
        facts = [
            f"Trained on {training.trained_on} {self.kind}s of `{training.dataset}`, {taught}.",
            f"Held out: {training.held_out} {self.kind}s of other clips, {training.accuracy:.1%} of them {right}.",
            f"Input: {self.input.size} × {self.input.size} pixels, {self.input.channels} channels.",
            f"Made by `train_{self.kind}_extractor(…, steps={training.steps}, seed={training.seed})`.",
            f"Weights (SHA-256): `{self.digest}`.",
        ]
        if frames is not None:
            facts.insert(2, f"Told how held-out clips are played ({', '.join(PLAYS)}): {training.play_accuracy:.1%}.")
            facts.insert(3, f"Of each clip, the {frames} centre frames count.")
        about = (
            f"{DIMS} features of {self.kind}s, for Fréchet distances and their kin on `{training.dataset}`. Not a\n"
            "standard extractor: figures measured with it compare only with figures measured with the same weights."
        )
        return "\n".join([f"# {self.name}", "", about, "", *(f"- {fact}" for fact in facts), ""])

    def _compute(self, batch: UInt8[np.ndarray, "n *t h w c"], classify: bool) -> Float32[np.ndarray, "n k"]:
        if batch.ndim != (4 if self.input.frames is None else 5):
            raise InputError(f"{self.name}: got an array of {batch.ndim} axes (expected {self.kind}s)")
        if self.input.frames is not None:
            batch = centre_window(batch, self.input.frames, self.name)

        def compute(part: UInt8[np.ndarray, "b *t h w c"]) -> Float[Tensor, "b k"]:
            features = self.network(self.input.tensor(part, self._device))
            return self.network.classifier(features).softmax(1) if classify and self.network.classifier else features

        return in_batches(compute, batch, FRAMES_AT_ONCE if self.kind == "frame" else CLIPS_AT_ONCE)

    def _serialised(self) -> bytes:
        return save({key: value.detach().cpu().contiguous() for key, value in self.network.state_dict().items()})


def extractor_name(kind: Kind, dataset: str, tells: Tells = "labels") -> str:
    """`resnet64-<dataset>` for frames, `r2plus1d64-<dataset>` for clips; with `-subjects` if it tells these."""
    return f"{'resnet' if kind == 'frame' else 'r2plus1d'}{DIMS}-{dataset}{'-subjects' if tells == 'subjects' else ''}"


def new_network(input: Input, classes: int) -> SmallResNet | SmallR2Plus1D:
    """The network for this input, with random weights."""
    return (SmallResNet if input.frames is None else SmallR2Plus1D)(input.channels, classes)


def load_trained_extractor(folder: str | Path, device: str = "cpu") -> TrainedExtractor:
    """Reads what `TrainedExtractor.save` wrote.

    Raises:
        InputError: a file is missing or damaged, or the weights are not those that were saved.
    """
    folder = Path(folder)
    config_file, weights_file = folder / CONFIG_FILE, folder / WEIGHTS_FILE
    try:
        config = json.loads(config_file.read_text())
        input, training = Input(**config["input"]), Training(**config["training"])
        network = new_network(input, len(config["classes"]))
        extractor = TrainedExtractor(network, input, list(config["classes"]), training, device)
        digest = config["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{config_file}: not the config of a trained extractor ({error!r})") from error
    try:
        stored = weights_file.read_bytes()
        state = load(stored)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{weights_file}: not a readable safetensors file ({error})") from error
    load_state(network, state, weights_file, extractor.name)
    if sha256(stored).hexdigest() != digest:
        raise InputError(f"{weights_file}: are not the weights {CONFIG_FILE} describes (their SHA-256 differs)")
    return extractor
