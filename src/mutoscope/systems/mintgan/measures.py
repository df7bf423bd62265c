"""What a trained system's directions do on the twins, read off its clips exactly (section 12 of the specification)."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from mutoscope.data import Clips
from mutoscope.data.synthetic import readers_of
from mutoscope.metrics.flow_sectors import Wheel
from mutoscope.systems.mintgan.drawing import Basis
from mutoscope.systems.mintgan.system import MintGAN
from mutoscope.systems.twin_motion import MotionReader, courses, trajectory_measures

CLIPS = 64
CANDIDATES = 8
"""So many directions, those of the largest variance, are switched off one by one."""
CYCLES = 1.5
AMPLITUDE = 2.0
"""Of the sine that drives a direction, in deviations of its magnitudes."""

Batch = UInt8[np.ndarray, "n t h w c"]
States = dict[str, Float64[np.ndarray, "m t"]]


def sideways(states: States) -> float:
    """How much the gripper's speed along x varies, pixels a frame."""
    return float(np.diff(states["x"]).std())


def downwards(states: States) -> float:
    """How fast the gripper goes steadily along y, either way, pixels a frame."""
    return float(np.abs(np.diff(states["y"]).mean(1)).mean())


def head_speed(states: States) -> float:
    """How fast the head moves, pixels a frame."""
    return float(np.hypot(np.diff(states["x"]), np.diff(states["y"])).mean())


def mouth_speed(states: States) -> float:
    """How fast the mouth's area changes, square pixels a frame."""
    return float(np.abs(np.diff(states["mouth"])).mean())


Factors = dict[str, Callable[[States], float]]
ARM: Factors = {"sideways": sideways, "downwards": downwards}
FACTORS: dict[str, Factors] = {
    "reach": ARM,
    "reach_one_table": ARM,
    "talk": {"head": head_speed, "mouth": mouth_speed},
}
"""The two kinds of motion in each twin, independent of each other in the data."""
ARM_WAYS = {"sideways": [1, 2], "downwards": [0, 3]}
WAYS = {"reach": ARM_WAYS, "reach_one_table": ARM_WAYS}
"""The sectors of the flow wheel (`FOUR_WAYS`) that each kind of motion goes."""
ARM_DRIVEN = ("sideways", "x", "y")
DRIVEN = {"reach": ARM_DRIVEN, "reach_one_table": ARM_DRIVEN, "talk": ("mouth", "mouth", "x")}
"""The factor whose direction is driven, the quantity that must follow, and the one that must rest."""


def measure(system: MintGAN, clips: Clips, seed: int = 0) -> dict[str, float]:
    """All there is to measure of these clips.

    Returns:
        `ftd`, … (see `trajectory_measures`); `variance_share`: the share of the variance of all magnitudes in the
        direction that has most, and `variance_share / mean`: the same over 1 / N; on a twin, for either basis,
        `<basis>: <factor> removed`: by what share a kind of motion falls when the direction that removes most of it is
        switched off, and `…, <other> too`: by what share the other kind falls then; `… flow names <factor> alike`: 1 if
        optical flow finds the same direction to remove most of it; `… follows a sine`: correlation of what a sine
        drives with its integral, averaged over clips, and `… moves too`: range of another quantity meanwhile, over its
        range in ordinary clips.
    """
    measures = trajectory_measures(system, clips, seed)
    if system.G.bank is None:
        return measures
    share = concentration(system, "dictionary")
    measures |= {"variance_share": share, "variance_share / mean": share * system.config.N}
    read = readers_of(clips.origin).motion
    if clips.origin is None or clips.origin.name not in FACTORS or read is None or system.config.channels != 3:
        return measures
    for basis in ("dictionary", "canonical") if system.config.motion_bank != "free" else ("dictionary",):
        measures |= attribution(system, clips.origin.name, read, basis, seed)
    return measures


def concentration(system: MintGAN, basis: Basis) -> float:
    """The share of the direction with the largest variance in that of all."""
    variance = system.in_basis(system.sampled_magnitudes(), basis).flatten(0, 1).var(0)
    return float(variance.max() / variance.sum())


def attribution(system: MintGAN, data: str, read: MotionReader, basis: Basis, seed: int = 0) -> dict[str, float]:
    """What the strongest directions of a basis remove, and what driving one of them does (see `measure`).

    Args:
        system: whose directions they are.
        data: the twin, a key of `FACTORS`.
        read: of the twin's motion.
        basis: which directions.
        seed: of the clips.
    """
    codes = system.latents(system.appearances(CLIPS, seed), system.motions(CLIPS, seed))
    coordinates = system.in_basis(codes.A, basis)

    def drawn(steps: Tensor) -> np.ndarray:
        return np.stack(list(system.draw(system.path(codes.w_0, steps, basis))))

    spread = coordinates.flatten(0, 1).std(0)
    strongest = spread.argsort(descending=True)[:CANDIDATES].tolist()
    whole = drawn(coordinates)
    without = [drawn(_switched_off(coordinates, direction)) for direction in strongest]
    ordinary, *lacking = (courses(clips, read).states for clips in (whole, *without))
    removed = {
        name: np.array([1 - strength(states) / strength(ordinary) for states in lacking])
        for name, strength in FACTORS[data].items()
    }
    measures: dict[str, float] = {}
    for name, other in zip(removed, reversed(list(removed)), strict=True):
        best = int(removed[name].argmax())
        measures |= {
            f"{basis}: {name} removed": float(removed[name][best]),
            f"{basis}: {name} removed, {other} too": float(removed[other][best]),
        }
    if data in WAYS:
        by_flow = flow_removed_by_each(whole, without)
        for name, ways in WAYS[data].items():
            agrees = by_flow[:, ways].sum(1).argmax() == removed[name].argmax()
            measures[f"{basis}: flow names {name} alike"] = float(agrees)

    driven, follows, rests = DRIVEN[data]
    direction = strongest[int(removed[driven].argmax())]
    steps = torch.zeros_like(coordinates)
    times = torch.arange(coordinates.shape[1], device=coordinates.device)
    steps[..., direction] = AMPLITUDE * spread[direction] * (2 * torch.pi * CYCLES * times / len(times)).sin()
    course = np.concatenate([[0], steps[0, :, direction].cumsum(0).cpu().numpy()])
    steered = courses(drawn(steps), read).states
    ranges = [float(np.ptp(states[rests], axis=1).mean()) for states in (steered, ordinary)]
    return measures | {
        f"{basis}: {follows} follows a sine": abs(_mean_correlation(steered[follows], course)),
        f"{basis}: {rests} moves too": ranges[0] / ranges[1],
    }


def flow_removed_by_each(whole: Batch, without: Sequence[Batch]) -> Float64[np.ndarray, "k 4"]:
    """How much less optical flow there is each of four ways, summed over all pixels."""
    wheel = Wheel()
    full, *lacking = (np.mean([wheel.measure_clip(clip).per_pixel for clip in clips], 0) for clips in (whole, *without))
    return np.stack([full - each for each in lacking])


def _switched_off(coordinates: Float[Tensor, "n s N"], direction: int) -> Float[Tensor, "n s N"]:
    kept = coordinates.clone()
    kept[..., direction] = 0
    return kept


def _mean_correlation(rows: Float64[np.ndarray, "m t"], course: Float64[np.ndarray, "t"]) -> float:
    """Of each row with the course, averaged; 0 for rows that stand still."""
    rows = rows - rows.mean(1, keepdims=True)
    course = course - course.mean()
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(course)
    return float(np.divide(rows @ course, norms, out=np.zeros(len(rows)), where=norms > 0).mean()) if len(rows) else 0.0
