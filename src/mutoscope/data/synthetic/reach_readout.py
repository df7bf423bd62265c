"""Reading the gripper's place off `reach` frames by its colour: for generated clips, whose truth nobody knows.

Noise, blur and somewhat wrong colours of half-trained generators change the figures a little.
"""

import numpy as np
from jaxtyping import UInt8

from mutoscope.data.synthetic.soft_masks import Spot, locate, ramp, smooth_colours

MAGENTA_EDGE = (0.2, 0.8)
"""From which to which magenta (what red and blue both have more than green) a pixel turns into gripper, of 1."""

LEAST_SHARE = 0.004
"""A gripper takes 2 % of the picture: about a fifth of it must be there."""

MOST_SPREAD = 0.15
"""Magenta that is farther apart, in sides of the picture, is no gripper (whose spread is 0.06)."""


def read_reach(clips: UInt8[np.ndarray, "n t h w c"]) -> Spot:
    """The gripper's place in each frame of clips ("n t"); found is what has enough magenta, in one place.

    Args:
        clips: RGB, real or generated, of any size.

    Raises:
        InputError: the clips have no three channels.
    """
    state = Spot(*(np.empty(clips.shape[:2], dtype) for dtype in (np.float32, np.float32, np.bool_)))
    for index, clip in enumerate(clips):
        red, green, blue = np.moveaxis(smooth_colours(clip), -1, 0)
        mask = ramp(np.minimum(red, blue) - green, MAGENTA_EDGE)
        spot = locate(mask, least_share=LEAST_SHARE, most_spread=MOST_SPREAD)
        state.x[index], state.y[index], state.found[index] = spot
    return state
