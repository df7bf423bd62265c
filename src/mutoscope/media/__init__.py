"""Pictures, videos and sound in and out, uint8 throughout; sheets and plots; what a control returns.

Names are resolved when they are first used: importing this package loads no codec, no torch and no matplotlib.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "FrameSource": "frames",
    "open_frames": "frames",
    "read_clip": "frames",
    "read_image": "images",
    "write_image": "images",
    "VideoInfo": "video",
    "VideoWriter": "video",
    "probe": "video",
    "write_frames": "video",
    "write_video": "video",
    "read_audio": "audio",
    "write_audio": "audio",
    "contact_sheet": "sheets",
    "grid": "sheets",
    "side_by_side": "sheets",
    "line_plot": "plots",
    "Arrays": "results",
    "Image": "results",
    "Sheet": "results",
    "Table": "results",
    "Video": "results",
    "Videos": "results",
    "float_to_uint8": "tensors",
    "uint8_to_float": "tensors",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
