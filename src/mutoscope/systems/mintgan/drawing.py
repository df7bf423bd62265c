"""Noise to latent codes to clips with a trained generator, and motion in the basis one asks for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.media.tensors import float_to_uint8
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.draws import Draws
from mutoscope.systems.mintgan.config import MintGANConfig
from mutoscope.systems.mintgan.networks import Generator, NoiseMaps
from mutoscope.systems.noise import normal_draws

Clip = UInt8[np.ndarray, "t h w c"]
Basis = Literal["dictionary", "canonical"]
FRAMES_AT_ONCE = 64
CANONICAL_CODES = 2000
"""So many codes are looked at to find the canonical basis, and how far steps go in either."""
CANONICAL_SEED = 2**31 - 1


class Codes(NamedTuple):
    """Where clips begin, and how they go on.

    Attributes:
        w_0: latent code of the first frame.
        A: magnitudes α of each step from frame to frame, in the dictionary's directions.
    """

    w_0: Float[Tensor, "n N"]
    A: Float[Tensor, "n s N"]


class Drawing:
    """Draws with the network `generator` of the system that inherits this.

    Attributes:
        canonical: the canonical basis, and the state of the weights that it belongs to; None before it is asked for.
    """

    config: MintGANConfig
    canonical: tuple[tuple[tuple[int, int], ...], Tensor] | None = None
    if TYPE_CHECKING:
        device: torch.device

        @property
        def generator(self) -> Generator: ...

    def appearances(self, n: int, seed: int) -> Float[Tensor, "n d_a"]:
        """`n` draws of z_a; the same on every device, and the first of more draws are those of fewer."""
        return normal_draws((n, self.config.d_a), seed, 0)

    def motions(self, n: int, seed: int, frames: int | None = None) -> Float[Tensor, "n s d_m"]:
        """`n` draws of z_m for `frames` frames (by default as many as in training): one for each step between them.

        The first of more draws are those of fewer, and a longer one begins as a shorter one.
        """
        steps = (frames or self.config.frames) - 1
        return torch.stack([normal_draws((steps, self.config.d_m), seed, 1, i) for i in range(n)])

    @torch.no_grad()
    def latents(self, z_a: Float[Tensor, "n d_a"], z_m: Float[Tensor, "n s d_m"], truncation: float = 1.0) -> Codes:
        """The codes of these noises.

        Args:
            z_a: appearance noise.
            z_m: motion noise.
            truncation: ψ: w_0 goes this share of the way from the mean appearance; less is more alike, and cleaner.
        """
        network = self.generator
        z_a, z_m = z_a.to(self.device), z_m.to(self.device)
        w_0 = network.appearance(z_a)
        if truncation != 1.0:
            mean = network.appearance(self.appearances(CANONICAL_CODES, CANONICAL_SEED).to(self.device)).mean(0)
            w_0 = mean + truncation * (w_0 - mean)
        return Codes(w_0, network.magnitudes(z_a, z_m))

    @torch.no_grad()
    def basis(self, name: Basis = "dictionary") -> Float[Tensor, "N N"]:
        """Directions of motion, one a row.

        Args:
            name: "dictionary", those learned; or "canonical", the principal axes of the steps that clips take, the
                one along which steps differ most first. Both span the same space: any clip can be told in either.

        Raises:
            InputError: the system has no dictionary, or one that is not orthonormal is asked for its canonical basis.
        """
        network = self.generator
        if name == "dictionary":
            return network.directions()
        written = tuple((tensor.data_ptr(), tensor._version) for tensor in (*network.parameters(), *network.buffers()))
        if self.canonical is None or self.canonical[0] != written:
            self.canonical = written, self._principal_axes(network)
        return self.canonical[1]

    def _principal_axes(self, network: Generator) -> Float[Tensor, "N N"]:
        """The canonical basis; the largest entry of each row is positive."""
        D = network.directions()
        if network.bank is not None and network.bank.method == "free":
            raise InputError("basis: canonical needs orthonormal directions (motion_bank is free)")
        steps = (self.sampled_magnitudes().flatten(0, 1) @ D).double()
        steps = steps - steps.mean(0)
        axes = torch.linalg.eigh(steps.T @ steps)[1].T.flip(0)
        largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
        return (axes * largest.sign()).to(D.dtype)

    def sampled_magnitudes(self, n: int = CANONICAL_CODES) -> Float[Tensor, "n s N"]:
        """The magnitudes of n clips that nobody asked for by seed."""
        z_m = _many_motions(n, self.config.frames - 1, self.config.d_m)
        return self.latents(self.appearances(n, CANONICAL_SEED), torch.from_numpy(z_m)).A

    def in_basis(self, A: Float[Tensor, "n s N"], name: Basis = "dictionary") -> Float[Tensor, "n s N"]:
        """Magnitudes of the dictionary's directions as coordinates in a basis."""
        return A if name == "dictionary" else A @ self.basis() @ self.basis(name).T

    @torch.no_grad()
    def path(
        self, w_0: Float[Tensor, "n N"], coordinates: Float[Tensor, "n s N"], name: Basis = "dictionary"
    ) -> Float[Tensor, "n t N"]:
        """The latent codes of all frames, from the first one's and from the steps' coordinates in a basis (Eq. 5.4)."""
        if name == "dictionary":
            return self.generator.codes(w_0, coordinates)
        return torch.cat([w_0[:, None], w_0[:, None] + coordinates.cumsum(1) @ self.basis(name)], 1)

    @torch.no_grad()
    def draw(self, W: Float[Tensor, "n t N"]) -> Iterator[Clip]:
        """Clips of these latent codes, one for each row, drawn a few frames at a time."""
        network = self.generator
        at_once = max(1, FRAMES_AT_ONCE // W.shape[1])
        for start in range(0, len(W), at_once):
            codes = W[start : start + at_once].to(self.device)
            frames = [
                float_to_uint8(network.G_S(part, self.fixed_noise(network)))
                for part in codes.flatten(0, 1).split(FRAMES_AT_ONCE)
            ]
            yield from np.concatenate(frames).reshape(len(codes), -1, *frames[0].shape[1:])

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[Clip]:
        """Clips from noise; what the rows hold does not matter, but for how long each shall be."""
        count = conditions.count
        codes = self.latents(self.appearances(count, seed), self.motions(count, seed, conditions.longest))
        for clip, length in zip(self.draw(self.path(*codes)), conditions.lengths, strict=True):
            yield clip[:length]

    def fixed_noise(self, network: Generator) -> NoiseMaps:
        """The same noise maps for every clip that is drawn, where the network takes any."""
        return network.G_S.noise_maps(1, Draws(torch.Generator(self.device).manual_seed(0)))


def _many_motions(n: int, steps: int, d_m: int) -> np.ndarray:
    return np.random.default_rng(CANONICAL_SEED).standard_normal((n, steps, d_m), np.float32)
