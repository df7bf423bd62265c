"""MintGAN's training as one writes it first, and what it takes to see whether ours does the same.

Chapter 5 of Wang's thesis (2021), with StyleGAN2's answers where it is silent: the generator runs once for the step of
the discriminators and once more, from fresh noise, for its own; torch's default Adam; weights averaged one by one.
"""

import copy
from collections.abc import Mapping

import mintgan_reference as reference
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.systems.draws import Random
from mutoscope.systems.mintgan import MintGAN

Noise = tuple[Tensor, Tensor]


class Training:
    """All networks, their optimisers and the training step.

    Args:
        G: the generator.
        D_I: the discriminator of frames.
        D_V: those of the pyramid.
        lambda_V: weight λ of the pyramid in G's loss (Eq. 5.5).
        r1_gamma: weight γ of R1, which every `r1_every`-th step has, as many times stronger.
        lr, betas: Adam's; for discriminators less by the share of steps that R1 adds.
        ema: decay of the average of G's weights.

    Attributes:
        iteration: number of steps taken.
    """

    def __init__(
        self,
        G: nn.Module,
        D_I: nn.Module,
        D_V: nn.ModuleList,
        *,
        lambda_V: float = 0.5,
        r1_gamma: float = 10.0,
        r1_every: int = 16,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.0, 0.99),
        ema: float = 0.999,
    ) -> None:
        self.G, self.D_I, self.D_V = G, D_I, D_V
        self.G_average = copy.deepcopy(G)
        self.lambda_V, self.r1_gamma, self.r1_every, self.ema = lambda_V, r1_gamma, r1_every, ema
        c = r1_every / (r1_every + 1)
        self.opt_G = torch.optim.Adam(G.parameters(), lr, betas)
        self.opt_D = torch.optim.Adam([*D_I.parameters(), *D_V.parameters()], lr * c, (betas[0] ** c, betas[1] ** c))
        self.iteration = 0

    def step(self, real: Tensor, noise_D: Noise, noise_G: Noise, times: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One step of all discriminators, one of the generator.

        Args:
            real: clips `b t c h w` in [-1, 1].
            noise_D, noise_G: z_a and z_m of the fake clips of either step.
            times: the frame of each clip that D_I sees, integers `b`: of "real" clips, of "fake" ones, of those in "G".

        Returns:
            the losses, detached.
        """
        gamma = self.r1_gamma * self.r1_every if self.iteration % self.r1_every == 0 else 0.0
        with torch.no_grad():
            fake = self.G(*noise_D)
        losses = {"loss_D_I": loss_D(self.D_I, frames_at(real, times["real"]), frames_at(fake, times["fake"]), gamma)}
        for level, D in enumerate(self.D_V):
            seen = (reference.time_to_channels(clips, 2**level) for clips in (real, fake))
            losses[f"loss_D_V{level}"] = loss_D(D, *seen, gamma)
        self.opt_D.zero_grad()
        sum(losses.values()).backward()
        self.opt_D.step()

        fake = self.G(*noise_G)
        loss_G = F.softplus(-self.D_I(frames_at(fake, times["G"]))).mean()
        for level, D in enumerate(self.D_V):
            loss_G = loss_G + self.lambda_V * F.softplus(-D(reference.time_to_channels(fake, 2**level))).mean()
        self.opt_G.zero_grad()
        loss_G.backward()
        self.opt_G.step()
        with torch.no_grad():
            for average, p in zip(self.G_average.parameters(), self.G.parameters(), strict=True):
                average.mul_(self.ema).add_(p, alpha=1 - self.ema)
        self.iteration += 1
        return {name: loss.detach() for name, loss in (losses | {"loss_G": loss_G}).items()}


def frames_at(clips: Tensor, times: Tensor) -> Tensor:
    """One frame of each clip."""
    return clips[torch.arange(len(clips), device=clips.device), times]


def loss_D(D: nn.Module, real: Tensor, fake: Tensor, gamma: float) -> Tensor:
    """Logistic, with R1 where `gamma` is not 0."""
    real = real.detach().requires_grad_(gamma > 0)
    score = D(real)
    loss = F.softplus(-score).mean() + F.softplus(D(fake)).mean()
    if gamma:
        (slope,) = torch.autograd.grad(score.sum(), real, create_graph=True)
        loss = loss + gamma / 2 * slope.square().flatten(1).sum(1).mean()
    return loss


# Beside ours.


def training_of(system: MintGAN) -> Training:
    """The literal training of a system's sizes and rates, from first weights of its own.

    It has no options beyond those of the thesis: D_I sees one frame of a clip, magnitudes are as G_M gives them.
    """
    o = system.config
    widths, widths_D = o.widths or reference.WIDTHS, o.widths_D or reference.WIDTHS
    G = reference.Generator(o.image_size, o.channels, o.d_a, o.d_m, o.N, widths, o.mlp_depth)
    D_V = reference.pyramid(o.levels, o.channels, o.image_size, o.frames, widths_D)
    same = ("lambda_V", "r1_gamma", "r1_every", "lr", "betas", "ema")
    D_I = reference.Discriminator(o.channels, o.image_size, widths_D)
    return Training(G, D_I, D_V, **{name: getattr(o, name) for name in same})


def hand_over(training: Training, system: MintGAN) -> None:
    """Gives a system the weights of literal networks."""
    system.G.load_state_dict(weights_of_G(training.G))
    system.D_I.load_state_dict(weights_of_D(training.D_I))
    for literal, D in zip(training.D_V, system.D_V.discriminators, strict=True):
        D.load_state_dict(weights_of_D(literal))


def weights_of_G(G: nn.Module) -> dict[str, Tensor]:
    """A literal generator's weights under the names of ours, with the directions of the literal one's signs."""
    names = {
        "G_S.const": "G_S.constant",
        "G_S.conv.": "G_S.first.",
        "G_S.to_rgb.": "G_S.first_colours.",
        "G_S.ups.": "G_S.grown.",
        "G_S.convs.": "G_S.kept.",
        "G_S.to_rgbs.": "G_S.colours.",
        ".modulation.": ".style.",
    }
    state = {renamed(key, names): value for key, value in G.state_dict().items() if not key.endswith(".noise")}
    # each frame's weight has an axis for the frame there
    state = {key: value[0] if key.endswith("conv.weight") else value for key, value in state.items()}
    state["bank.M"], state["bank.D"] = state.pop("M"), G.directions().detach()
    return state


def weights_of_D(D: nn.Module) -> dict[str, Tensor]:
    """A literal discriminator's weights under the names of ours."""
    names = {
        "from_rgb.": "from_colours.",
        "linear1.": "head.0.",
        "linear2.": "head.1.",
        "conv2.conv.": "conv2.",
        "skip.conv.": "skip.",
    }
    state = {renamed(key, names): value for key, value in D.state_dict().items()}
    return {f"last{key[4:]}" if key.startswith("conv.") else key: value for key, value in state.items()}


def renamed(key: str, names: Mapping[str, str]) -> str:
    for theirs, own in names.items():
        key = key.replace(theirs, own)
    return key


def draws_of(system: MintGAN, n: int) -> tuple[Noise, dict[str, Tensor]]:
    """What a system draws in its next step, for n clips: z_a and z_m, and the times of the frames that D_I sees."""
    noise = system.noise(n, Random(system.seed, system.iteration, system.device))
    real, fake = (noise[name][:, 0] for name in ("real_times", "fake_times"))
    return (noise["z_a"], noise["z_m"]), {"real": real, "fake": fake, "G": fake}
