"""A training step neither waits for the device nor asks the host, so that it can be captured and replayed."""

from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from mutoscope.data import open_clips
from mutoscope.systems import system_class
from mutoscope.systems.base import System
from mutoscope.systems.draws import Random
from mutoscope.training.batches import Batches
from mutoscope.training.graphs import StaticSteps
from mutoscope.training.options import resolve

PYRAMID = {"d_v": "pyramid", "pyramid_levels": 2, "pyramid_widths": [4, 4, 4, 4]}
G3AN = {"data": "moving_sprites", "image_size": 32, "ch": 4, "ch_D": 4, "d_a": 4, "d_m": 4, "batch_size": 2}
IMAGINATOR = {"data": "faces", "image_size": 32, "ch": 4, "ch_D": 4, "d_z": 4, "d_p": 4, "batch_size": 2}
IMAGINATOR |= {"image_frames": 4}
MINTGAN = {"data": "reach", "image_size": 16, "d_a": 4, "d_m": 4, "N": 4, "widths": [4, 4, 4], "widths_D": [4, 4, 4]}
MINTGAN |= {"frames": 8, "levels": 2, "batch_size": 2, "mlp_depth": 2, "r1_every": 2}
FRGAN = {"data": "stick_people", "image_size": 16, "frames": 4, "ch": 4, "max_ch": 8, "code": 8, "ch_R": 4}
FRGAN |= {"max_ch_R": 8, "init": "he", "hidden": 8, "observed": 3, "horizon": 3, "pose_steps": 2, "pose_batch": 4}
FRGAN |= {"forecast_steps": 2, "batch_size": 2}
BASELINE = {"data": "moving_sprites", "image_size": 32, "width": 0.1, "batch_size": 2, "frame_step": [1, 1]}
PICTURE = BASELINE | {"data": "faces"}
PSEUDO_LABEL = {"data": "sprites", "image_size": 16, "width": 0.25, "n_z": 4, "n_d": 4, "n_c": 2, "batch_size": 8}

STEPS = {
    "pseudo_label joint": ("pseudo_label", PSEUDO_LABEL | {"schedule": "joint", "d_noise": 0.1, "ema": 0.9}),
    "pseudo_label sequential": ("pseudo_label", PSEUDO_LABEL | {"schedule": "sequential", "d_batch": "joint"}),
    "pseudo_label merged": ("pseudo_label", PSEUDO_LABEL | {"schedule": "merged"}),
    "g3an": ("g3an", G3AN | {"d_noise": 0.1, "ema": 0.9}),
    "g3an labels": ("g3an", G3AN | {"label_names": None, "wrong_labels": True}),
    "g3an pyramid": ("g3an", G3AN | PYRAMID),
    "imaginator": ("imaginator", IMAGINATOR),
    "imaginator ac": ("imaginator", IMAGINATOR | {"label_mode": "ac", "order": "G first"}),
    "mintgan": ("mintgan", MINTGAN),
    "mintgan phases": ("mintgan", MINTGAN | {"random_phase": True, "noise": True}),
    "mintgan 3d qr": ("mintgan", MINTGAN | {"d_v": "3d", "motion_bank": "qr"}),
    "frgan bodies": ("frgan", FRGAN | {"w_feat": 1.0}),
    "frgan faces": ("frgan", FRGAN | {"data": "morphable_faces", "structure": "face", "joint_noise": 0.0}),
    "mocogan": ("mocogan", BASELINE | {"categories": 4, "d_noise": 0.1}),
    "mocogan pyramid": ("mocogan", BASELINE | PYRAMID),
    "mocogan_picture": ("mocogan_picture", PICTURE),
    "tgan": ("tgan", BASELINE),
    "tgan pyramid": ("tgan", BASELINE | PYRAMID),
    "vgan": ("vgan", BASELINE | {"frames": 16}),
    "vgan pyramid": ("vgan", BASELINE | PYRAMID | {"frames": 16}),
    "vgan_picture": ("vgan_picture", PICTURE),
    "next_frame": ("next_frame", BASELINE),
}
ITERATIONS = 5  # all stages of FRGAN, and both kinds of step where a penalty is lazy

COPYING = ("lift_fresh",)  # of numbers from the host, as torch.tensor([1, 2]) makes it
ASKING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal", "is_nonzero")
DRAWING = ("rand", "bernoulli", "normal_", "uniform_", "multinomial", "dropout", "exponential_", "random_")


class Static(TorchDispatchMode):
    """Refuses what asks the host or copies from it, what has a shape that depends on data, and random numbers."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func).removeprefix("aten.")
        masked = name.startswith("index") and any(
            isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8)
            for each in args
            if isinstance(each, list | tuple)
            for index in each
        )
        if masked or name.startswith((*ASKING, *DRAWING, *COPYING)):
            raise AssertionError(f"a step calls {name}")
        return func(*args, **(kwargs or {}))


def prepared(name: str, choices: dict[str, Any]) -> tuple[System, Batches]:
    """An untrained system and its batches."""
    run, config = resolve(name, {**choices, "seed": 3})
    clips = open_clips(run.data, size=config.size, columns=config.columns, max_clips=12)
    config = config.for_data(clips)
    system = system_class(name).untrained(config, run.seed).train()
    return system, Batches(system, clips, run)


def state(system: System) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in system.state_dict().items()}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_static(name: str):
    system, batches = prepared(*STEPS[name])
    optimizers = system.optimizers()
    for iteration in range(ITERATIONS):
        batch = system.prepare(next(batches))
        noise = system.noise(batches.size, Random(0, iteration))
        with Static():
            losses = system.training_step(batch, noise, optimizers)
        system.after_step()
        system.iteration += 1
        assert all(loss.isfinite() and not loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize("name", STEPS)
def test_steps_on_memory_that_stays_where_it_is_are_the_same(name: str, monkeypatch: pytest.MonkeyPatch):
    """What a CUDA graph replays, run plainly: batches and noise are copied in, losses are copied out.

    A replay does what was done when it was captured, at once: what follows from the iteration's number is `kind`'s.
    """
    monkeypatch.setattr("mutoscope.training.graphs.WARM_UP", 0)
    runs = []
    for static in (False, True):
        system, batches = prepared(*STEPS[name])
        optimizers = system.optimizers()

        def step(
            batch: dict[str, Tensor], noise: dict[str, Tensor], system: System = system, optimizers: Any = optimizers
        ) -> dict[str, Tensor]:
            return system.training_step(batch, noise, optimizers)

        def capture(program: Any, system: System = system) -> Any:
            then = system.iteration

            def replay() -> dict[str, Tensor]:
                now, system.iteration = system.iteration, then
                losses = program()
                system.iteration = now
                return losses

            return replay

        steps = StaticSteps(step, capture)
        collected = []
        for iteration in range(ITERATIONS + 2):
            batch = system.prepare(next(batches))
            noise = system.noise(batches.size, Random(0, iteration))
            collected.append(steps(system.kind, batch, noise) if static else step(batch, noise))
            system.after_step()
            system.iteration += 1
        runs.append((collected, state(system)))
        assert not static or steps.programs
    (plain_losses, plain), (static_losses, static_state) = runs
    assert all(torch.equal(plain[key], static_state[key]) for key in plain)
    for a, b in zip(plain_losses, static_losses, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("name", STEPS)
def test_no_two_random_numbers_are_the_same(name: str):
    """Each has a purpose of its own."""
    system, _ = prepared(*STEPS[name])
    seen = [system.noise(8, Random(0, iteration)) for iteration in range(3)]
    for a, b in combinations(seen[0], 2):
        first, second = (torch.stack([noise[key].double() for noise in seen]) for key in (a, b))
        assert first.shape != second.shape or not torch.equal(first, second), (a, b)


@pytest.mark.parametrize("fault", ["item", "rand", "mask", "nonzero", "one_hot", "list"])
def test_what_is_not_static_is_caught(fault: str):
    x = torch.arange(4.0)
    faults = {
        "item": lambda: x.sum().item(),
        "rand": lambda: torch.randn(2),
        "mask": lambda: x[x > 1],
        "nonzero": lambda: (x > 1).nonzero(),
        "list": lambda: x.new_tensor([1, 2]),
        "one_hot": lambda: torch.nn.functional.one_hot(x.long(), 4),
    }
    with pytest.raises(AssertionError, match="a step calls"), Static():
        faults[fault]()
