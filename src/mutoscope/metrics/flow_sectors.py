"""How much a clip moves which way: optical flow on a colour wheel that is cut into sectors.

The measures of thesis chapter 5: strength of motion in a sector (Eqs. 5.6 and 5.9) and in all (Eq. 5.7), and what is
lost when a part of the motion is switched off (Tabs. 5.4 and 5.5). Flow is that of `metrics.motion.flow`: pixels per
frame, x before y, y downwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8

from mutoscope.metrics.motion import DIRECTIONS, flow

FOUR_WAYS = ("up", "right", "left", "down")
"""R_0 to R_3: up is back and down is front for a camera that looks down on a table."""
FRAME_SIDE = 64
"""Side of the frames, in pixels, for which the speeds of a `Wheel` are told."""


class SectorMotion(NamedTuple):
    """Strength of motion, each value from 0 to 1; in a difference of two, from -1 to 1.

    Attributes:
        phi: in each sector, the mean of speed/H over its moving pixels (Eqs. 5.6, 5.9); 0 where there are none.
        Phi: the mean of speed/H over all moving pixels (Eq. 5.7); 0 where there are none.
        per_pixel: in each sector, the same sum over *all* pixels that were looked at, whether they move or not: it
            grows with how much moves as well as with how fast it does.
    """

    phi: Float64[np.ndarray, "sectors"]
    Phi: float
    per_pixel: Float64[np.ndarray, "sectors"]


@dataclass(frozen=True)
class Wheel:
    """A colour wheel: directions are angles, speeds are distances from its centre. One wheel for all that is compared.

    The document gives none of its numbers; those here are choices. Speeds are told for frames of 64 pixels and grow
    with the shorter side of frames.

    Args:
        sectors: 4, `FOUR_WAYS`, or 8, `DIRECTIONS`, all of one width. An angle between two belongs to the next one
            counter-clockwise, so up-right is up.
        H: Speed at the rim, in pixels per frame; what is faster counts as H.
        threshold: Speed above which a pixel moves, in pixels per frame.
        offset: Degrees by which all sectors are turned counter-clockwise; at 0 they are centred on the axes.

    Raises:
        ValueError: `threshold` is negative or not below `H`.
    """

    sectors: Literal[4, 8] = 4
    H: float = 8.0
    threshold: float = 0.5
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < self.H:
            raise ValueError(f"threshold is {self.threshold} and H {self.H}: expected 0 ≤ threshold < H")

    @property
    def names(self) -> tuple[str, ...]:
        """What the sectors are called, in order."""
        return FOUR_WAYS if self.sectors == 4 else DIRECTIONS

    def sector_of(self, vectors: Float32[np.ndarray, "*s 2"]) -> Int64[np.ndarray, "*s"]:
        """The number in `names` of each vector's direction."""
        x, y = np.moveaxis(vectors.astype(np.float64), -1, 0)
        turns = (np.degrees(np.arctan2(-y, x)) - self.offset) / 360
        counter_clockwise = np.floor(turns * self.sectors + 0.5).astype(np.int64) % self.sectors
        return np.array([1, 0, 2, 3])[counter_clockwise] if self.sectors == 4 else counter_clockwise

    def rim(self, height: int, width: int) -> float:
        """H in pixels per frame, for frames of a size."""
        return self.H * min(height, width) / FRAME_SIDE

    def measure(
        self, vectors: Float32[np.ndarray, "t h w 2"], mask: Bool[np.ndarray, "t h w"] | None = None
    ) -> SectorMotion:
        """Strength of motion in a flow, everywhere or only where `mask` is true."""
        speeds = np.hypot(vectors[..., 0], vectors[..., 1], dtype=np.float64) / self.rim(*vectors.shape[1:3])
        region = np.ones(speeds.shape, bool) if mask is None else mask
        moving = region & (speeds > self.threshold / self.H)
        strength, sector = speeds[moving].clip(max=1), self.sector_of(vectors[moving])
        sums = np.bincount(sector, strength, self.sectors)
        pixels = np.bincount(sector, minlength=self.sectors)
        return SectorMotion(
            phi=sums / np.maximum(pixels, 1),
            Phi=float(sums.sum() / max(pixels.sum(), 1)),
            per_pixel=sums / max(region.sum(), 1),
        )

    def measure_clip(
        self, clip: UInt8[np.ndarray, "t h w c"], mask: Bool[np.ndarray, "t h w"] | None = None
    ) -> SectorMotion:
        """Strength of motion in a clip; `mask` has its frames, of which the last has no flow.

        Raises:
            InputError: the clip has fewer than two frames, or frames too small or of other channels.
        """
        return self.measure(flow(clip), None if mask is None else mask[:-1])


class RegionMotion(NamedTuple):
    """Motion of a head and of its mouth (Tab. 5.5), Φ in each region."""

    head: float
    mouth: float

    @property
    def mouth_alone(self) -> float:
        """Φ_mouth − Φ_head: a head that moves takes its mouth along, which is no motion of the mouth."""
        return self.mouth - self.head


def measure_regions(
    vectors: Float32[np.ndarray, "t h w 2"],
    head: Bool[np.ndarray, "t h w"],
    mouth: Bool[np.ndarray, "t h w"],
    wheel: Wheel,
) -> RegionMotion:
    """Φ of a head and a mouth; pixels in both are the mouth's."""
    return RegionMotion(wheel.measure(vectors, head & ~mouth).Phi, wheel.measure(vectors, mouth).Phi)


def mean_motion(clips: Sequence[SectorMotion]) -> SectorMotion:
    """The mean over clips. There is at least one."""
    phi, Phi, per_pixel = zip(*clips, strict=True)
    return SectorMotion(np.mean(phi, axis=0), float(np.mean(Phi)), np.mean(per_pixel, axis=0))


def mean_change(without: Sequence[SectorMotion], full: Sequence[SectorMotion]) -> SectorMotion:
    """Δφ and ΔΦ: clips with something switched off, minus the same clips in full, on average (Tab. 5.4).

    What is negative is motion for which that something was responsible.

    Raises:
        ValueError: there are not as many of one as of the other.
    """
    pairs = zip(without, full, strict=True)
    return mean_motion([SectorMotion(a.phi - b.phi, a.Phi - b.Phi, a.per_pixel - b.per_pixel) for a, b in pairs])


def mean_region_change(without: Sequence[RegionMotion], full: Sequence[RegionMotion]) -> RegionMotion:
    """ΔΦ_head and ΔΦ_mouth (Tab. 5.5), as for `mean_change`.

    Raises:
        ValueError: there are not as many of one as of the other.
    """
    changes = [(a.head - b.head, a.mouth - b.mouth) for a, b in zip(without, full, strict=True)]
    head, mouth = np.mean(changes, axis=0).tolist()
    return RegionMotion(head, mouth)
