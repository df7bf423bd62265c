"""Head and mouth in the frames of clips: the regions of Table 5.5, for sets on which they can be found."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, UInt8

from mutoscope.data.synthetic.talk_readout import soft_masks
from mutoscope.systems.mintgan.direction_measures import RegionOf

Regions = Literal["none", "talk"]


def head_and_mouth(regions: Regions) -> tuple[RegionOf, RegionOf] | tuple[None, None]:
    """What finds the head and what finds the mouth; the thesis parses faces with a network (BiSeNet).

    Args:
        regions: "talk" goes by the colours of that twin; "none" finds nothing.
    """
    return (None, None) if regions == "none" else (_head_by_colour, _mouth_by_colour)


def _head_by_colour(clips: UInt8[np.ndarray, "n t h w c"]) -> Bool[np.ndarray, "n t h w"]:
    return np.stack([soft_masks(clip)[0] for clip in clips]) > 0.5


def _mouth_by_colour(clips: UInt8[np.ndarray, "n t h w c"]) -> Bool[np.ndarray, "n t h w"]:
    return np.stack([soft_masks(clip)[1] for clip in clips]) > 0.5
