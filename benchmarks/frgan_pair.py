"""FRGAN's literal networks beside ours: of the same sizes, with the same weights, batch and random numbers."""

from collections.abc import Callable
from typing import Literal

import frgan_reference as reference
import torch
import variants
from torch import Tensor, nn

from mutoscope.media.tensors import uint8_to_float
from mutoscope.systems.draws import Random
from mutoscope.systems.frgan import FRGAN
from mutoscope.systems.frgan.networks.blocks import init_weights
from mutoscope.systems.frgan.networks.forecasting import encoder_widths
from mutoscope.systems.frgan.networks.refining import level_widths

StageName = Literal["forecast", "refine"]
Step = Callable[[], dict[str, Tensor]]

TRANSCRIBED = {
    **{"bottleneck": "fc", "dense": True, "skips": "all", "residual": "mask", "shortcut": "3x3", "widths": "code"},
    **{"skips_R": "deep", "fusion_R": "add", "use_D_I": True, "w_adv": 1.0, "w_feat": 0.0, "gram_time": False},
    **{"joint_noise": 0.0, "betas": (0.0, 0.9)},
}
"""What the literal networks and steps have no choice of."""


def training_of(system: FRGAN) -> reference.Training:
    """Untrained literal networks of the sizes of a system's, with its weights of losses.

    Raises:
        ValueError: the system is one that they do not transcribe.
    """
    o = system.config
    other = [name for name, value in TRANSCRIBED.items() if getattr(o, name) != value]
    if other:
        raise ValueError(f"not transcribed: {', '.join(other)}")
    size, seen, widths = o.image_size >> o.levels, (o.channels, o.C_M), encoder_widths(o)
    networks: list[nn.Module] = [
        reference.ForecastingNetwork(widths, *seen, o.code, size),
        reference.FrameCritic(widths, *seen, size),
    ]
    if system.G_R is not None:
        widths_R, bottom = level_widths(o), (o.frames >> o.levels, size, size)
        networks += [network(widths_R, *seen, bottom) for network in (reference.RefiningNetwork, reference.ClipCritic)]
    for network in networks:
        init_weights(network)
    same = ("w_rec", "w_mask", "gp_weight", "gamma", "rank_cap", "lr")
    return reference.Training(*networks, **{name: getattr(o, name) for name in same})


def hand_over(training: reference.Training, system: FRGAN) -> None:
    """Gives a system the weights of literal networks."""
    system.G_M.load_state_dict(reference.weights_of_G_M(training.G_M))
    system.D_I.load_state_dict(reference.weights_of_D(training.D_I))
    if system.G_R is not None:
        system.G_R.load_state_dict(reference.weights_of_G_R(training.G_R))
        system.D_V.load_state_dict(reference.weights_of_D(training.D_V))


def batch_for(system: FRGAN, stage: StageName, n: int) -> dict[str, Tensor]:
    """Noise in the place of pictures and of finished maps, as training gets them."""
    size, generator = system.config.image_size, torch.Generator().manual_seed(1)
    numbers = system.config.C_M * size**2

    def rows(*shape: int) -> Tensor:
        return torch.rand(*shape, numbers, generator=generator)

    # as many frames in a row as are wanted, so that no two are alike
    frames = variants.random_clips(n, system.config.frames + 1, size, size, system.config.channels)
    batch = {"frame": frames[:, 0], "row": rows(n)}
    if stage == "forecast":
        return batch | {"target": frames[:, 1], "target_row": rows(n)}
    return batch | {"clip": frames[:, 1:], "rows": rows(n, system.config.frames)}


def literal_step(training: reference.Training, system: FRGAN, stage: StageName, batch: dict[str, Tensor]) -> Step:
    """The literal step on what the system would see, with what it would draw, in its present iteration."""
    noise, batch = system.noise(len(batch["frame"]), Random(system.seed, system.iteration)), system.prepare(batch)
    image, M_t = uint8_to_float(batch["frame"]), batch["map"]
    if stage == "forecast":
        target, M_k = uint8_to_float(batch["target"]), batch["target_map"]
        return lambda: training.step_forecast(image, M_t, target, M_k, noise["share_I"])
    real, maps = uint8_to_float(batch["clip"]).transpose(1, 2).contiguous(), batch["maps"].contiguous()
    drawn = noise["time"], noise["share_I"], noise["share_V"]
    return lambda: training.step_refine(image, M_t, real, maps, *drawn)


@torch.no_grad()
def literal_clip(
    training: reference.Training, pictures: Tensor, maps: Tensor, together: int, window: int | None
) -> Tensor:
    """Frames that follow a picture.

    Args:
        training: the networks; they are set to evaluation.
        pictures: the picture, uint8, `1 s s c`.
        maps: its map, then that of each frame, `1 + t m s s`.
        together: frames in a batch; the picture is encoded for each.
        window: frames that are refined together; none: they are not refined.

    Returns:
        `t c s s`.
    """
    image, M_t = (x.expand(together, -1, -1, -1) for x in (uint8_to_float(pictures), maps[:1]))
    drawn = torch.cat([training.G_M.eval()(image, M_t, M_k)[0] for M_k in maps[1:].split(together)])
    if window is None:
        return drawn
    assert training.G_R is not None
    clips = [x.transpose(0, 1)[None] for x in (drawn, maps[1:])]
    refined = [training.G_R.eval()(*parts)[0] for parts in zip(*(x.split(window, 2) for x in clips), strict=True)]
    return torch.cat(refined, 2)[0].transpose(0, 1)
