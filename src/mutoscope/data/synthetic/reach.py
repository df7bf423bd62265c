"""Reach: a robot's arm over a textured table, in place of the BAIR robot pushing videos.

A grey bar hangs from the top edge and carries a magenta gripper, whose centre swings far from side to side while it
goes slowly down or, less often, up:

    x_t = x_0 + a sin(omega t + phase),    y_t = y_0 + v t

The table and the blocks on it stand still, and everything is drawn independently of everything else. No hue but the
gripper's lies between blue and red, so that it can be found by its colour (`reach_readout`): nothing else has more of
both red and blue than of green, but for a little where something red meets something blue.

All lengths in `Appearance`, `Motion` and `Course` are in pixels of a picture 32 pixels wide: a larger picture shows the
same scene.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64, UInt8
from torch import Tensor

from mutoscope.data.synthetic import sdf
from mutoscope.data.synthetic.clips import FRAMES_AT_ONCE, SyntheticClips, hsv_to_rgb, in_every_frame, to_frames, within
from mutoscope.errors import InputError

REFERENCE_SIZE = 32

GRIPPER, ARM = (1.0, 0.0, 1.0), (0.15, 0.15, 0.17)
GRIPPER_HALF_WIDTH, GRIPPER_HALF_HEIGHT, ARM_HALF_WIDTH = 2.5, 2.0, 1.25
BLOCK_SATURATION, BLOCK_VALUE, TABLE_SATURATION = 0.75, 0.9, 0.4
WAVE_HEIGHT = 0.08
"""By how much each of the two waves of a table's texture lightens and darkens it."""

MOST_BLOCKS = 2
LAST_HUE = 2 / 3
"""Hues run from red (0) over green to blue, and leave out what lies between blue and red."""

TABLE_RANGES = {
    "hue": (0.0, LAST_HUE), "value": (0.45, 0.7),
    "wave_angle": (0.0, np.pi), "wave_cycles": (0.5, 1.5), "wave_phase": (0.0, 2 * np.pi),
    "grain_angle": (0.0, np.pi), "grain_cycles": (3.0, 5.0), "grain_phase": (0.0, 2 * np.pi),
}  # fmt: skip
BLOCK_RANGES = {"x": (3.0, 29.0), "y": (3.0, 29.0), "half_side": (1.8, 3.2), "hue": (0.0, LAST_HUE)}
MOTION_RANGES = {
    "x_0": (12.0, 20.0), "a": (4.0, 9.0), "omega": (0.75 * 2 * np.pi / 16, 1.5 * 2 * np.pi / 16),
    "phase": (0.0, 2 * np.pi), "y_0": (9.0, 23.0), "v": (0.1, 0.4),
}  # fmt: skip
HIGHEST, LOWEST = 3.0, 29.0
"""Where the gripper turns back; it does not get there within 16 frames."""

DOWNWARDS = 0.85
"""The share of clips whose gripper goes down."""


class Table(NamedTuple):
    """What tables look like, one value per table: a colour, lighter and darker in two plane waves.

    Attributes:
        hue: in [0, 2/3].
        value: mean brightness, from 0.45 to 0.7.
        wave_angle: where the broad wave goes, in radians from the x axis.
        wave_cycles: of the broad wave per side of the picture, from 0.5 to 1.5.
        wave_phase: in radians.
        grain_angle: of the fine wave.
        grain_cycles: from 3 to 5.
        grain_phase: in radians.
    """

    hue: Float32[np.ndarray, "n"]
    value: Float32[np.ndarray, "n"]
    wave_angle: Float32[np.ndarray, "n"]
    wave_cycles: Float32[np.ndarray, "n"]
    wave_phase: Float32[np.ndarray, "n"]
    grain_angle: Float32[np.ndarray, "n"]
    grain_cycles: Float32[np.ndarray, "n"]
    grain_phase: Float32[np.ndarray, "n"]

    def at(self, rows: slice | Int64[np.ndarray, "m"]) -> "Table":
        """Some of the tables."""
        return Table(*(values[rows] for values in self))


class Appearance(NamedTuple):
    """What clips show, the same in all of a clip's frames.

    Attributes:
        table: what is behind everything.
        blocks: how many blocks lie on the table, 0 to 2; the others of each clip's two are not drawn.
        x: of the blocks' centres, in pixels of 32.
        y: of the blocks' centres.
        half_side: of the blocks, from 1.8 to 3.2 pixels of 32.
        hue: of the blocks, in [0, 2/3].
    """

    table: Table
    blocks: Int64[np.ndarray, "n"]
    x: Float32[np.ndarray, "n 2"]
    y: Float32[np.ndarray, "n 2"]
    half_side: Float32[np.ndarray, "n 2"]
    hue: Float32[np.ndarray, "n 2"]

    def at(self, rows: slice | Int64[np.ndarray, "m"]) -> "Appearance":
        """The appearance of some of the clips."""
        return Appearance(
            self.table.at(rows), self.blocks[rows], self.x[rows], self.y[rows], self.half_side[rows], self.hue[rows]
        )


class Motion(NamedTuple):
    """How grippers move, one value per clip, in pixels of 32 and radians.

    Attributes:
        x_0: the middle of the swing, from 12 to 20.
        a: how far it swings to either side, from 4 to 9.
        omega: radians per frame; 16 frames hold 0.75 to 1.5 swings.
        phase: of the swing in frame 0.
        y_0: height in frame 0, from 9 to 23.
        v: pixels per frame, from 0.1 to 0.4 downwards or, in 15 % of the clips, upwards (negative).
    """

    x_0: Float32[np.ndarray, "n"]
    a: Float32[np.ndarray, "n"]
    omega: Float32[np.ndarray, "n"]
    phase: Float32[np.ndarray, "n"]
    y_0: Float32[np.ndarray, "n"]
    v: Float32[np.ndarray, "n"]


class Course(NamedTuple):
    """The centre of the gripper in each frame, in pixels of 32."""

    x: Float32[np.ndarray, "n t"]
    y: Float32[np.ndarray, "n t"]


def make_reach(
    *,
    size: int,
    channels: int,
    seed: int,
    max_clips: int | None,
    clips: int = 4000,
    frames: int = 16,
    backgrounds: int = 0,
) -> SyntheticClips:
    """Renders a reaching arm; see `make_clips`.

    Args:
        clips: how many clips.
        frames: frames per clip; a longer clip begins as a shorter one.
        backgrounds: 0 for a table of its own in each clip; n for one of n tables, the same ones whatever the seed.

    Returns:
        Clips of the only class, "reach". Factors: the gripper's `x` and `y` in each frame and the fields of `Motion`
        (pixels of the rendered size, frames, radians), the number of `blocks` and the table's `background_hue`.

    Raises:
        InputError: `backgrounds` is negative.
    """
    appearance, motion = draw_factors(min(clips, max_clips or clips), seed, backgrounds)
    course, scale = course_of(motion, frames), np.float32(size / REFERENCE_SIZE)
    lengths = {name: getattr(motion, name) * scale for name in ("x_0", "a", "y_0", "v")}
    per_clip = motion._asdict() | lengths | {"blocks": appearance.blocks, "background_hue": appearance.table.hue}
    factors = in_every_frame(per_clip, frames) | {"x": course.x * scale, "y": course.y * scale}
    pixels = render(appearance, motion, size=size, frames=frames, channels=channels)
    return SyntheticClips(pixels, labels=[0] * len(pixels), label_names=["reach"], factors=factors)


def draw_factors(clips: int, seed: int, backgrounds: int = 0) -> tuple[Appearance, Motion]:
    """Factors drawn uniformly and independently of each other; fewer clips are the first of more.

    See `make_reach` for `backgrounds`.
    """
    if backgrounds < 0:
        raise InputError(f"reach: backgrounds is {backgrounds} (expected at least 0)")
    uniform = np.random.default_rng(seed).random((clips, 3 + len(MOTION_RANGES)), dtype=np.float32)
    upwards, shown, blocks = uniform[:, 0] >= DOWNWARDS, uniform[:, 1], uniform[:, 2]
    motion = Motion(**within(MOTION_RANGES, uniform[:, 3:]))
    of_tables = np.random.default_rng([0 if backgrounds else seed, 1])
    shape = (backgrounds or clips, len(TABLE_RANGES))
    tables = Table(**within(TABLE_RANGES, of_tables.random(shape, dtype=np.float32)))
    lying = np.random.default_rng([seed, 2]).random((clips, MOST_BLOCKS, len(BLOCK_RANGES)), dtype=np.float32)
    appearance = Appearance(
        table=tables.at((shown * backgrounds).astype(np.int64)) if backgrounds else tables,
        blocks=(blocks * (MOST_BLOCKS + 1)).astype(np.int64),
        **within(BLOCK_RANGES, lying),
    )
    return appearance, motion._replace(v=np.where(upwards, -motion.v, motion.v))


def course_of(motion: Motion, frames: int) -> Course:
    """The course of each gripper, the same for every appearance."""
    time = np.arange(frames, dtype=np.float32)
    x_0, a, omega, phase, y_0, v = (values[:, None] for values in motion)
    span = LOWEST - HIGHEST
    y = LOWEST - np.abs(span - (y_0 + v * time - HIGHEST) % (2 * span))
    return Course(x=(x_0 + a * np.sin(omega * time + phase)).astype(np.float32), y=y.astype(np.float32))


def render(
    appearance: Appearance, motion: Motion, *, size: int = REFERENCE_SIZE, frames: int = 16, channels: int = 3
) -> UInt8[np.ndarray, "n t h w c"]:
    """Clips of given factors; look i moves in manner i."""
    scale, count = size / REFERENCE_SIZE, len(appearance.blocks)
    course = course_of(motion, frames)
    pixels = np.empty((count, frames, size, size, channels), np.uint8)
    step = max(FRAMES_AT_ONCE // frames, 1)
    for start in range(0, count, step):
        chunk = slice(start, start + step)
        x, y = (torch.from_numpy(values[chunk].ravel() * np.float32(scale)) for values in course)
        canvas = _draw_still(appearance.at(chunk), size).repeat_interleave(frames, dim=0)
        pixels[chunk] = to_frames(_draw_arm(canvas, x, y), channels).reshape(-1, *pixels.shape[1:])
    return pixels


def _draw_still(appearance: Appearance, size: int) -> Float[Tensor, "n 3 h w"]:
    """Tables with their blocks, without the arm."""
    scale, grid = size / REFERENCE_SIZE, sdf.grid(size, size)
    canvas = _draw_table(appearance.table, grid, size)
    for block in range(MOST_BLOCKS):
        x, y, half = (
            torch.from_numpy(values[:, block] * np.float32(scale))
            for values in (appearance.x, appearance.y, appearance.half_side)
        )
        cover = sdf.coverage(sdf.box(sdf.translate(grid, x, y), half, half))
        shown = torch.from_numpy(appearance.blocks > block)[:, None, None]
        hue = torch.from_numpy(np.ascontiguousarray(appearance.hue[:, block]))
        canvas = sdf.paint(canvas, cover * shown, hsv_to_rgb(hue, BLOCK_SATURATION, torch.full_like(hue, BLOCK_VALUE)))
    return canvas


def _draw_table(table: Table, grid: sdf.Points, size: int) -> Float[Tensor, "n 3 h w"]:
    waves = (
        (table.wave_angle, table.wave_cycles, table.wave_phase),
        (table.grain_angle, table.grain_cycles, table.grain_phase),
    )
    light = torch.from_numpy(table.value)[:, None, None]
    for wave in waves:
        angle, cycles, phase = (torch.from_numpy(values)[:, None, None] for values in wave)
        along = (torch.cos(angle) * grid.x + torch.sin(angle) * grid.y) / size
        light = light + WAVE_HEIGHT * torch.cos(2 * np.pi * cycles * along + phase)
    hue = torch.from_numpy(table.hue)
    return hsv_to_rgb(hue, TABLE_SATURATION, torch.ones_like(hue))[:, :, None, None] * light[:, None]


def _draw_arm(
    canvas: Float[Tensor, "n 3 h w"], x: Float[Tensor, " n"], y: Float[Tensor, " n"]
) -> Float[Tensor, "n 3 h w"]:
    """The canvas with the bar from the top edge to the gripper, and the gripper, at (x, y) in pixels, over it."""
    size = canvas.shape[-1]
    scale, grid = size / REFERENCE_SIZE, sdf.grid(size, size)
    bar = sdf.box(sdf.translate(grid, x, torch.zeros_like(y)), ARM_HALF_WIDTH * scale, y)
    gripper = sdf.box(sdf.translate(grid, x, y), GRIPPER_HALF_WIDTH * scale, GRIPPER_HALF_HEIGHT * scale)
    canvas = sdf.paint(canvas, sdf.coverage(bar), canvas.new_tensor(ARM))
    return sdf.paint(canvas, sdf.coverage(gripper), canvas.new_tensor(GRIPPER))
