"""G³AN with the temporal pyramid for D_V: thesis, chapter 5, Table 5.2."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.data.synthetic import make_clips
from mutoscope.errors import InputError
from mutoscope.systems.g3an import G3AN, G3ANConfig
from mutoscope.systems.loading import load

SMALL = {"d_a": 4, "d_m": 3, "image_size": 32, "ch": 8, "ch_D": 8, "fsa_level": 2}
PYRAMID = {"d_v": "pyramid", "pyramid_levels": 4, "pyramid_widths": [8, 8, 6, 4]}


def small(**choices: Any) -> G3AN:
    """An untrained system, always from the same first weights."""
    return G3AN.untrained(G3ANConfig(**(SMALL | PYRAMID | choices)))


@pytest.fixture(scope="module")
def clips() -> Tensor:
    """Four clips of moving sprites, uint8 `n t h w c`."""
    return torch.from_numpy(np.stack(make_clips("moving_sprites", max_clips=4).clips))


def test_d_v_is_2d_and_nothing_else_changes():
    """D_I and G keep their weights' names and shapes; without the option there is no pyramid."""
    system, usual = small(), small(d_v="3d")
    assert not any(isinstance(layer, nn.Conv3d) for layer in system.D_V.modules())
    assert len(system.D_V.discriminators) == 4
    assert any(isinstance(layer, nn.Conv3d) for layer in usual.D_V.modules())
    for network in ("G", "D_I"):
        own, other = (getattr(s, network).state_dict() for s in (system, usual))
        assert {key: value.shape for key, value in own.items()} == {key: value.shape for key, value in other.items()}


def test_a_step_changes_every_matrix_of_g_and_d_i_and_all_of_d_v(fit: Callable[..., dict[str, float]], clips: Tensor):
    system = small()
    before = {name: weight.clone() for name, weight in system.named_parameters()}
    losses = fit(system, {"clip": clips})
    still = {name for name, weight in system.named_parameters() if torch.equal(weight, before[name])}
    # attention may wait for γ; a bias in front of a batch normalisation has no effect
    waits = ("f.weight", "g.weight", "h.weight")
    assert not {
        name for name in still if name.startswith("D_V") or (before[name].ndim > 1 and not name.endswith(waits))
    }
    assert list(losses) == ["loss_D_V", "loss_D_I", "loss_G"]
    assert all(math.isfinite(loss) for loss in losses.values())


def test_g_plays_against_every_level_and_d_i(clips: Tensor):
    """Eq. 5.5: ln(1 + e^-s) of D_I, and λ = 0.5 times that of each level."""
    system = small().eval()
    fake = clips.permute(0, 4, 1, 2, 3).float() / 127.5 - 1
    with torch.no_grad():
        expected = F.softplus(-system.D_I(fake[:, :, 0])).mean()
        expected += 0.5 * sum(F.softplus(-score).mean() for score in system.D_V(fake))
        torch.testing.assert_close(system.loss_G(fake, fake[:, :, 0], None, {}), expected)


def test_the_penalty_comes_every_sixteenth_iteration(clips: Tensor):
    system = small(r1_gamma=5.0)
    real = clips.permute(0, 4, 1, 2, 3).float() / 127.5 - 1
    losses, kinds = [], []
    for system.iteration in (0, 1, 15, 16):
        losses.append(system.loss_D_V(real, -real, None, {}).item())
        kinds.append(system.kind)
    assert losses[0] == losses[3] > losses[1] == losses[2]
    assert kinds[0] == kinds[3] != kinds[1] == kinds[2]


def test_each_network_has_its_own_optimiser():
    """The pyramid's is that of chapter 5, whatever `lr_D` says; the others are those of chapter 4."""
    optimizers = small(lr_G=1e-4, lr_D=3e-4).optimizers()
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in optimizers.items()}
    assert rates == pytest.approx({"G": 1e-4, "D_V": 2e-3 * 16 / 17, "D_I": 3e-4})


def test_weights_are_stored_with_the_option(tmp_path):
    system = small()
    again = load(system.save_pretrained(tmp_path / "weights"))
    fake = torch.randn(2, 3, 16, 32, 32)
    assert again.config.to_dict() == system.config.to_dict()
    assert all(torch.equal(a, b) for a, b in zip(system.eval().D_V(fake), again.D_V(fake), strict=True))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"label_names": ["a", "b"]}, r"^d_v: pyramid takes no labels, and label_names has 2 \(expected none\)$"),
        ({"pyramid_levels": 0}, "^pyramid_levels: 0 is out of range"),
        ({"pyramid_levels": 5}, r"^frames: 16 is too few for 5 speeds \(expected at least 32\)$"),
        ({"pyramid_widths": [8]}, r"widths: \[8\] \(expected 4 numbers"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict, message: str):
    with pytest.raises(InputError, match=message):
        G3ANConfig(**(SMALL | PYRAMID | wrong))
