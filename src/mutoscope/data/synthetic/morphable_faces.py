"""Clips of toy morphable faces that show the six basic expressions: the twin for moving a face's expression to another.

Each clip begins and mostly ends at rest; between, the expression rises, stays for a while and falls, each time at
another speed and strength. The head keeps its pose. The face parameters of every frame are handed over as a track.
"""

import numpy as np
import torch
from jaxtyping import Float32, Int64

from mutoscope.data.synthetic.clips import SyntheticClips, draw_in_turn, in_every_frame
from mutoscope.data.synthetic.morphable_people import draw_person, render_person
from mutoscope.geometry.toy_face import EXPRESSION_FIELDS, expression_coefficients, toy_face

EXPRESSIONS = {
    "anger": {"brows down": 1.0, "eye squeeze": 0.3, "corners down": 0.5},
    "disgust": {"eye squeeze": 0.9, "brows down": 0.4, "corners down": 0.6, "mouth open": 0.15},
    "fear": {"mouth open": 0.4, "brows up": 0.8, "eye squeeze": -0.5, "corners down": 0.7},
    "happiness": {"corners up": 1.0, "mouth open": 0.3, "eye squeeze": 0.35},
    "sadness": {"corners down": 1.0, "brows up": 0.3, "brows down": 0.3, "eye squeeze": 0.35},
    "surprise": {"mouth open": 1.0, "brows up": 1.1, "eye squeeze": -0.5},
}
"""How strong each field of the toy face is at the apex."""
STRENGTHS = (0.75, 1.1)
ONSETS = (0.05, 0.25)
"""When the expression begins, as a share of the clip; how long it rises, stays and falls follows."""
RISES = (0.15, 0.35)
HOLDS = (0.05, 0.2)
FALLS = (0.2, 0.4)
VARIATION = 0.2
"""How much each field differs from take to take, as a share of it, either way."""
SCALE = 0.31
"""Pixels per unit of the face, as a share of the picture's side; a clip's own is up to 6% off."""
CENTRE = (0.5, 0.47)
TURNS = (0.12, 0.25, 0.06)
"""How far a clip's head is turned at most: about the axes to the right, upwards, towards the viewer; radians."""
SHIFT = 0.02
NOISES = 5 + len(EXPRESSION_FIELDS) + 6


def make_morphable_faces(
    *, size: int, channels: int, seed: int, max_clips: int | None, subjects: int = 24, takes: int = 1, frames: int = 24
) -> SyntheticClips:
    """Renders toy morphable faces; see `make_clips`. First every expression of every person, then their next takes.

    Args:
        seed: another one gives other people.
        subjects: how many people.
        takes: how often each of them shows each expression.
        frames: frames per clip, equally spaced in time.

    Returns:
        Clips labelled by expression, with a name for each person and the track `face`, the parameters of `toy_face()`
        in pixels of the frames. Factors: the person's number (`identity`), how strong the expression is
        (`intensity`, about 1 at its apex), `strengths` (t 6) of the fields of the toy face, and `landmarks` (t 68 2).
    """
    motions = len(EXPRESSIONS)
    subject, label, noise = draw_in_turn([seed, 1], subjects, takes, motions, max_clips, (motions, NOISES), np.float64)
    people = [draw_person(seed, number) for number in range(int(subject.max()) + 1)]
    intensity = _courses(noise[:, :5], frames)
    strengths = intensity[..., None] * _apexes(label, noise[:, 5:11])[:, None]
    per_clip = {"identity": np.stack([people[who].identity for who in subject]), "pose": _poses(noise[:, 11:], size)}
    held = in_every_frame(per_clip, frames)
    tracks = np.concatenate([held["identity"], expression_coefficients(strengths), held["pose"]], axis=-1)
    tracks = tracks.astype(np.float32)
    model = toy_face().landmark_model()
    pixels = np.empty((len(subject), frames, size, size, channels), np.uint8)
    for clip, who, track in zip(pixels, subject, tracks, strict=True):
        clip[:] = render_person(people[who], track, size, channels)
    return SyntheticClips(
        clips=pixels,
        labels=label.tolist(),
        label_names=list(EXPRESSIONS),
        factors=in_every_frame({"identity": subject}, frames)
        | {
            "intensity": intensity,
            "strengths": strengths.astype(np.float32),
            "landmarks": np.stack([model.posed(torch.from_numpy(track))[..., :2].numpy() for track in tracks]),
        },
        subjects=[f"{seed}-{who:03d}" for who in subject],
        columns={"face": tracks},
    )


def _courses(noise: np.ndarray, frames: int) -> Float32[np.ndarray, "n t"]:
    """How strong expressions are, frame by frame; 0 in the first."""
    limits = np.array([STRENGTHS, ONSETS, RISES, HOLDS, FALLS])
    strength, onset, rise, hold, fall = (limits[:, 0] + np.ptp(limits, axis=1) * noise).T[..., None]
    time = np.arange(frames) / max(frames - 1, 1)
    rising = np.clip((time - onset) / rise, 0, 1)
    falling = np.clip((time - onset - rise - hold) / fall, 0, 1)
    return (strength * (_smooth(rising) - _smooth(falling))).astype(np.float32)


def _apexes(label: Int64[np.ndarray, "n"], noise: np.ndarray) -> np.ndarray:
    """The strengths of the fields at the apex of each clip."""
    apexes = [[fields.get(name, 0.0) for name in EXPRESSION_FIELDS] for fields in EXPRESSIONS.values()]
    return np.array(apexes)[label] * (1 + VARIATION * (2 * noise - 1))


def _poses(noise: np.ndarray, size: int) -> np.ndarray:
    """Scale, rotation and translation of each clip, in pixels."""
    off = 2 * noise - 1
    return np.column_stack(
        [SCALE * size * (1 + 0.06 * off[:, :1]), np.array(TURNS) * off[:, 1:4], (CENTRE + SHIFT * off[:, 4:]) * size]
    )


def _smooth(share: np.ndarray) -> np.ndarray:
    """From 0 to 1 without a jerk."""
    return share**2 * (3 - 2 * share)
