"""What all systems share: a training step on examples and on noise drawn before it, and one format of weights."""

import inspect
import json
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from jaxtyping import UInt8
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mutoscope.data.bag import FrameBag
from mutoscope.data.clips import Clips
from mutoscope.data.examples import Examples
from mutoscope.errors import InputError
from mutoscope.files import replacing
from mutoscope.media.results import Sheet
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.config import Config
from mutoscope.systems.draws import Random

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
# config.json must say which system it belongs to
SYSTEM_KEY = "system"
RUNNING_STATISTICS = ("running_mean", "running_var")
"""Of batch norm: in half precision a variance may be more than the largest number."""

S = TypeVar("S", bound="System")
Batch = dict[str, Tensor]
Optimizers = Mapping[str, torch.optim.Optimizer]


@dataclass(frozen=True)
class Stage:
    """A part of training that has examples of its own.

    Attributes:
        name: what `System.examples` and the training step know it by.
        steps: iterations that it lasts; None for as long as the run.
        batch_size: examples per iteration, over all processes together; None for that of the run.
        refresh: so many iterations after it began, and again and again, `System.refresh` is asked; None for never.
    """

    name: str
    steps: int | None = None
    batch_size: int | None = None
    refresh: int | None = None


class System(nn.Module):
    """A published method: its networks, its training step, its controls.

    A subclass builds its networks from its config, says what it learns from (`examples`), which random numbers an
    iteration takes (`noise`), and writes `training_step` as the paper's algorithm box.

    Class attributes:
        name: the folder's name, as used on the command line and in `config.json`.
        config_class: its choices.
        presets: named configurations, where they are not files in the folder `presets/`.
        protocol: how it is measured, a file of `evaluation/`: clips of noise, or what goes on from given frames.
        kept_in_full: names of tensors that, like running statistics, stay float32 where weights are saved in half
            precision.

    Attributes:
        config: its choices, checked.
        iteration: number of training steps taken, however many optimisers step in one.
        seed: what the draws of training and of examples derive from.
        origin: where the weights were read from, for messages; None before that.
    """

    name: ClassVar[str]
    config_class: ClassVar[type[Config]]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    protocol: ClassVar[Literal["clips", "continuations"]] = "clips"
    kept_in_full: ClassVar[tuple[str, ...]] = ()
    config: Any
    """Of the class `config_class`; a subclass annotates it as such."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.iteration = 0
        self.seed = 0
        self.origin: str | None = None

    @classmethod
    def untrained(cls: type[S], config: Config, seed: int = 0) -> S:
        """The system with the first weights of a seed; the global generator is left alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            system = cls(config)
        system.seed = seed
        return system

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    # Training: what a subclass offers.

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of training, in order; those of no steps are passed over. By default one."""
        return (Stage("train"),)

    @property
    def kind(self) -> Hashable:
        """All that `training_step` asks of the iteration's number: steps of one kind are one static program."""
        return self.stage.name

    def begin(self, stage: Stage) -> None:
        """Called before the first iteration of a stage; networks that another run trained are taken over here."""

    def examples(self, clips: Clips, stage: Stage) -> Examples:
        """What a stage learns from, batches of which the training step takes; by default single frames."""
        return FrameBag(clips, self.config.columns)

    def prepare(self, batch: Batch) -> Batch:
        """A batch as the step takes it, on its device: made outside the step, for it may ask the host."""
        return batch

    def refresh(self, clips: Clips, stage: Stage) -> dict[str, list[Any]]:
        """Columns of these clips as the networks now see them, for a stage that refreshes; kept in checkpoints."""
        raise NotImplementedError

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Fresh optimisers, by the name of what they train."""
        raise NotImplementedError

    def noise(self, n: int, random: Random) -> dict[str, Tensor]:
        """Every random number of an iteration of `n` examples, drawn before its step."""
        raise NotImplementedError

    def training_step(self, batch: Batch, noise: dict[str, Tensor], optimizers: Optimizers) -> dict[str, Tensor]:
        """One iteration.

        Nothing in it waits for the device or asks the host: no `item`, no Python branch on tensors, no new random
        numbers. What it asks of the iteration's number, `kind` says.

        Args:
            batch: examples of the present stage, on the device.
            noise: what `noise` drew for as many.
            optimizers: what `optimizers` gave.

        Returns:
            Losses by name, detached, on the device.
        """
        raise NotImplementedError

    def after_step(self) -> None:
        """What follows a step and cannot be part of a static program, such as decompositions of matrices."""

    def averaged_networks(self) -> dict[str, str]:
        """The weight averages: the attribute of each `WeightAverage` to the attribute of the network it follows."""
        return {}

    def trained_networks(self) -> list[nn.Module]:
        """The networks that training steps run: all but the averages."""
        averages = self.averaged_networks()
        return [network for name, network in self.named_children() if name not in averages]

    def loss_names(self) -> tuple[str, ...]:
        """The names of all losses, where they differ from stage to stage."""
        return ()

    def sample_sheet(self, clips: Clips) -> Sheet:
        """A picture of what the system can do now, drawn while training; from these clips, if it starts from any."""
        raise NotImplementedError

    # What a trained system is asked, beside its controls.

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        """A clip for every row of conditions, made a few at a time; each begins with what the row gives.

        The first of more rows give the same as fewer rows do.

        Raises:
            InputError: it cannot make so many frames, or not under these conditions.
        """
        raise NotImplementedError

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        """What only this system can be asked, by name, on clips it was not trained on; the rest is `evaluation`'s.

        It is what `measure(system, clips, seed)` gives, in the file `measures.py` beside the system, if there is one.
        """
        if not Path(inspect.getfile(type(self))).with_name("measures.py").is_file():
            return {}
        return import_module(f"{type(self).__module__.rpartition('.')[0]}.measures").measure(self, clips, seed)

    # Helpers of training steps.

    @property
    def stage(self) -> Stage:
        """The stage of the present iteration; after the last has ended, still that one."""
        return self.stage_at(self.iteration)[0]

    def stage_at(self, iteration: int) -> tuple[Stage, int]:
        """The stage of an iteration, and the iteration at which it began."""
        there = [stage for stage in self.stages if stage.steps != 0]
        first = 0
        for stage in there[:-1]:
            if stage.steps is None or iteration < first + stage.steps:
                return stage, first
            first += stage.steps
        return there[-1], first

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

    # Weights: a folder with config.json and model.safetensors; averaged weights stand in for those they average.

    def save_pretrained(self, folder: str | Path, precision: Literal["float32", "float16"] = "float32") -> Path:
        """Writes `config.json` and `model.safetensors` into `folder`, whole or not at all."""
        state = {key: value.detach().cpu() for key, value in self.state_dict().items()}
        for average, network in self.averaged_networks().items():
            for key in [key for key in state if key.startswith(f"{average}.")]:
                state[key.replace(f"{average}.network.", f"{network}.", 1)] = state.pop(key)
        full = (*self.kept_in_full, *(key for key in state if key.endswith(RUNNING_STATISTICS)))
        halved = {key for key, value in state.items() if value.is_floating_point() and key not in full}
        dtype = getattr(torch, precision)
        state = {key: (value.to(dtype) if key in halved else value).contiguous() for key, value in state.items()}
        with replacing(folder) as temporary:
            temporary.mkdir()
            save_file(state, temporary / WEIGHTS_FILE, metadata={"format": "pt"})
            (temporary / WEIGHTS_FILE).chmod(0o644)  # safetensors writes for its owner alone
            config = {SYSTEM_KEY: self.name, **self.config.to_dict()}
            (temporary / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n")
        return Path(folder)

    def push_to_hub(self, repository: str, **options: Any) -> str:
        """Writes the weights to a repository of Hugging Face's hub, made if it is not there; returns its address.

        Args:
            repository: `owner/name`.
            options: of `huggingface_hub.HfApi.upload_folder`, such as `commit_message`.
        """
        import tempfile

        from huggingface_hub import HfApi

        api = HfApi(token=options.pop("token", None))
        address = api.create_repo(repository, private=options.pop("private", None), exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            api.upload_folder(repo_id=repository, folder_path=self.save_pretrained(Path(folder) / "weights"), **options)
        return str(address)

    @classmethod
    def from_pretrained(cls, source: str | Path, **options: Any) -> "System":
        """A trained system, in eval mode.

        Args:
            source: a folder of weights, or a repository of Hugging Face's hub.
            options: of `huggingface_hub.hf_hub_download`, such as `revision`.

        Raises:
            InputError: what is there cannot be loaded, or is another system.
        """
        folder = Path(source)
        if not folder.is_dir():
            from huggingface_hub import hf_hub_download

            try:
                files = [hf_hub_download(str(source), name, **options) for name in (CONFIG_FILE, WEIGHTS_FILE)]
            except (OSError, ValueError) as error:
                raise InputError(f"{source}: no such weights ({' '.join(str(error).split())})") from error
            folder = Path(files[0]).parent
        values = read_config(folder)
        if (name := values.pop(SYSTEM_KEY, None)) != cls.name:
            raise InputError(f"{folder / CONFIG_FILE}: {SYSTEM_KEY} is {name!r} (expected {cls.name})")
        return cls.from_folder(folder, values)

    @classmethod
    def from_folder(cls, folder: Path, values: Mapping[str, Any]) -> "System":
        """A trained system of these choices, whose weights lie in a folder, in eval mode.

        Raises:
            InputError: the choices or the weights cannot be used.
        """
        try:
            config = cls.config_class.from_dict(values)
            system = cls.untrained(config)
        except (InputError, RuntimeError, MemoryError) as error:  # choices that ask for more memory than there is
            raise InputError(f"{folder / CONFIG_FILE}: {str(error).splitlines()[0]}") from error
        system.load_weights(folder / WEIGHTS_FILE)
        return system.eval()

    def load_weights(self, file: str | Path) -> None:
        """Reads a `model.safetensors` of the same configuration.

        Raises:
            InputError: the file is missing or damaged, or holds other weights, or values that are not finite.
        """
        state = read_weights(file)
        averages = self.averaged_networks()
        own = {key: v for key, v in self.state_dict().items() if key.split(".")[0] not in averages}
        wrong = sorted(key for key in own.keys() ^ state.keys()) or sorted(
            key for key in own if own[key].shape != state[key].shape
        )
        if wrong:
            raise InputError(
                f"{file}: does not fit {self.name} as its config says ({len(wrong)} tensors, as {wrong[0]})"
            )
        self.load_state_dict(state, strict=False)
        for average, network in averages.items():
            getattr(self, average).network.load_state_dict(getattr(self, network).state_dict())
        self.origin = str(Path(file).parent)


def step(optimizer: torch.optim.Optimizer, loss: Tensor, clip_norm: float | None = None) -> None:
    """One optimiser step on `loss`, from zeroed gradients; processes that train together take their mean gradient.

    Args:
        optimizer: whose parameters move.
        loss: of this process' examples, a mean over them.
        clip_norm: the largest norm of the gradient; None for any.
    """
    optimizer.zero_grad()
    loss.backward()
    weights = [p for group in optimizer.param_groups for p in group["params"]]
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        gradients = [p.grad for p in weights if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))
    if clip_norm is not None:
        nn.utils.clip_grad_norm_(weights, clip_norm)
    optimizer.step()


def read_config(folder: Path) -> dict[str, Any]:
    """The `config.json` of a folder of weights. Raises InputError where it is none."""
    path = folder / CONFIG_FILE
    try:
        config = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable JSON ({error})") from error
    if not isinstance(config, dict):
        raise InputError(f"{path}: not a JSON object (expected the choices of a system)")
    return config


def read_weights(file: str | Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises InputError where it cannot be read, or a number in it is not finite."""
    try:
        state = load_file(file)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file}: not a readable safetensors file ({error})") from error
    not_finite = next((k for k, v in state.items() if v.is_floating_point() and not v.isfinite().all()), None)
    if not_finite:
        raise InputError(f"{file}: {not_finite} holds values that are not finite (expected numbers)")
    return state


def take_networks(system: System, run: str | Path, *names: str) -> None:
    """Copies networks that another run trained into a system, for a stage that starts from them.

    Args:
        system: whose networks are written.
        run: a folder of weights or of a run, of any system that has networks of these names and shapes.
        names: attributes of the networks, the same in both.

    Raises:
        InputError: it holds no weights, or no such networks.
    """
    folder = next((f for f in (Path(run), Path(run) / "weights") if (f / WEIGHTS_FILE).is_file()), None)
    if folder is None:
        raise InputError(f"{run}: holds no weights (expected a folder with {WEIGHTS_FILE}, or a run)")
    state = read_weights(folder / WEIGHTS_FILE)
    for name in names:
        network: nn.Module = getattr(system, name)
        own = {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
        try:
            network.load_state_dict(own)
        except RuntimeError as error:
            raise InputError(f"{run}: has no network {name} of these sizes (expected that of {system.name})") from error
    for average, followed in system.averaged_networks().items():
        if followed in names:
            getattr(system, average).network.load_state_dict(getattr(system, followed).state_dict())
