"""Whole training steps of FRGAN against literal ones: from the same weights, batch and random numbers."""

from collections.abc import Iterator
from typing import Any

import frgan_pair as pair
import frgan_reference as reference
import numpy as np
import pytest
import torch
from torch import Tensor

from mutoscope.media.tensors import float_to_uint8
from mutoscope.systems.draws import Random
from mutoscope.systems.frgan import FRGAN, FRGANConfig

SMALL: dict[str, Any] = {
    **{"structure": "maps", "map_channels": 2, "image_size": 32, "frames": 8, "lr": 1e-2, "forecast_steps": 1},
    **{"ch": 4, "max_ch": 8, "code": 6, "ch_R": 4, "max_ch_R": 8},
}
BEGINS = {"forecast": 0, "refine": 1}
"""The iteration at which a stage begins."""
TRAINED = {"forecast": {"G_M", "D_I"}, "refine": {"D_I", "G_R", "D_V"}}
LITERAL_WEIGHTS = {
    "G_M": reference.weights_of_G_M,
    "G_R": reference.weights_of_G_R,
    "D_I": reference.weights_of_D,
    "D_V": reference.weights_of_D,
}


@pytest.fixture(autouse=True)
def same_numbers() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def spread(training: reference.Training) -> None:
    """Weights as if they had been trained: with the first ones, losses hardly depend on anything."""
    for name in LITERAL_WEIGHTS:
        for p in getattr(training, name).parameters():
            if p.ndim > 1:
                torch.nn.init.normal_(p, 0, 0.1)


def follow_size_of_gradients(optimizers: Any) -> None:
    """Adam's first step is as long as the learning rate, whatever the gradient: not so with a large epsilon."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["eps"] = 0.1


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize(
    ("stage", "arguments"),
    [("forecast", {}), ("refine", {}), ("refine", {"rank_cap": 0.1})],
    ids=["forecast", "refine", "refine, capped"],
)
def test_a_step_is_the_literal_one(stage: Any, arguments: dict[str, Any], n: int) -> None:
    """Losses, and weights after it, of all networks; those of the stage change, and no others."""
    system = FRGAN(FRGANConfig(**(SMALL | arguments))).train()
    system.iteration = BEGINS[stage]
    training, batch = pair.training_of(system), pair.batch_for(system, stage, n)
    spread(training)
    pair.hand_over(training, system)
    before = weights(system)

    follow_size_of_gradients(training.optimizers.values())
    expected = pair.literal_step(training, system, stage, batch)()

    optimizers = system.optimizers()
    follow_size_of_gradients(optimizers.values())
    losses = system.training_step(
        system.prepare(batch), system.noise(n, Random(system.seed, system.iteration)), optimizers
    )

    assert losses.keys() == {f"loss_{name}" for name in expected}
    for name, loss in expected.items():
        close(name, losses[f"loss_{name}"], loss.detach(), 1e-5)
    for network, found in weights(system).items():
        literal = LITERAL_WEIGHTS[network](getattr(training, network))
        for name, p in found.items():
            close(f"{network} {name}", p, literal[name], 1e-6)
        moved = max(float((p - before[network][name]).abs().max()) for name, p in found.items())
        assert moved > 1e-3 if network in TRAINED[stage] else moved == 0


@pytest.mark.parametrize("together", [1, 16])
@pytest.mark.parametrize("refine", [False, True])
def test_clips_are_the_literal_ones(refine: bool, together: int) -> None:
    """Frames that follow a picture, forecast and refined window by window: up to rounding of the last level."""
    system = FRGAN(FRGANConfig(**SMALL)).eval()
    training = pair.training_of(system)
    spread(training)
    pair.hand_over(training, system)
    system.trained.fill_(1)
    picture, rows = torch.randint(0, 256, (1, 32, 32, 3), dtype=torch.uint8), torch.rand(17, 2 * 32**2)
    found = system.clip(picture[0].numpy(), rows[0].numpy(), rows[1:].numpy(), refine=refine)
    window = system.config.frames if refine else None
    expected = float_to_uint8(pair.literal_clip(training, picture, system.maps(rows), together, window))
    assert np.abs(np.stack([*found]).astype(int) - expected).max() <= 1
    assert expected.std() > 10


@pytest.mark.parametrize("other", [{"skips_R": "all"}, {"w_adv": 0.5}, {"dense": False}])
def test_other_systems_than_the_literal_one_are_refused(other: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"not transcribed: {next(iter(other))}"):
        pair.training_of(FRGAN(FRGANConfig(**(SMALL | other))))


def weights(system: FRGAN) -> dict[str, dict[str, Tensor]]:
    """Copies of each network's weights, without running means and variances."""
    return {
        network: {name: p.detach().clone() for name, p in getattr(system, network).named_parameters()}
        for network in LITERAL_WEIGHTS
    }


def close(name: str, found: Tensor, expected: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance, msg=lambda m: f"{name}: {m}")
