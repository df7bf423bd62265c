"""Which joints bodies have in each of the usual orders, what joins them, and how to get from one order to another.

Joints are pixels of a picture, x before y, with their confidence apart: 0 is not seen. Left and right are the person's.

    joints, visible = convert(joints, visible, SKELETONS["body25"], SKELETONS["penn13"])
    picture = draw_skeleton(frame, joints[0], visible[0], SKELETONS["penn13"])
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, UInt8

from mutoscope.errors import InputError


@dataclass(frozen=True)
class Skeleton:
    """An order of joints.

    Attributes:
        name: Key in `SKELETONS`.
        joints: Names of the joints in their order; the same place has the same name in every skeleton.
        limbs: Pairs of numbers of joints that a drawing joins by a line.
        mirrored: For each joint the number of its counterpart on the other side, or its own: the order of the joints of
            a picture's mirror image.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    mirrored: tuple[int, ...]


def convert(
    joints: Float[np.ndarray, "*t k 2"], visible: Float[np.ndarray, "*t k"], source: Skeleton, target: Skeleton
) -> tuple[Float[np.ndarray, "*t m 2"], Float[np.ndarray, "*t m"]]:
    """Joints in another order.

    A joint that the source does not have is, where it can be, the mean of others: the first choice of `FOLLOWS` all of
    whose joints are seen in that frame, as confident as the least confident of them. Otherwise it is
    not seen, and at (0, 0).

    Args:
        joints: In the source's order, pixels or any other unit.
        visible: Confidence in [0, 1], 0 where not seen.
        source: The order they are in.
        target: The order they are to be in.

    Raises:
        InputError: There are not as many joints as the source has.
    """
    if joints.shape[-2] != len(source.joints):
        raise InputError(f"joints: {joints.shape[-2]} in each frame (expected {len(source.joints)}, for {source.name})")
    moved = np.zeros((*joints.shape[:-2], len(target.joints), 2), joints.dtype)
    seen = np.zeros(moved.shape[:-1], visible.dtype)
    for number, name in enumerate(target.joints):
        for parts in ((name,), *FOLLOWS.get(name, ())):
            if not set(parts) <= set(source.joints):
                continue
            of = [source.joints.index(part) for part in parts]
            confidence = visible[..., of].min(axis=-1)
            chosen = (seen[..., number] == 0) & (confidence > 0)
            moved[chosen, number] = joints[..., of, :].mean(axis=-2)[chosen]
            seen[chosen, number] = confidence[chosen]
    return moved, seen


def other_side(name: str) -> str:
    """The name of what is on the other side of the body: "right knee" of "left knee", and "head" of "head"."""
    side, _, place = name.partition(" ")
    return {"left": f"right {place}", "right": f"left {place}"}.get(side, name)


def draw_skeleton(
    frame: UInt8[np.ndarray, "h w 3"],
    joints: Float[np.ndarray, "k 2"],
    visible: Float[np.ndarray, "k"],
    skeleton: Skeleton,
) -> UInt8[np.ndarray, "h w 3"]:
    """A copy of an RGB frame with a coloured line for each limb both of whose ends are seen, and a dot for each joint.

    Args:
        frame: What to draw on.
        joints: In pixels of the frame; they may lie outside.
        visible: Confidence, 0 where not seen.
        skeleton: The joints' order.
    """
    import cv2

    picture = frame.copy()
    seen = (visible > 0) & np.isfinite(joints).all(axis=-1)
    thickness = max(1, round(min(frame.shape[:2]) / 64))
    fraction_bits = 4  # OpenCV takes coordinates in 16ths of a pixel, from the centre of the first one
    centred = np.where(seen[:, None], joints - 0.5, 0).clip(-9999, 9999)
    places = (centred * 2**fraction_bits).round().astype(int).tolist()
    for (start, end), colour in zip(skeleton.limbs, _rainbow(len(skeleton.limbs)), strict=True):
        if seen[start] and seen[end]:
            cv2.line(picture, places[start], places[end], colour, thickness, cv2.LINE_AA, fraction_bits)
    for joint in np.flatnonzero(seen):
        radius = thickness * 2**fraction_bits
        cv2.circle(picture, places[joint], radius, (255, 255, 255), cv2.FILLED, cv2.LINE_AA, fraction_bits)
    return picture


def _rainbow(colours: int) -> list[tuple[int, int, int]]:
    """Bright RGB colours, evenly spread over the hues."""
    import colorsys

    shares = [colorsys.hsv_to_rgb(number / colours, 0.85, 1.0) for number in range(colours)]
    return [(round(red * 255), round(green * 255), round(blue * 255)) for red, green, blue in shares]


def _skeleton(name: str, joints: list[str], chains: list[str]) -> Skeleton:
    """A skeleton whose limbs are the links of chains (`joint - joint - …`), each also drawn on the other side."""
    limbs: dict[frozenset[int], tuple[int, int]] = {}
    for chain in chains:
        for link in pairwise(chain.split(" - ")):
            for start, end in (link, (other_side(link[0]), other_side(link[1]))):
                limb = joints.index(start), joints.index(end)
                limbs.setdefault(frozenset(limb), limb)
    mirrored = tuple(joints.index(other_side(joint)) for joint in joints)
    return Skeleton(name, tuple(joints), tuple(limbs.values()), mirrored)


def _left_right(*places: str) -> list[str]:
    return [f"{side} {place}" for place in places for side in ("left", "right")]


def _all_of(side: str, *places: str) -> list[str]:
    return [f"{side} {place}" for place in places]


_ARM, _LEG = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")
_ARM_CHAIN, _LEG_CHAIN = "left shoulder - left elbow - left wrist", "left hip - left knee - left ankle"
_FACE_CHAIN = "neck - nose - left eye - left ear"

PENN13 = _skeleton(
    "penn13",
    ["head", *_left_right(*_ARM, *_LEG)],
    [
        f"head - {_ARM_CHAIN}",
        f"left shoulder - {_LEG_CHAIN}",
        "left shoulder - right shoulder",
        "left hip - right hip",
    ],
)
"""Penn Action's."""

OPENPOSE18 = _skeleton(
    "openpose18",
    ["nose", "neck", *_all_of("right", *_ARM), *_all_of("left", *_ARM), *_all_of("right", *_LEG),
     *_all_of("left", *_LEG), "right eye", "left eye", "right ear", "left ear"],
    [f"neck - {_ARM_CHAIN}", f"neck - {_LEG_CHAIN}", _FACE_CHAIN],
)  # fmt: skip
"""OpenPose's for COCO."""

BODY25 = _skeleton(
    "body25",
    ["nose", "neck", *_all_of("right", *_ARM), *_all_of("left", *_ARM), "mid hip", *_all_of("right", *_LEG),
     *_all_of("left", *_LEG), "right eye", "left eye", "right ear", "left ear",
     *_all_of("left", "big toe", "small toe", "heel"), *_all_of("right", "big toe", "small toe", "heel")],
    [f"neck - {_ARM_CHAIN}", f"neck - mid hip - {_LEG_CHAIN}", _FACE_CHAIN,
     "left heel - left ankle - left big toe - left small toe"],
)  # fmt: skip
"""OpenPose's with feet."""

H36M32 = _skeleton(
    "h36m32",
    ["mid hip", *_all_of("right", *_LEG, "toes", "toe tip"), *_all_of("left", *_LEG, "toes", "toe tip"),
     "spine base", "spine", "neck", "nose", "crown",
     *_all_of("left", "collar", *_ARM, "thumb base", "thumb", "hand", "hand tip"),
     *_all_of("right", "collar", *_ARM, "thumb base", "thumb", "hand", "hand tip")],
    [f"mid hip - {_LEG_CHAIN} - left toes - left toe tip", "mid hip - spine - neck - nose - crown",
     f"neck - {_ARM_CHAIN} - left hand", "left wrist - left thumb"],
)  # fmt: skip
"""Human3.6M's; the base of the spine, the collars, the bases of the thumbs and the hands' tips repeat other joints."""

MEDIAPIPE33 = _skeleton(
    "mediapipe33",
    ["nose", *_all_of("left", "inner eye", "eye", "outer eye"), *_all_of("right", "inner eye", "eye", "outer eye"),
     *_left_right("ear", "mouth", *_ARM, "little finger", "index finger", "thumb", *_LEG, "heel", "big toe")],
    [f"{_ARM_CHAIN} - left little finger - left index finger - left wrist - left thumb",
     f"left shoulder - {_LEG_CHAIN} - left heel - left big toe - left ankle", "left shoulder - right shoulder",
     "left hip - right hip", "left mouth - right mouth",
     "nose - left inner eye - left eye - left outer eye - left ear"],
)  # fmt: skip
"""MediaPipe Pose's."""

SKELETONS: dict[str, Skeleton] = {
    skeleton.name: skeleton for skeleton in (PENN13, OPENPOSE18, BODY25, H36M32, MEDIAPIPE33)
}

FOLLOWS: dict[str, tuple[tuple[str, ...], ...]] = {
    "head": (("left ear", "right ear"), ("nose", "crown"), ("left eye", "right eye"), ("nose",)),
    "neck": (("left shoulder", "right shoulder"),),
    "mid hip": (("left hip", "right hip"),),
    "spine base": (("mid hip",), ("left hip", "right hip")),
    "spine": (("neck", "mid hip"), ("left shoulder", "right shoulder", "left hip", "right hip")),
    "left collar": (("neck",), ("left shoulder", "right shoulder")),
    "right collar": (("neck",), ("left shoulder", "right shoulder")),
}
"""What a joint is the mean of in a skeleton without it, the best choice first."""
