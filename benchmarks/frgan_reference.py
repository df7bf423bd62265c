"""FRGAN as one writes it first: Tables 1 and 2 module by module, and both training steps loss by loss.

Zhao et al. (2020), with the authors' code where the paper is silent. Maps are enlarged and joined before they are
convolved, averaged after; every input passes through a network by itself; frames of a window are forecast one by one.
`weights_of_*` hand the weights over to Mutoscope's networks.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Stage 1.


class ResDown(nn.Module):
    """Activation, 3×3, activation, 3×3, averages; beside averages and 3×3."""

    def __init__(self, n_in: int, n_out: int, slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.conv1, self.conv2 = nn.Conv2d(n_in, n_out, 3, padding=1), nn.Conv2d(n_out, n_out, 3, padding=1)
        self.shortcut = nn.Conv2d(n_in, n_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.leaky_relu(x, self.slope))
        h = F.avg_pool2d(self.conv2(F.leaky_relu(h, self.slope)), 2)
        return h + self.shortcut(F.avg_pool2d(x, 2))


class ResUp(nn.Module):
    """Batch norm, ReLU, repeated pixels, 3×3, batch norm, ReLU, 3×3; beside repeated pixels and 3×3."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(n_in), nn.BatchNorm2d(n_out)
        self.conv1, self.conv2 = nn.Conv2d(n_in, n_out, 3, padding=1), nn.Conv2d(n_out, n_out, 3, padding=1)
        self.shortcut = nn.Conv2d(n_in, n_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.interpolate(F.relu(self.norm1(x)), scale_factor=2))
        return self.conv2(F.relu(self.norm2(h))) + self.shortcut(F.interpolate(x, scale_factor=2))


class Encoder(nn.Module):
    """E0, E1, ... and a linear layer."""

    def __init__(self, n_in: int, widths: Sequence[int], n_out: int, slope: float = 0.0, bottom: int = 4) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_in, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList(ResDown(a, b, slope) for a, b in pairwise(widths))
        self.last = nn.Linear(widths[-1] * bottom**2, n_out)

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        maps = [self.first(x)]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return maps, self.last(maps[-1].flatten(1))


class ForecastingNetwork(nn.Module):
    """G_M with skips from all encoders, dense connections, a code and a mask."""

    def __init__(
        self, widths: Sequence[int], channels: int, map_channels: int, code: int = 128, bottom: int = 4
    ) -> None:
        super().__init__()
        self.f_I, self.f_M = (Encoder(n, widths, code, bottom=bottom) for n in (channels, map_channels))
        self.first, self.bottom = nn.Linear(code, widths[-1] * bottom**2), bottom
        rising = list(reversed(widths[:-1]))
        blocks, earlier = [], widths[-1]
        for width, n_out in zip(reversed(widths[1:]), rising, strict=True):
            blocks.append(ResUp(3 * width + earlier, n_out))
            earlier += n_out
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.BatchNorm2d(widths[0])
        self.content = nn.Conv2d(4 * widths[0], channels, 3, padding=1)
        self.mask = nn.Conv2d(4 * widths[0], 1, 3, padding=1)

    def forward(self, image: Tensor, map_source: Tensor, map_target: Tensor) -> tuple[Tensor, Tensor]:
        """The frame and its mask."""
        passes = [self.f_I(image), self.f_M(map_source), self.f_M(map_target)]
        (_, appearance), (_, before), (_, after) = passes
        earlier = [self.first(after - before + appearance).view(len(image), -1, self.bottom, self.bottom)]
        levels = list(zip(*(maps for maps, _ in passes), strict=True))
        for skips, block in zip(reversed(levels[1:]), self.blocks, strict=True):
            size = skips[0].shape[2:]
            earlier = [x if x.shape[2:] == size else F.interpolate(x, scale_factor=2) for x in earlier]
            earlier.append(block(torch.cat([*skips, *earlier], 1)))
        last = torch.cat([*levels[0], F.relu(self.norm(earlier[-1]))], 1)
        content, mask = self.content(last).tanh(), self.mask(last).sigmoid()
        return mask * content + (1 - mask) * image, mask


class FrameCritic(nn.Module):
    """D_I."""

    def __init__(self, widths: Sequence[int], channels: int, map_channels: int, bottom: int = 4) -> None:
        super().__init__()
        self.encoder = Encoder(channels + map_channels, widths, 1, slope=0.01, bottom=bottom)

    def forward(self, image: Tensor, map: Tensor) -> Tensor:
        return self.encoder(torch.cat([image, map], 1))[1][:, 0]


# Stage 2.


class ClipEncoder(nn.Module):
    """E0, E1, ... of Table 2: 4×4×4 convolutions of stride 2."""

    def __init__(self, n_in: int, widths: Sequence[int], slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.convs = nn.ModuleList(nn.Conv3d(a, b, 4, 2, 1) for a, b in pairwise([n_in, *widths]))

    def forward(self, clip: Tensor, maps: Tensor) -> list[Tensor]:
        x, activations = torch.cat([clip, maps], 1), []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), self.slope)
            activations.append(x)
        return activations


class RefiningNetwork(nn.Module):
    """G_R with skips added from the third map on."""

    def __init__(self, widths: Sequence[int], channels: int, map_channels: int, bottom: tuple[int, int, int]) -> None:
        super().__init__()
        self.encoder = ClipEncoder(channels + map_channels, widths, slope=0.0)
        self.squeeze = nn.Conv3d(widths[-1], widths[-1], bottom)
        falling = [widths[-1], *reversed(widths)]
        self.grow = nn.ModuleList([nn.ConvTranspose3d(*falling[:2], bottom)])
        self.grow.extend(nn.ConvTranspose3d(a, b, 4, 2, 1) for a, b in pairwise(falling[1:]))
        self.norms = nn.ModuleList(nn.BatchNorm3d(width) for width in falling[1:])
        self.content = nn.ConvTranspose3d(widths[0], channels, 4, 2, 1)
        self.mask = nn.ConvTranspose3d(widths[0], 1, 4, 2, 1)

    def forward(self, coarse: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The clip and its mask."""
        encoded = self.encoder(coarse, maps)
        x = self.squeeze(encoded[-1])
        for level, grow, norm in zip(reversed(range(len(encoded))), self.grow, self.norms, strict=True):
            x = F.relu(norm(grow(x)))
            x = x + encoded[level] if level >= 2 else x
        content, mask = self.content(x).tanh(), self.mask(x).sigmoid()
        return mask * content + (1 - mask) * coarse, mask


class ClipCritic(nn.Module):
    """D_V: scores and activations."""

    def __init__(self, widths: Sequence[int], channels: int, map_channels: int, bottom: tuple[int, int, int]) -> None:
        super().__init__()
        self.encoder = ClipEncoder(channels + map_channels, widths, slope=0.01)
        self.score = nn.Conv3d(widths[-1], 1, bottom)

    def forward(self, clip: Tensor, maps: Tensor) -> tuple[Tensor, list[Tensor]]:
        activations = self.encoder(clip, maps)
        return self.score(activations[-1]).flatten(), activations


# Losses and steps.


def penalty(
    critic: Callable[[Tensor, Tensor], Tensor], real: Tensor, fake: Tensor, maps: Tensor, share: Tensor
) -> Tensor:
    """Eqs. 14 and 20: by the slope at mixtures, joined with the true maps."""
    share = share.view(-1, *[1] * (real.ndim - 1))
    joined = torch.cat([share * real + (1 - share) * fake, maps], 1).detach().requires_grad_()
    channels = real.shape[1]
    score = critic(joined[:, :channels], joined[:, channels:])
    (slope,) = torch.autograd.grad(score.sum(), joined, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def gram(x: Tensor) -> Tensor:
    """Gram matrices of channels at each time, over places."""
    rows = x.reshape(len(x), x.shape[1] * x.shape[2], -1)
    return torch.bmm(rows, rows.transpose(1, 2)) / rows.shape[2]


def rank(of_refined: Sequence[Tensor], of_real: Sequence[Tensor], of_coarse: Sequence[Tensor]) -> Tensor:
    """Eq. 18, for each clip."""
    to_real, to_coarse = (
        sum((gram(a) - gram(b)).abs().mean((1, 2)) for a, b in zip(of_refined, others, strict=True))
        for others in (of_real, of_coarse)
    )
    return F.softplus(to_real - to_coarse)


class Training:
    """Networks, Adam for each, and the two steps.

    Args:
        G_M, D_I, G_R, D_V: the networks; stage 1 needs the first two, stage 2 all.
        w_rec, w_mask, gp_weight, gamma, rank_cap: weights of the losses, and where D_V stops raising the last.
        lr: Adam's.
    """

    def __init__(
        self,
        G_M: nn.Module,
        D_I: nn.Module,
        G_R: nn.Module | None = None,
        D_V: nn.Module | None = None,
        *,
        w_rec: float = 3.0,
        w_mask: float = 0.05,
        gp_weight: float = 10.0,
        gamma: float = 1.0,
        rank_cap: float = 5.0,
        lr: float = 1e-4,
    ) -> None:
        self.G_M, self.D_I, self.G_R, self.D_V = G_M, D_I, G_R, D_V
        self.w_rec, self.w_mask, self.gp_weight, self.gamma, self.rank_cap = w_rec, w_mask, gp_weight, gamma, rank_cap
        networks = {"G_M": G_M, "D_I": D_I, "G_R": G_R, "D_V": D_V}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr, (0.0, 0.9))
            for name, network in networks.items()
            if network
        }

    def step_forecast(
        self, image: Tensor, M_t: Tensor, target: Tensor, M_k: Tensor, share: Tensor
    ) -> dict[str, Tensor]:
        """Eqs. 13 and 14, then Eq. 9, on the same forecast."""
        forecast, mask = self.G_M(image, M_t, M_k)
        losses = self.step_D_I(target, forecast.detach(), M_k, share)
        parts = {
            "G_M_rec": self.w_rec * (forecast - target).abs().mean(),
            "G_M_mask": self.w_mask * mask.mean(),
            "G_M_gen": -self.D_I(forecast, M_k).mean(),
        }
        self.descend("G_M", parts)
        return losses | parts

    def step_D_I(self, real: Tensor, fake: Tensor, maps: Tensor, share: Tensor) -> dict[str, Tensor]:
        losses = {
            "D_I": self.D_I(fake, maps).mean() - self.D_I(real, maps).mean(),
            "D_I_gp": self.gp_weight * penalty(self.D_I, real, fake, maps, share),
        }
        self.descend("D_I", losses)
        return losses

    def step_refine(
        self, image: Tensor, M_src: Tensor, real: Tensor, maps: Tensor, times: Tensor, share_I: Tensor, share_V: Tensor
    ) -> dict[str, Tensor]:
        """Eq. 13 on one frame of each clip, Eq. 19, then Eq. 16, on clips refined once."""
        assert self.G_R is not None
        assert self.D_V is not None
        self.G_M.eval()
        with torch.no_grad():
            coarse = torch.stack([self.G_M(image, M_src, maps[:, :, t])[0] for t in range(maps.shape[2])], 2)
        refined, mask = self.G_R(coarse, maps)
        fake = refined.detach()
        chosen = [clip[torch.arange(len(clip)), :, times] for clip in (real, fake, maps)]
        losses = self.step_D_I(*chosen, share_I)

        (on_fake, of_fake), (on_real, of_real) = self.D_V(fake, maps), self.D_V(real, maps)
        _, of_coarse = self.D_V(coarse, maps)
        raised = rank(of_fake, of_real, of_coarse).clamp(max=self.rank_cap).mean()
        parts = {
            "D_V": on_fake.mean() - on_real.mean(),
            "D_V_gp": self.gp_weight * penalty(lambda clip, M: self.D_V(clip, M)[0], real, fake, maps, share_V),
            "D_V_rank": -self.gamma * raised,
        }
        self.descend("D_V", parts)
        losses |= parts

        score, of_refined = self.D_V(refined, maps)
        frames = [self.D_I(refined[:, :, t], maps[:, :, t]) for t in range(maps.shape[2])]
        features = self.D_V(real, maps)[1], self.D_V(coarse, maps)[1]
        parts = {
            "G_R_rec": self.w_rec * (refined - real).abs().mean(),
            "G_R_mask": self.w_mask * mask.mean(),
            "G_R_gen": -score.mean() - torch.stack(frames).mean(),
            "G_R_rank": self.gamma * rank(of_refined, *features).mean(),
        }
        self.descend("G_R", parts)
        return losses | parts

    def descend(self, name: str, parts: Mapping[str, Tensor]) -> None:
        self.optimizers[name].zero_grad()
        torch.stack(list(parts.values())).sum().backward()
        self.optimizers[name].step()


# Weights for ours.


def weights_of_G_M(network: ForecastingNetwork) -> dict[str, Tensor]:
    """G_M's weights by the names of Mutoscope's, whose batch norms are apart for each of the maps that are joined."""
    own = dict(network.state_dict())
    ours = {name: value for name, value in own.items() if name.startswith(("f_I.", "f_M."))}
    for name in ("weight", "bias"):
        ours[f"f_D.heads.{name}"] = torch.cat([own[f"content.{name}"], own[f"mask.{name}"]])
    joined = [f"blocks.{i}.norm1." for i in range(len(network.blocks))]
    for name, value in own.items():
        if name.startswith(("first.", "norm.", "blocks.")) and not name.startswith(tuple(joined)):
            ours[f"f_D.{name}"] = value
    for i, widths in enumerate(joined_widths(network)):
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            value = own[f"{joined[i]}{name}"]
            parts = value.split(widths) if value.ndim else [value] * len(widths)
            ours |= {f"f_D.blocks.{i}.norms.{part}.{name}": x for part, x in enumerate(parts)}
    return ours


def joined_widths(network: ForecastingNetwork) -> list[list[int]]:
    """Of each block of the decoder: the widths of the maps joined before it."""
    encoder = network.f_I.blocks
    earlier, found = [encoder[-1].conv2.out_channels], []
    for down, up in zip(reversed(encoder), network.blocks, strict=True):
        found.append([*[down.conv2.out_channels] * 3, *earlier])
        earlier.append(up.conv2.out_channels)
    return found


def weights_of_G_R(network: RefiningNetwork) -> dict[str, Tensor]:
    """G_R's weights by the names of Mutoscope's."""
    own = dict(network.state_dict())
    ours = {name.replace("encoder.convs.", "encoder."): x for name, x in own.items()}
    content = {name: ours.pop(f"content.{name}") for name in ("weight", "bias")}
    mask = {name: ours.pop(f"mask.{name}") for name in ("weight", "bias")}
    ours["heads.weight"] = torch.cat([content["weight"], mask["weight"]], 1)
    ours["heads.bias"] = torch.cat([content["bias"], mask["bias"]])
    return ours


def weights_of_D(network: FrameCritic | ClipCritic) -> dict[str, Tensor]:
    """D_I's or D_V's weights by the names of Mutoscope's."""
    return {name.replace("encoder.convs.", "encoder."): x for name, x in network.state_dict().items()}
