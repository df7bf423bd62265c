"""One folder per system, one file per baseline; none is imported before it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

from mutoscope.errors import InputError

if TYPE_CHECKING:
    from mutoscope.systems.base import System

# name -> (module, class, what it does in a line)
SYSTEMS = {
    "pseudo_label": (
        "mutoscope.systems.pseudo_label",
        "PseudoLabel",
        "learns clips and motion phases from shuffled frames, with a 2-D GAN",
    ),
    "imaginator": (
        "mutoscope.systems.imaginator",
        "ImaGINator",
        "one picture and a label to video, the picture's maps fused in at every level",
    ),
    "g3an": (
        "mutoscope.systems.g3an",
        "G3AN",
        "noise to video through three streams, appearance and motion apart",
    ),
    "mintgan": (
        "mutoscope.systems.mintgan",
        "MintGAN",
        "noise to video along orthogonal directions of motion that one can name and steer",
    ),
    "frgan": (
        "mutoscope.systems.frgan",
        "FRGAN",
        "a picture and the structure of frames to come to video: forecast, then refined",
    ),
    # the methods that papers compare with
    "mocogan": ("mutoscope.baselines.mocogan", "MoCoGAN", "baseline: one content code a clip, a recurrent motion code"),
    "mocogan_picture": (
        "mutoscope.baselines.mocogan_picture",
        "PictureMoCoGAN",
        "baseline: MoCoGAN with the code of a picture for content",
    ),
    "tgan": ("mutoscope.baselines.tgan", "TGAN", "baseline: a temporal generator feeds an image generator; WGAN"),
    "vgan": ("mutoscope.baselines.vgan", "VGAN", "baseline: moving foreground over a still background, in 3-D"),
    "vgan_picture": (
        "mutoscope.baselines.vgan_picture",
        "PictureVGAN",
        "baseline: VGAN with the code of a picture beside its noise",
    ),
    "next_frame": (
        "mutoscope.baselines.next_frame",
        "NextFrame",
        "baseline: the next frame from the last, again and again",
    ),
}


def system_class(name: str) -> "type[System]":
    """The class of a system or baseline, by name.

    Raises:
        InputError: there is no such system; the known ones are listed.
    """
    if name not in SYSTEMS:
        raise InputError(f"{name}: no such system (there are {', '.join(SYSTEMS)})")
    module, cls, _ = SYSTEMS[name]
    return getattr(import_module(module), cls)


def list_systems() -> dict[str, str]:
    """The systems there are, and what each does in a line."""
    return {name: summary for name, (_, _, summary) in SYSTEMS.items()}
