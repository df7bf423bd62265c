"""Stick people: coloured bodies that jump, wave, squat, kick, swing and walk on the spot, with all joints known.

The camera and the textured background stand still. A person's proportions and colours are the same in all of that
person's clips; when a motion begins, how fast it goes, how far and to which side is drawn anew for each clip. Light
turns slowly around the torso, and no joint tells where it comes from: a system that draws frames one by one from their
joints cannot know it, and one that sees several frames can.

People face the viewer, so that their left is on the picture's right. All lengths in `People` and `Takes` are in pixels
of a picture 32 pixels wide: a larger picture shows the same scene.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64, UInt8
from torch import Tensor

from mutoscope.data.synthetic import sdf
from mutoscope.data.synthetic.clips import (
    FRAMES_AT_ONCE,
    SyntheticClips,
    draw_in_turn,
    hsv_to_rgb,
    in_every_frame,
    to_frames,
    within,
)
from mutoscope.data.synthetic.stick_motions import MOTIONS, poses
from mutoscope.geometry.skeletons import PENN13

REFERENCE_SIZE = 32
GROUND = 29.5
"""How far down the lower foot stands, unless a jump lifts it."""

PEOPLE_RANGES = {
    "scale": (0.85, 1.0), "trunk": (7.5, 9.0), "neck": (3.8, 4.4), "arm": (7.2, 8.2), "leg": (9.0, 10.0),
    "shoulders": (2.4, 3.2), "hips": (1.3, 1.9), "head": (1.9, 2.5), "thickness": (0.8, 1.2),
    "head_hue": (0.0, 1.0), "torso_hue": (0.0, 1.0), "arms_hue": (0.0, 1.0), "legs_hue": (0.0, 1.0),
}  # fmt: skip
TAKE_RANGES = {
    "x": (14.5, 17.5), "phase": (0.0, 1.0), "period": (10.0, 20.0), "amplitude": (0.7, 1.0), "side": (0.0, 1.0),
    "shade_phase": (0.0, 1.0), "shade_period": (20.0, 40.0),
}  # fmt: skip

BRIGHT, DARK = 1.0, 0.65
"""Brightness of the left and of the right limbs, which so can be told apart."""
LIMB_SATURATION, HEAD_SATURATION, TORSO_SATURATION = 0.85, 0.35, 0.3
SHADOW = 0.25
"""What is left of the torso's brightness where it is darkest."""

NOISE_NODES, PATCHES, PATCH_SIZE = 5, 5, 0.2
"""Grid points of a background's noise on either axis, its rectangles, and the most of half a side (in frames)."""
BACKGROUND_RANGE, BACKGROUND_SATURATION = (0.1, 0.7), 0.5

MIRRORED = 0.5
"""What `side` is below in the half of the clips whose motion goes to the person's right."""
ARM, LEG = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")


class People(NamedTuple):
    """What people look like, one value per person, in pixels of 32 before `scale`.

    Attributes:
        scale: of the whole body, from 0.85 to 1.
        trunk: from between the hips to between the shoulders.
        neck: from there to the middle of the head.
        arm: length of an arm, both parts being equal.
        leg: length of a leg, both parts being equal.
        shoulders: half the distance between them.
        hips: half the distance between them.
        head: its radius.
        thickness: half the width of arms and legs.
        head_hue, torso_hue, arms_hue, legs_hue: in [0, 1).
    """

    scale: Float32[np.ndarray, "n"]
    trunk: Float32[np.ndarray, "n"]
    neck: Float32[np.ndarray, "n"]
    arm: Float32[np.ndarray, "n"]
    leg: Float32[np.ndarray, "n"]
    shoulders: Float32[np.ndarray, "n"]
    hips: Float32[np.ndarray, "n"]
    head: Float32[np.ndarray, "n"]
    thickness: Float32[np.ndarray, "n"]
    head_hue: Float32[np.ndarray, "n"]
    torso_hue: Float32[np.ndarray, "n"]
    arms_hue: Float32[np.ndarray, "n"]
    legs_hue: Float32[np.ndarray, "n"]

    def at(self, rows: slice | Int64[np.ndarray, "m"]) -> "People":
        """Some of the people, or the same ones more often."""
        return People(*(values[rows] for values in self))


class Takes(NamedTuple):
    """How clips go, one value per clip.

    Attributes:
        subject: the number of the person.
        motion: index into `MOTIONS`.
        x: where the person stands, in pixels of 32.
        phase: where in its cycle the motion starts, in [0, 1).
        period: frames per cycle, from 10 to 20.
        amplitude: from 0.7 to 1 of the whole motion.
        side: in [0, 1); below 0.5 the motion is mirrored.
        shade_phase: where the light comes from in frame 0, in turns.
        shade_period: frames in which the light goes once around, from 20 to 40.
    """

    subject: Int64[np.ndarray, "n"]
    motion: Int64[np.ndarray, "n"]
    x: Float32[np.ndarray, "n"]
    phase: Float32[np.ndarray, "n"]
    period: Float32[np.ndarray, "n"]
    amplitude: Float32[np.ndarray, "n"]
    side: Float32[np.ndarray, "n"]
    shade_phase: Float32[np.ndarray, "n"]
    shade_period: Float32[np.ndarray, "n"]


def make_stick_people(
    *, size: int, channels: int, seed: int, max_clips: int | None, subjects: int = 20, takes: int = 1, frames: int = 48
) -> SyntheticClips:
    """Renders moving people; see `make_clips`. First every motion of every person once, then their next takes.

    Args:
        seed: another one gives other people.
        subjects: how many people.
        takes: how often each of them makes each motion.
        frames: frames per clip; a longer clip begins as a shorter one.

    Returns:
        Clips labelled by motion, with a name for each person, and columns `joints` (pixels of the rendered size, in
        Penn Action's order) and `visible` (all are). Factors: the person's number (`identity`), `angle` (of the
        motion's cycle), `shade` (where the light comes from, from the picture's right over down), both in radians and
        growing with time, `period` (frames), `amplitude` and `side` (1, or -1 where mirrored).
    """
    taken = draw_takes(seed, subjects=subjects, takes=takes, max_clips=max_clips)
    people = draw_people(subjects, seed).at(taken.subject)
    count, scale = len(taken.subject), np.float32(size / REFERENCE_SIZE)
    joints = joints_of(people, taken, frames) * scale
    shade = _turning(taken.shade_phase, taken.shade_period, frames)
    background = _draw_backgrounds(count, seed, size)
    side = np.where(taken.side < MIRRORED, -1, 1)
    per_clip = {"identity": taken.subject, "period": taken.period, "amplitude": taken.amplitude, "side": side}
    angle = _turning(taken.phase, taken.period, frames)
    return SyntheticClips(
        clips=render(people, joints, shade, background, channels),
        labels=taken.motion.tolist(),
        label_names=list(MOTIONS),
        factors=in_every_frame(per_clip, frames) | {"angle": angle, "shade": shade},
        subjects=[f"{seed}-{subject:03d}" for subject in taken.subject],
        columns={"joints": joints, "visible": np.ones((count, frames, 13), np.float32)},
        skeleton=PENN13.name,
    )


def draw_people(people: int, seed: int) -> People:
    """Proportions and colours drawn uniformly and independently; fewer people are the first of more."""
    uniform = np.random.default_rng([seed, 0]).random((people, len(PEOPLE_RANGES)), dtype=np.float32)
    return People(**within(PEOPLE_RANGES, uniform))


def draw_takes(seed: int, *, subjects: int, takes: int, max_clips: int | None = None) -> Takes:
    """Takes in the set's order (see `draw_in_turn`)."""
    shape = len(MOTIONS), len(TAKE_RANGES)
    subject, motion, uniform = draw_in_turn([seed, 1], subjects, takes, len(MOTIONS), max_clips, shape, np.float32)
    return Takes(subject, motion, **within(TAKE_RANGES, uniform))


def joints_of(people: People, takes: Takes, frames: int) -> Float32[np.ndarray, "n t 13 2"]:
    """The joints of person i in take i, in Penn Action's order and pixels of 32."""
    angle = _turning(takes.phase, takes.period, frames)
    pose = poses(takes.motion, angle, takes.amplitude, mirrored=takes.side < MIRRORED)
    person = People(*(values[:, None] for values in people))
    places = {}
    for side, sign in (("left", 1), ("right", -1)):
        across = _pointing(np.pi / 2 - pose["lean"], sign * person.shoulders)
        places[f"{side} shoulder"] = _pointing(np.pi - pose["lean"], person.trunk) + across
        places[f"{side} hip"] = _pointing(np.full_like(pose["lean"], np.pi / 2), sign * person.hips)
        for (start, middle, end), upper, lower, length in (
            (ARM, "upper arm", "forearm", person.arm),
            (LEG, "thigh", "shin", person.leg),
        ):
            places[f"{side} {middle}"] = places[f"{side} {start}"] + _pointing(pose[f"{side} {upper}"], length / 2)
            places[f"{side} {end}"] = places[f"{side} {middle}"] + _pointing(pose[f"{side} {lower}"], length / 2)
    places["head"] = _pointing(np.pi - pose["lean"], person.trunk + person.neck)
    joints = np.stack([places[name] for name in PENN13.joints], axis=2) * person.scale[..., None, None]
    lowest = joints[..., 1].max(axis=2)
    hips = np.stack([np.broadcast_to(takes.x[:, None], lowest.shape), GROUND - lowest - pose["jump"]], axis=-1)
    return (joints + hips[:, :, None]).astype(np.float32)


def render(
    people: People,
    joints: Float32[np.ndarray, "n t 13 2"],
    shade: Float32[np.ndarray, "n t"],
    background: Float[Tensor, "n 3 h w"],
    channels: int = 3,
) -> UInt8[np.ndarray, "n t h w c"]:
    """Clips of given people, in front of backgrounds that stand still.

    Args:
        people: who is seen in each clip.
        joints: where, in pixels of the backgrounds and Penn Action's order.
        shade: where the light comes from, in radians from the picture's right over down.
        background: RGB in [0, 1].
        channels: 3 (RGB) or 1.
    """
    count, frames = shade.shape
    pixels = np.empty((count, frames, *background.shape[-2:], channels), np.uint8)
    step = max(FRAMES_AT_ONCE // frames, 1)
    for start in range(0, count, step):
        chunk = slice(start, start + step)
        of_frames = People(*(np.repeat(values[chunk], frames) for values in people))
        canvas = background[chunk].repeat_interleave(frames, dim=0)
        places = torch.from_numpy(joints[chunk]).flatten(0, 1)
        drawn = _draw(canvas, of_frames, places, torch.from_numpy(shade[chunk].ravel()))
        pixels[chunk] = to_frames(drawn, channels).reshape(-1, *pixels.shape[1:])
    return pixels


def _turning(phase: np.ndarray, period: np.ndarray, frames: int) -> Float32[np.ndarray, "n t"]:
    time = np.arange(frames, dtype=np.float32)
    return (2 * np.pi * (phase[:, None] + time / period[:, None])).astype(np.float32)


def _pointing(angle: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Vectors (x, y) of a length, by their angle from straight down towards the picture's right."""
    return np.stack([length * np.sin(angle), length * np.cos(angle)], axis=-1)


def _draw_backgrounds(count: int, seed: int, size: int) -> Float[Tensor, "n 3 h w"]:
    """For each clip smooth noise with a few flat rectangles on it, half see-through, in muted colours."""
    cells = 3 * NOISE_NODES**2
    uniform = np.random.default_rng([seed, 2]).random((count, cells + PATCHES * 7), dtype=np.float32)
    noise, patches = torch.from_numpy(uniform).split([cells, PATCHES * 7], dim=1)
    noise = noise.reshape(count, 3, NOISE_NODES, NOISE_NODES)
    canvas = torch.nn.functional.interpolate(noise, (size, size), mode="bilinear", align_corners=True)
    for patch in patches.reshape(count, PATCHES, 7).unbind(dim=1):
        x, y, half_width, half_height = (patch[:, :4] * size).unbind(dim=1)
        box = sdf.box(sdf.translate(sdf.grid(size, size), x, y), half_width * PATCH_SIZE, half_height * PATCH_SIZE)
        canvas = sdf.paint(canvas, sdf.coverage(box) / 2, patch[:, 4:])
    darkest, brightest = BACKGROUND_RANGE
    grey = canvas.mean(dim=1, keepdim=True)
    return darkest + (brightest - darkest) * torch.lerp(grey, canvas, BACKGROUND_SATURATION)


def _draw(
    canvas: Float[Tensor, "n 3 h w"], people: People, joints: Float[Tensor, "n 13 2"], shade: Float[Tensor, " n"]
) -> Float[Tensor, "n 3 h w"]:
    """One person over each canvas: legs, trunk, arms and head, each over those before it and right before left."""
    size = canvas.shape[-1]
    grid, scale = sdf.grid(size, size), people.scale * np.float32(size / REFERENCE_SIZE)
    at = dict(zip(PENN13.joints, joints.unbind(dim=1), strict=True))
    radius = torch.from_numpy(people.thickness * scale)

    def both_limbs(canvas: Tensor, names: tuple[str, str, str], hue: np.ndarray) -> Tensor:
        for side, value in (("right", DARK), ("left", BRIGHT)):
            start, middle, end = (at[f"{side} {name}"] for name in names)
            shape = sdf.union(sdf.capsule(grid, start, middle, radius), sdf.capsule(grid, middle, end, radius))
            canvas = sdf.paint(canvas, sdf.coverage(shape), _colours(hue, LIMB_SATURATION, value))
        return canvas

    canvas = both_limbs(canvas, LEG, people.legs_hue)
    corners = [at[name] for name in ("left shoulder", "right shoulder", "right hip", "left hip")]
    trunk = sdf.grow(sdf.polygon(grid, torch.stack(corners, dim=1)), radius)
    light = _light(grid, corners, shade)
    colour = _colours(people.torso_hue, TORSO_SATURATION, 1.0)
    canvas = torch.lerp(canvas, colour[:, :, None, None] * light[:, None], sdf.coverage(trunk)[:, None])
    canvas = both_limbs(canvas, ARM, people.arms_hue)
    neck = sdf.capsule(grid, (corners[0] + corners[1]) / 2, at["head"], radius)
    x, y = at["head"].unbind(dim=1)
    head = sdf.circle(sdf.translate(grid, x, y), torch.from_numpy(people.head * scale))
    return sdf.paint(canvas, sdf.coverage(sdf.union(head, neck)), _colours(people.head_hue, HEAD_SATURATION, 0.95))


def _light(grid: sdf.Points, corners: list[Tensor], shade: Float[Tensor, " n"]) -> Float[Tensor, "n h w"]:
    """Brightness in [SHADOW, 1], growing across the trunk towards where the light comes from."""
    x, y = torch.stack(corners).mean(dim=0).unbind(dim=1)
    reach = torch.linalg.vector_norm(corners[0] - corners[2], dim=-1) / 2
    towards = sdf.rotate(sdf.translate(grid, x, y), shade).x / reach[:, None, None]
    return SHADOW + (1 - SHADOW) * ((1 + towards) / 2).clamp(0, 1)


def _colours(hue: Float32[np.ndarray, "n"], saturation: float, value: float) -> Float[Tensor, "n 3"]:
    hues = torch.from_numpy(hue)
    return hsv_to_rgb(hues, saturation, torch.full_like(hues, value))
