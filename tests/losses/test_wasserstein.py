"""The gradient penalty against its closed form for linear critics; which way critics learn."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mutoscope.losses import critic_loss, gradient_penalty

SHAPES = {"frames": (3, 4, 4), "clips": (3, 2, 4, 4)}


def samples(shape: tuple[int, ...], n: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(n, *shape, generator=generator) for _ in range(2))
    return real, fake, torch.randn(n, 2, *shape[1:], generator=generator)


@given(w=st.lists(st.floats(-2, 2, width=32), min_size=5, max_size=5), epsilon=st.floats(0, 1))
def test_of_a_linear_critic_it_is_the_squared_distance_of_the_slope_from_one(w: list[float], epsilon: float) -> None:
    """Three weights for the sample, two for the condition: the slope is by both."""
    real, fake, condition = torch.randn(4, 3), torch.randn(4, 3), torch.randn(4, 2)
    weights = torch.tensor(w)
    critic = lambda x, c: torch.cat([x, c], 1) @ weights  # noqa: E731
    penalty = gradient_penalty(critic, real, fake, condition, torch.full((4,), epsilon))
    assert penalty.item() == pytest.approx((weights.double().norm().item() - 1) ** 2, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_each_sample_is_mixed_by_its_own_share(shape: tuple[int, ...]) -> None:
    real, fake, condition = samples(shape)
    seen: list[Tensor] = []

    def critic(x: Tensor, c: Tensor) -> Tensor:
        seen.extend((x.detach(), c.detach()))
        return x.flatten(1).sum(1)

    gradient_penalty(critic, real, fake, condition, torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]))
    mixed, beside = seen
    assert torch.equal(mixed[0], fake[0])
    assert torch.equal(mixed[4], real[4])
    torch.testing.assert_close(mixed[1], 0.25 * real[1] + 0.75 * fake[1])
    assert torch.equal(beside, condition), "maps are true ones, never mixed"


def test_slopes_are_measured_sample_by_sample() -> None:
    """|x|² / 2 is as steep as x is long."""
    real, fake, condition = samples((3,))
    penalty = gradient_penalty(lambda x, c: x.square().sum(1) / 2, real, fake, condition[:, :, None], torch.ones(5))
    torch.testing.assert_close(penalty, (real.norm(dim=1) - 1).square().mean())


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_it_trains_the_critic_and_nothing_else(shape: tuple[int, ...]) -> None:
    real, fake, condition = samples(shape)
    fake.requires_grad_()
    conv = nn.Conv2d(5, 4, 3) if len(shape) == 3 else nn.Conv3d(5, 4, (1, 3, 3))
    critic = lambda x, c: nn.functional.leaky_relu(conv(torch.cat([x, c], 1)), 0.01).flatten(1).sum(1)  # noqa: E731
    gradient_penalty(critic, real, fake, condition, torch.full((5,), 0.5)).backward()
    assert conv.weight.grad is not None
    assert conv.weight.grad.abs().max() > 0
    assert fake.grad is None


def test_a_flat_critic_pays_one_and_has_finite_gradients() -> None:
    real, fake, condition = samples((3, 4, 4))
    scale = torch.zeros((), requires_grad=True)
    penalty = gradient_penalty(lambda x, c: scale * x.flatten(1).sum(1), real, fake, condition, torch.ones(5))
    penalty.backward()
    assert penalty.item() == pytest.approx(1, abs=1e-4)
    assert torch.isfinite(scale.grad)


def test_it_is_found_in_full_precision() -> None:
    real, fake, condition = samples((3, 4, 4))
    conv = nn.Conv2d(5, 4, 3)
    critic = lambda x, c: conv(torch.cat([x, c], 1)).flatten(1).sum(1)  # noqa: E731
    share = torch.full((5,), 0.5)
    with torch.autocast("cpu", torch.bfloat16):
        inside = gradient_penalty(critic, real.bfloat16(), fake.bfloat16(), condition, share)
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, gradient_penalty(critic, real, fake, condition, share))


def test_a_critic_that_lowers_its_loss_scores_real_samples_higher() -> None:
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(32, 2, generator=generator) + 3, torch.randn(32, 2, generator=generator) - 3
    critic = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(critic.parameters(), 0.1)
    for _ in range(20):
        optimizer.zero_grad()
        critic_loss(critic(real)[:, 0], critic(fake)[:, 0]).backward()
        optimizer.step()
    assert critic(real).mean() > critic(fake).mean()
