"""What all systems share: one training step each, the rest is Lightning's; weights in safetensors, one file format."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import jsonargparse
import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from jaxtyping import UInt8
from lightning import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import Dataset

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.files import replacing
from mutoscope.media.results import Sheet

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
# config.json must say which system it belongs to
SYSTEM_KEY = "system"
RUNNING_STATISTICS = ("running_mean", "running_var")
"""Of batch norm: in half precision a variance may be more than the largest number."""


@dataclass(frozen=True)
class Stage:
    """A part of training that has examples of its own.

    Attributes:
        first: the iteration at which it begins.
        examples: what it learns from, as `training_step` takes it in this stage.
        batch_size: examples per iteration, over all processes together; None for that of the run.
    """

    first: int
    examples: Dataset[dict[str, Any]]
    batch_size: int | None = None


class System(LightningModule, PyTorchModelHubMixin):
    """A published method: its networks, its training step, its controls.

    A subclass takes keyword-only, documented, JSON-serialisable arguments (they become `config.json`, the fields of
    presets and the flags of the command line), builds its networks, and writes `training_step` as the paper's
    algorithm box.

    Class attributes:
        name: the folder's name, as used on the command line and in `config.json`.
        needs: keys a data set must yield to train it: `frame` (single frames), or `clip` (windows of clips), `label`, …
        presets: named configurations, where they are not files in the folder `presets/`.
        starts_from: what a clip is made from: noise alone (`sample_clips`), a picture (`animate_pictures`), or a
            picture and the structure of every frame (`follow_clips`).
        wants_tracks: what it must know of every frame besides its pixels (see `data.tracks`).
        later_arguments: arguments that results on file are older than, and the values that these were made with.
        kept_in_full: names of tensors that, like running statistics, stay float32 where weights are saved in half
            precision.

    Attributes:
        image_size: height and width of a frame, in pixels.
        channels: colour channels of a frame.
        frames: frames of a clip in training; 1 for systems that learn from single frames.
        frame_step: lowest and highest distance between those frames, in frames of the file.
        hold_last: whether clips too short for a window rest on their last frame; else they are refused.
        iteration: number of training steps taken, however many optimisers step in one.
        seed: what the draws of training derive from, with the iteration.
        seconds: time spent on training so far, without that on checkpoints and sample sheets.
        cpu_seconds: processor time of this process in these seconds, over all its threads.
        losses: the loss terms of the last training step, by name, on the device.
        origin: where the weights were read from, for messages; None before that.
    """

    name: ClassVar[str]
    needs: tuple[str, ...]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    starts_from: ClassVar[Literal["noise", "picture", "structure"]] = "noise"
    later_arguments: ClassVar[Mapping[str, Any]] = {}
    kept_in_full: ClassVar[tuple[str, ...]] = ()
    image_size: int
    channels: int
    frames: int = 1
    frame_step: tuple[int, int] = (1, 1)
    hold_last: bool = False
    wants_tracks: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.iteration = 0
        self.seed = 0
        self.seconds = self.cpu_seconds = 0.0
        self.losses: dict[str, Tensor] = {}
        self.origin: str | None = None

    # What a subclass offers beside `training_step` and `configure_optimizers`.

    def averaged_networks(self) -> dict[str, str]:
        """The weight averages: the attribute of each `WeightAverage` to the attribute of the network it follows."""
        return {}

    def trained_networks(self) -> list[nn.Module]:
        """The networks that training steps run: all but the averages."""
        averages = self.averaged_networks()
        return [network for name, network in self.named_children() if name not in averages]

    def arguments_for(self, clips: Clips) -> dict[str, Any]:
        """Constructor's arguments that were left to the data to tell, as these clips tell them."""
        return {}

    def check_clips(self, clips: Clips) -> None:
        """Asked before training starts. Raises InputError where the system cannot learn from these clips."""

    def stages(self, clips: Clips, *, seed: int, flip: bool) -> list[Stage]:
        """The stages of training on these clips, in order; empty for one stage on windows or frames of all of them.

        Args:
            clips: all that it may learn from.
            seed: with an example's number, decides what it is.
            flip: whether it also learns from mirrored clips.
        """
        return []

    def loss_names(self) -> tuple[str, ...]:
        """The names of all losses, where they differ from stage to stage."""
        return ()

    def sample_sheet(self, clips: Clips) -> Sheet:
        """A picture of what the system can do now, drawn while training; from these clips, if it starts from any."""
        raise NotImplementedError

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        """What only this system can be asked, by name, on clips it was not trained on; the rest is `evaluation`'s."""
        return {}

    def sample_clips(self, n: int, *, frames: int, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        """n clips of `frames` frames as the system makes them from noise, for measuring; drawn a few at a time.

        Raises:
            InputError: the system cannot make so many frames.
        """
        raise NotImplementedError

    def sample_labelled_clips(
        self, n: int, *, frames: int, seed: int = 0
    ) -> Iterator[tuple[UInt8[np.ndarray, "t h w c"], int]] | None:
        """The same with the label that each clip was asked to show; None where the system takes no labels."""
        return None

    def animate_pictures(
        self, pictures: UInt8[np.ndarray, "n h w c"], labels: Sequence[int] | None, *, frames: int, seed: int = 0
    ) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        """Clips that begin with these pictures, for systems that start from one; made a few at a time.

        The first of more pictures give the same clips as fewer do: noise i depends on the seed and on i alone.

        Args:
            pictures: of the system's size and channels.
            labels: the number of each clip's label; None for a system that takes none, or for all labels in turn.
            frames: frames of a clip, at most the system's own.
            seed: of the noise.

        Raises:
            InputError: the system cannot make so many frames, or does not know a label.
        """
        raise NotImplementedError

    def follow_clips(self, clips: Clips, given: int = 1) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        """A clip for each real one: its first frames as they are, then what the system makes of them.

        Systems that start from structure are also told the tracks of the frames to come.

        Args:
            clips: real ones.
            given: how many frames are as they are.

        Raises:
            InputError: the clips lack a track that the system wants, or a clip has no frame to follow.
        """
        raise NotImplementedError

    def sample_frames(self, n: int, *, seed: int = 0) -> UInt8[np.ndarray, "n h w c"]:
        """n independent frames, for measuring: here one of each of n clips, at a random time."""
        times = np.random.default_rng(seed).integers(self.frames, size=n)
        clips = self.sample_clips(n, frames=self.frames, seed=seed)
        return np.stack([clip[time] for clip, time in zip(clips, times, strict=True)])

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "System":
        """An untrained system of these arguments, as they stand in `config.json`.

        Raises:
            InputError: an argument is unknown, of the wrong type or out of range.
        """
        parser = jsonargparse.ArgumentParser(exit_on_error=False)
        parser.add_class_arguments(cls)
        try:
            parsed = parser.parse_object(config)
            parser.validate(parsed, skip_unset=False)  # where a value is null that may not be
            arguments = parsed.as_dict()
        except (jsonargparse.ArgumentError, TypeError, ValueError) as error:
            raise InputError(f"does not describe a {cls.name} ({' '.join(str(error).split())})") from error
        return cls(**arguments)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, JSON-serialisable."""
        return dict(self._hub_mixin_config or {})  # type: ignore[arg-type]  # never a dataclass: systems take arguments

    # Helpers of training steps.

    @contextmanager
    def training_only(self, *networks: nn.Module) -> Iterator[None]:
        """Inside, only the weights of these networks record gradients."""
        chosen = {id(p) for network in networks for p in network.parameters()}
        switched = [p for p in self.parameters() if p.requires_grad and id(p) not in chosen]
        for p in switched:
            p.requires_grad_(False)
        try:
            yield
        finally:
            for p in switched:
                p.requires_grad_(True)

    def descend(self, optimizer: LightningOptimizer, loss: Tensor) -> None:
        """One optimiser step on `loss`, from zeroed gradients (nothing leaks in from earlier backward passes)."""
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def generator_for(self, purpose: int) -> torch.Generator:
        """The random numbers of one purpose in this iteration: a function of (seed, iteration, purpose) alone."""
        state = np.random.SeedSequence([self.seed, self.iteration, purpose]).generate_state(1, np.uint64)[0]
        return torch.Generator(self.device).manual_seed(int(state) & (2**63 - 1))

    def share(self, draws: Tensor) -> Tensor:
        """This process' rows of what was drawn for the global batch: the number of processes changes nothing."""
        return draws.chunk(self.world_size)[self.trainer.global_rank] if self.world_size > 1 else draws

    @property
    def world_size(self) -> int:
        """Number of processes that train together."""
        return 1 if self._trainer is None else self._trainer.world_size

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["iteration"] = self.iteration
        checkpoint["seed"] = self.seed
        checkpoint["seconds"] = self.seconds, self.cpu_seconds
        checkpoint["config"] = {SYSTEM_KEY: self.name, **self.config()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.iteration = checkpoint["iteration"]
        self.seed = checkpoint["seed"]
        self.seconds, self.cpu_seconds = checkpoint.get("seconds", (0.0, 0.0))

    # Weights: a folder with config.json and model.safetensors; averaged weights stand in for those they average.

    def _save_pretrained(self, save_directory: Path, dtype: torch.dtype = torch.float32) -> None:
        state = {key: value.detach().cpu() for key, value in self.state_dict().items()}
        for average, network in self.averaged_networks().items():
            for key in [key for key in state if key.startswith(f"{average}.")]:
                state[key.replace(f"{average}.network.", f"{network}.", 1)] = state.pop(key)
        full = (*self.kept_in_full, *(key for key in state if key.endswith(RUNNING_STATISTICS)))
        halved = {key for key, value in state.items() if value.is_floating_point() and key not in full}
        state = {key: (value.to(dtype) if key in halved else value).contiguous() for key, value in state.items()}
        save_file(state, save_directory / WEIGHTS_FILE, metadata={"format": "pt"})
        (save_directory / WEIGHTS_FILE).chmod(0o644)  # safetensors writes for its owner alone
        config = {SYSTEM_KEY: self.name, **self.config()}
        (save_directory / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n")

    def save_weights(self, folder: str | Path, precision: Literal["float32", "float16"] = "float32") -> Path:
        """Writes `config.json` and `model.safetensors` into `folder`, whole or not at all.

        Like `save_pretrained`, without a hub's model card, and in half precision on request.
        """
        with replacing(folder) as temporary:
            temporary.mkdir()
            self._save_pretrained(temporary, getattr(torch, precision))
        return Path(folder)

    def load_weights(self, file: str | Path) -> None:
        """Reads a `model.safetensors` of the same configuration.

        Raises:
            InputError: the file is missing or damaged, or holds other weights, or values that are not finite.
        """
        try:
            state = load_file(file)
        except (OSError, SafetensorError) as error:
            raise InputError(f"{file}: not a readable safetensors file ({error})") from error
        averages = self.averaged_networks()
        own = {key: v for key, v in self.state_dict().items() if key.split(".")[0] not in averages}
        wrong = sorted(key for key in own.keys() ^ state.keys()) or sorted(
            key for key in own if own[key].shape != state[key].shape
        )
        if wrong:
            raise InputError(
                f"{file}: does not fit {self.name} as its config says ({len(wrong)} tensors, as {wrong[0]})"
            )
        not_finite = next((k for k, v in state.items() if v.is_floating_point() and not v.isfinite().all()), None)
        if not_finite:
            raise InputError(f"{file}: {not_finite} holds values that are not finite (expected numbers)")
        self.load_state_dict(state, strict=False)
        for average, network in averages.items():
            getattr(self, average).network.load_state_dict(getattr(self, network).state_dict())
        self.origin = str(Path(file).parent)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, map_location: str = "cpu", **arguments: Any) -> "System":
        hub = {
            key: arguments.pop(key) for key in ("revision", "cache_dir", "force_download", "local_files_only", "token")
        }
        arguments.pop("strict", None)
        file = Path(model_id) / WEIGHTS_FILE
        if not Path(model_id).is_dir():
            file = Path(hf_hub_download(model_id, WEIGHTS_FILE, **hub))
        system = cls.from_config(arguments)
        system.load_weights(file)
        return system.to(map_location).eval()
