"""Whether labels do what they should: decide the motion, and leave the look alone."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from mutoscope.data import Clips
from mutoscope.data.synthetic.moving_sprite_descriptors import motion_class
from mutoscope.data.synthetic.moving_sprites import MOTIONS
from mutoscope.metrics.anova import variance_shares
from mutoscope.systems.disentanglement import look_descriptors

APPEARANCES = 16


def label_measures(
    clips_of_labels: Callable[[int, int], UInt8[np.ndarray, "a k t h w c"]],
    label_names: list[str],
    clips: Clips,
    seed: int,
) -> dict[str, float]:
    """What labels change.

    Args:
        clips_of_labels: given a number of appearances and a seed, each of them under every label, with a motion
            noise of its own.
        label_names: the labels' names.
        clips: real ones; they decide how looks are described.
        seed: of the noise.

    Returns:
        `look_by_label`: of the variance of looks over appearances and labels, the share that labels decide (0 at best);
        on moving sprites also `label_shown`: the share of clips that move as their label says, as told by rule.
    """
    drawn = clips_of_labels(APPEARANCES, seed)
    looks = look_descriptors(clips, drawn.shape[-1])(drawn.reshape(-1, *drawn.shape[2:]))
    shares = variance_shares(looks.reshape(*drawn.shape[:2], -1))
    measures = {"look_by_label": float(np.nanmean(shares.motion)) if not shares.degenerate.all() else 0.0}
    if clips.name == "moving_sprites" and list(MOTIONS) == label_names:
        shown = motion_class(drawn.reshape(-1, *drawn.shape[2:])).reshape(drawn.shape[:2])
        measures["label_shown"] = float((shown == np.arange(len(label_names))).mean())
    return measures
