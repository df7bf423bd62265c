"""What it has learned: whether its two noises act apart, and whether labels decide the motion but not the look."""

import numpy as np
from jaxtyping import UInt8

from mutoscope.data import Clips
from mutoscope.data.synthetic.moving_sprite_descriptors import motion_class
from mutoscope.data.synthetic.moving_sprites import MOTIONS
from mutoscope.metrics.anova import variance_shares
from mutoscope.systems.disentanglement import disentanglement, look_descriptors
from mutoscope.systems.g3an.system import G3AN
from mutoscope.systems.twin_motion import trajectory_measures

APPEARANCES = 16


def measure(system: G3AN, clips: Clips, seed: int = 0) -> dict[str, float]:
    """What `disentanglement`, `twin_motion` and, of systems with labels, `label_measures` say."""

    def sample_grid(n_a: int, n_m: int, seed: int) -> UInt8[np.ndarray, "a m t h w c"]:
        """Every appearance with every motion (with labels, all of them in turn)."""
        return system.draw_every(system.appearances(n_a, seed), system.motions(n_m, seed), system.labels_in_turn(n_m))

    measures = disentanglement(sample_grid, clips, system.config.frames, seed)
    measures |= trajectory_measures(system, clips, seed)
    if k := len(system.label_names):
        noises = system.appearances(APPEARANCES, seed), system.motions(APPEARANCES, seed)
        z_a, z_m = (z.repeat_interleave(k, 0) for z in noises)
        drawn = np.stack(list(system.draw(z_a, z_m, system.labels_in_turn(APPEARANCES * k))))
        measures |= label_measures(drawn.reshape(-1, k, *drawn.shape[1:]), system.label_names, clips)
    return measures


def label_measures(drawn: UInt8[np.ndarray, "a k t h w c"], label_names: list[str], clips: Clips) -> dict[str, float]:
    """What labels change.

    Args:
        drawn: a number of appearances, each under every label, with a motion noise of its own.
        label_names: the labels' names.
        clips: real ones; where they come from decides how looks are described.

    Returns:
        `look_by_label`: of the variance of looks over appearances and labels, the share that labels decide (0 at best);
        on moving sprites also `label_shown`: the share of clips that move as their label says, as told by rule.
    """
    looks = look_descriptors(clips, drawn.shape[-1])(drawn.reshape(-1, *drawn.shape[2:]))
    shares = variance_shares(looks.reshape(*drawn.shape[:2], -1))
    measures = {"look_by_label": float(np.nanmean(shares.motion)) if not shares.degenerate.all() else 0.0}
    sprites = clips.origin is not None and clips.origin.name == "moving_sprites"
    if sprites and list(MOTIONS) == label_names:
        shown = motion_class(drawn.reshape(-1, *drawn.shape[2:])).reshape(drawn.shape[:2])
        measures["label_shown"] = float((shown == np.arange(len(label_names))).mean())
    return measures
