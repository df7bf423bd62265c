"""The parts of a toy face: where each lies and how it changes with expression and age, and the 68 landmarks on them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from mutoscope.data.synthetic.face_geometry import Head, Part, Values, line, part, stack
from mutoscope.data.synthetic.face_parameters import YOUNG_ADULT, Expression, Identity

HEAD_HEIGHT = 0.49
"""Where the middle of an average head is, from the picture's upper edge."""
SIDES = np.array([[-1.0], [1.0]])
"""Left and right, to multiply values per frame with."""
NOSE_LIFT = 0.25
"""How far the nose stands out, in radii of the head."""
BEYOND_EARS = 0.15
"""How far above the middle of the head the line of the jaw begins, radians."""


class Face(NamedTuple):
    """All parts, back to front; those that come in pairs or more have a row for each."""

    shirt: Part
    neck: Part
    back_hair: Part
    ears: Part
    earrings: Part
    head: Part
    cheeks: Part
    freckles: Part
    wrinkles: Part
    hair: Part
    forehead: Part
    bridge: Part
    nose: Part
    eyes: Part
    irises: Part
    brows: Part
    mouth: Part
    mouth_inside: Part
    bridge_points: Float[np.ndarray, "n 4 2"]
    jaw_angles: Float[np.ndarray, "n 17"]


def build_faces(who: Identity, does: Expression, age: Float[np.ndarray, "n"]) -> Face:
    """The parts of faces of which every parameter is an array with one value per frame."""
    young, old = childhood(age), old_age(age)
    head = Head(
        x=0.5 + who.offset_x + does.shift_x,
        y=HEAD_HEIGHT + who.offset_y + does.shift_y + 0.04 * np.sin(does.pitch),
        half_width=who.face_width * (1 + 0.05 * young),
        half_height=who.face_height * (1 - 0.08 * young),
        yaw=np.asarray(does.yaw),
        pitch=np.asarray(does.pitch),
        roll=np.asarray(does.roll),
    )
    eye_down = 0.14 * young - 0.06
    nose_down = eye_down + who.nose_length * (1 - 0.2 * young)
    mouth_down = nose_down + 0.3 + 0.04 * young + 0.02 * np.asarray(does.smile)

    eyes, irises, brows = _eyes(head, who, does, eye_down, young)
    mouth, mouth_inside = _mouth(head, who, does, mouth_down, old)
    back_hair, hair, forehead = _hair(head, who, old)
    ears, earrings = _ears(head, who, eye_down + 0.15)
    nose = head.part(0.0, nose_down, who.nose_width, 0.5 * who.nose_width, 0.55 * who.nose_width, lift=NOSE_LIFT)
    bridge_points = _bridge_points(head, eye_down, nose_down)
    return Face(
        shirt=part(0.5 + who.offset_x, 1.02, 0.36, 0.13, 0.3),
        neck=part(head.x, head.y + head.half_height, 0.36 * head.half_width, 0.4 * head.half_height, 0.2),
        back_hair=back_hair,
        ears=ears,
        earrings=earrings,
        head=head.flat_part(0.0, 0.0, head.half_width, head.half_height, _chin(head, does)),
        cheeks=head.part(SIDES * 0.55, eye_down + 0.38, 0.16 * head.half_width, 0.12 * head.half_width),
        freckles=_freckles(head, eye_down),
        wrinkles=_wrinkles(head, eye_down, mouth_down, who.mouth_width / head.half_width),
        hair=hair,
        forehead=forehead,
        bridge=line(bridge_points[:, 0], bridge_points[:, -1], 0.016),
        nose=nose,
        eyes=eyes,
        irises=irises,
        brows=brows,
        mouth=mouth,
        mouth_inside=mouth_inside,
        bridge_points=bridge_points,
        jaw_angles=_jaw_angles(head.yaw),
    )


def childhood(age: Values) -> Values:
    """How childlike a face is: from 1 at age 0 to 0 for a young adult."""
    return np.clip(1 - age / YOUNG_ADULT, 0, 1)


def old_age(age: Values) -> Values:
    """How old a face is: from 0 (up to an age of 0.4) to 1 (at 1)."""
    return np.clip((age - 0.4) / 0.6, 0, 1)


def landmarks_of(face: Face) -> Float32[np.ndarray, "n 68 2"]:
    """The 68 points in the order of iBUG 300-W (and dlib), in shares of the picture's side, x before y."""
    points = [
        face.head.edge(face.jaw_angles),
        *face.brows.edge(np.deg2rad([180, 225, 270, 315, 360])),
        face.bridge_points,
        face.nose.edge(np.deg2rad([170, 130, 90, 50, 10])),
        *face.eyes.edge(np.deg2rad([180, 240, 300, 360, 60, 120])),
        face.mouth.edge(np.deg2rad([180, 210, 240, 270, 300, 330, 0, 30, 60, 90, 120, 150])),
        face.mouth_inside.edge(np.deg2rad([180, 225, 270, 315, 0, 45, 90, 135])),
    ]
    return np.concatenate(points, axis=-2).astype(np.float32)


def _chin(head: Head, does: Expression) -> Values:
    """From the middle of the head to the chin, which falls as the mouth opens."""
    return head.half_height * (1 + 0.12 * np.maximum(does.mouth_open, 0))


def _eyes(head: Head, who: Identity, does: Expression, down: Values, young: Values) -> tuple[Part, Part, Part]:
    """Openings, irises and brows."""
    across = SIDES * who.eye_spacing
    half_width = who.eye_size * (1 + 0.2 * young)
    opened = np.maximum(np.stack([does.eye_left, does.eye_right]), 0)
    half_height = 0.72 * half_width * opened
    eyes = head.part(across, down, half_width, half_height, bend=0.025 * np.clip(opened - 1, -1, 0))
    irises = head.part(across, down, 0.66 * half_width, 0.66 * half_width).moved(
        0.35 * half_width * does.gaze_x, 0.3 * half_width * does.gaze_y
    )
    raised = np.asarray(does.brow_height)
    brows = head.part(
        across,
        down - (1.25 * half_width + 0.03 + 0.035 * raised) / head.half_height,
        1.3 * half_width,
        0.5 * who.brow_thickness,
        bend=-0.022 - 0.01 * raised,
        tilt=SIDES * (0.08 - 0.45 * np.asarray(does.brow_tilt)),
    )
    return eyes, irises, brows


def _mouth(head: Head, who: Identity, does: Expression, down: Values, old: Values) -> tuple[Part, Part]:
    """Both lips together, and what opens between them."""
    opening, spread = np.maximum(does.mouth_open, 0), np.asarray(does.mouth_spread)
    half_width = who.mouth_width * (1 + np.where(spread > 0, 0.3, 0.45) * spread)
    above, below = 0.028 * opening, 0.085 * opening
    bend = 0.075 * np.asarray(does.smile) * (1 - 0.45 * opening)
    lip = who.lip_thickness * (1 - 0.25 * old)
    mouth = head.part(0.0, down, half_width, above + lip, below + lip, bend=bend)
    return mouth, head.part(0.0, down, half_width - lip, above, below, bend=bend)


def _hair(head: Head, who: Identity, old: Values) -> tuple[Part, Part, Part]:
    """Hair behind the head, hair on it, and the opening in which the face is seen; age takes the hairline back."""
    a, b, turn = head.half_width, head.half_height, np.sin(head.yaw)
    volume = b * who.hair_volume
    back = head.flat_part(
        -0.06 * turn, 0.0, a * (1 + 0.1 * who.hair_length) + volume, b + volume, b * (0.3 + 1.3 * who.hair_length)
    )
    cap = head.flat_part(-0.04 * turn, 0.0, a + 0.7 * volume, b + 0.7 * volume, 0.2 * b)

    line_x, line_y = head.point(0.0, -who.hairline - 0.5 * (0.9 - who.hairline) * old)
    x, y = head.flat_point(0.5 * turn, 0.3)
    above = np.cos(head.roll) * (y - line_y) - np.sin(head.roll) * (x - line_x)
    forehead = part(x, y, 0.94 * a, np.maximum(above, 0.02), 1.5 * b, angle=head.roll + who.parting)
    return back, cap, forehead


def _ears(head: Head, who: Identity, down: Values) -> tuple[Part, Part]:
    """Ears, of which the far one sinks behind the head as it turns, and rings below them."""
    across = SIDES * (1 - 0.25 * np.maximum(SIDES * np.sin(head.yaw), 0))
    ears = head.flat_part(across, down, 0.62 * who.ear_size, who.ear_size, who.ear_size)
    ring = 0.018
    return ears, head.flat_part(1.05 * across, down + 1.25 * who.ear_size / head.half_height, ring, ring, ring)


def _bridge_points(head: Head, eye_down: Values, nose_down: Values) -> Float[np.ndarray, "n 4 2"]:
    shares = np.linspace(0, 1, 4)
    points = [head.point(0.0, eye_down + share * (nose_down - eye_down), NOSE_LIFT * share) for share in shares]
    return np.stack([np.stack(point, axis=-1) for point in points], axis=-2)


def _jaw_angles(yaw: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n 17"]:
    """From the left temple under the chin to the right temple; the chin's point turns with the head."""
    along = np.linspace(0, 1, 17)
    return np.pi + BEYOND_EARS - along * (np.pi + 2 * BEYOND_EARS) - 0.6 * yaw[:, None] * np.sin(np.pi * along)


def _freckles(head: Head, eye_down: Values) -> Part:
    size = 0.011
    spots = [(side * across, down) for side in (-1, 1) for across, down in ((0.38, 0.3), (0.5, 0.4), (0.6, 0.28))]
    return stack([head.part(across, eye_down + down, size, size) for across, down in spots])


def _wrinkles(head: Head, eye_down: Values, mouth_down: Values, mouth_across: Values) -> Part:
    """Two lines on the forehead, one beside each eye, one from each side of the nose to beside the mouth."""
    thin, a, b = 0.007, head.half_width, head.half_height
    forehead = [head.part(0.0, eye_down - down, 0.42 * a, thin, bend=-0.02) for down in (0.44, 0.56)]
    beside_eyes = [head.part(side * 0.78, eye_down + 0.08, 0.1 * a, thin, tilt=side * 0.5) for side in (-1, 1)]
    beside_mouth = [
        head.part(side * (mouth_across + 0.06), mouth_down - 0.12, 0.16 * b, thin, bend=0.02, tilt=side * 1.1)
        for side in (-1, 1)
    ]
    return stack(forehead + beside_eyes + beside_mouth)
