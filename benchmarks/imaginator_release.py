"""ImaGINator as its authors' public code runs it: what ours is timed against, and what conversion is tested with.

Written from the facts of that code (github.com/wyhsirius/ImaGINator), not from its text: eager PyTorch in torch's
default memory format, 5-D transposed convolutions everywhere, pictures and labels repeated over the whole clip before
they are concatenated. Modules and parameters have the names of the checkpoints which it saves, so that weights go both
ways. For frames of 64 pixels and clips of 32 frames.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

WEIGHT_L1 = 100.0  # of the mean absolute difference
LEARNING_RATE, BETAS = 2e-4, (0.5, 0.999)  # of all three networks


class Encoder(nn.Module):
    """A picture to its code, and to the maps on the way there.

    Args:
        d_p: channels of the code.
        ch: channels of the first map.
    """

    def __init__(self, d_p: int, ch: int) -> None:
        super().__init__()
        widths = [3, ch, 2 * ch, 4 * ch, 8 * ch]
        self.b1, self.b2, self.b3, self.b4 = (halve(n_in, n_out) for n_in, n_out in pairwise(widths))
        self.b5 = nn.Sequential(nn.Conv2d(8 * ch, d_p, 4))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Pictures `b 3 64 64` to the code `b d_p 1 1`, then to maps of 4, 8, 16 and 32 pixels, deepest first."""
        maps = []
        for block in (self.b1, self.b2, self.b3, self.b4, self.b5):
            x = block(x)
            maps.append(x)
        return maps[::-1]


def halve(n_in: int, n_out: int) -> nn.Sequential:
    """A strided convolution, batch normalisation, LeakyReLU."""
    return nn.Sequential(nn.Conv2d(n_in, n_out, 4, 2, 1), nn.BatchNorm2d(n_out), nn.LeakyReLU(0.2, inplace=True))


class DecoderBlock(nn.Module):
    """Along time, then over space, and fusion.

    Args:
        n_in, n_mid, n_out: channels before, between and after the two transposed convolutions.
        first: from 1 × 1 × 1 to 2 × 4 × 4, instead of doubling all sides.
        last: colours in [-1, 1], and no fusion.
    """

    def __init__(self, n_in: int, n_mid: int, n_out: int, first: bool = False, last: bool = False) -> None:
        super().__init__()
        (k_t, k_s), s, p = ((2, 4), 1, 0) if first else ((4, 4), 2, 1)
        ends = [nn.Tanh()] if last else [nn.BatchNorm3d(n_out), nn.LeakyReLU(0.2, inplace=True)]
        self.conv = nn.Sequential(
            nn.ConvTranspose3d(n_in, n_mid, (k_t, 1, 1), (s, 1, 1), (p, 0, 0)),
            nn.BatchNorm3d(n_mid),
            nn.LeakyReLU(0.2, inplace=True),
            nn.ConvTranspose3d(n_mid, n_out, (1, k_s, k_s), (1, s, s), (0, p, p)),
            *ends,
        )

    def forward(self, h: Tensor, y: Tensor | None = None, picture: Tensor | None = None) -> Tensor:
        """Features `b c t h w`; with labels `b K` and the encoder's map `b c h w`, these follow at every time."""
        h = self.conv(h)
        if y is None or picture is None:
            return h
        b, _, t, height, width = h.shape
        pictures = picture[:, :, None].repeat(1, 1, t, 1, 1)
        labels = y.view(b, -1, 1, 1, 1).repeat(1, 1, t, height, width)
        return torch.cat([h, pictures, labels], dim=1)


class Decoder(nn.Module):
    """Noise, label and the encoder's maps to a clip; sizes as `Generator` takes them."""

    def __init__(self, d_z: int, d_p: int, categories: int, ch: int) -> None:
        super().__init__()
        K = categories
        self.block1 = DecoderBlock(d_z + d_p + K, 64 * ch, 8 * ch, first=True)
        self.block2 = DecoderBlock(16 * ch + K, 48 * ch, 4 * ch)
        self.block3 = DecoderBlock(8 * ch + K, 24 * ch, 2 * ch)
        self.block4 = DecoderBlock(4 * ch + K, 12 * ch, ch)
        self.to_rgb = DecoderBlock(2 * ch + K, 36, 3, last=True)

    def forward(self, z: Tensor, y: Tensor, maps: Sequence[Tensor]) -> Tensor:
        h = torch.cat([z[:, :, None, None], y[:, :, None, None], maps[0]], dim=1)[..., None]
        for block, picture in zip((self.block1, self.block2, self.block3, self.block4), maps[1:], strict=True):
            h = block(h, y, picture)
        return self.to_rgb(h)


class Generator(nn.Module):
    """A picture, noise and a label to a clip.

    Args:
        d_z: size of the noise.
        d_p: channels of the picture's code.
        categories: labels there are.
        ch: channels of the encoder's first map.
    """

    def __init__(self, d_z: int = 512, d_p: int = 100, categories: int = 6, ch: int = 64) -> None:
        super().__init__()
        self.enc = Encoder(d_p, ch)
        self.dec = Decoder(d_z, d_p, categories, ch)
        initialise(self)

    def forward(self, x: Tensor, z: Tensor, y: Tensor) -> Tensor:
        """Pictures `b 3 64 64`, noise `b d_z` and labels `b K` to clips `b 3 32 64 64` in [-1, 1]."""
        return self.dec(z, y, self.enc(x))


class VideoDiscriminator(nn.Module):
    """Clips `b 3 32 64 64` and labels `b K` to raw scores `b`; labels join after the first convolution."""

    def __init__(self, categories: int = 6, ch: int = 64) -> None:
        super().__init__()
        self.net1 = nn.Sequential(spectral_norm(nn.Conv3d(3, ch, 4, 2, 1)), nn.LeakyReLU(0.2, inplace=True))
        halving = [(ch + categories, 2 * ch), (2 * ch, 4 * ch), (4 * ch, 8 * ch)]
        convs = [nn.Conv3d(n_in, n_out, 4, 2, 1) for n_in, n_out in halving]
        self.net2 = judge([*convs, nn.Conv3d(8 * ch, 1, (2, 4, 4))])
        initialise(self)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = self.net1(x)
        labels = y[:, :, None, None, None].repeat(1, 1, *h.shape[2:])
        return self.net2(torch.cat([h, labels], dim=1)).flatten()


class ImageDiscriminator(nn.Module):
    """Frames `b 3 64 64` to raw scores `b`."""

    def __init__(self, ch: int = 64) -> None:
        super().__init__()
        widths = [3, ch, 2 * ch, 4 * ch, 8 * ch]
        convs = [nn.Conv2d(n_in, n_out, 4, 2, 1) for n_in, n_out in pairwise(widths)]
        self.net = judge([*convs, nn.Conv2d(8 * ch, 1, 4)])
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x).flatten()


def judge(convs: Sequence[nn.Module]) -> nn.Sequential:
    """These convolutions under spectral normalisation, with LeakyReLU between them."""
    layers: list[nn.Module] = []
    for conv in convs:
        layers += [spectral_norm(conv), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers[:-1])


def initialise(network: nn.Module) -> None:
    """Draws convolutions from N(0, 0.02) but the transposed ones, and batch normalisation's scales from N(1, 0.02)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            nn.init.normal_(getattr(module, "weight_orig", module.weight), 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.normal_(module.weight, 1.0, 0.02)


def optimizers(*networks: nn.Module) -> list[torch.optim.Adam]:
    """An Adam for each network."""
    return [torch.optim.Adam(network.parameters(), LEARNING_RATE, BETAS) for network in networks]


def training_step(
    G: nn.Module,
    D_V: nn.Module,
    D_I: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    real: Tensor,
    y: Tensor,
    z: Tensor,
    t_real: int,
    t_fake: int,
) -> dict[str, Tensor]:
    """One step of all three networks: G first, then D_V and D_I on the clips that G drew before its step.

    Args:
        optimizers: those of G, D_V and D_I.
        real: clips in [-1, 1], `b 3 32 64 64`; their first frames are what G starts from.
        y: their labels, one-hot `b K`.
        z: noise `b d_z`.
        t_real, t_fake: the time of the one frame that D_I sees, the same for all clips of the batch.

    Returns:
        the losses, detached: reconstruction (before its weight) and those of G against either discriminator, then those
        of D_V and D_I.
    """
    opt_G, opt_D_V, opt_D_I = optimizers
    real_frame = real[:, :, t_real]

    opt_G.zero_grad()
    fake = G(real[:, :, 0], z, y)
    fake_frame = fake[:, :, t_fake]
    loss_rec = F.l1_loss(fake, real)
    loss_G_V, loss_G_I = bce(D_V(fake, y), 1.0), bce(D_I(fake_frame), 1.0)
    (WEIGHT_L1 * loss_rec + loss_G_V + loss_G_I).backward()
    opt_G.step()

    opt_D_V.zero_grad()
    opt_D_I.zero_grad()
    real_V, real_I = D_V(real, y), D_I(real_frame)
    fake_V, fake_I = D_V(fake.detach(), y), D_I(fake_frame.detach())
    loss_D_V = bce(real_V, 1.0) + bce(fake_V, 0.0)
    loss_D_I = bce(real_I, 1.0) + bce(fake_I, 0.0)
    loss_D_V.backward()
    opt_D_V.step()
    loss_D_I.backward()
    opt_D_I.step()
    losses = {"rec": loss_rec, "G_V": loss_G_V, "G_I": loss_G_I, "D_V": loss_D_V, "D_I": loss_D_I}
    return {name: loss.detach() for name, loss in losses.items()}


def bce(scores: Tensor, target: float) -> Tensor:
    """Binary cross-entropy of raw scores against one target."""
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))
