"""Pictures, videos and sound in and out, uint8 throughout; sheets and plots; what a control returns.

Names are resolved when they are first used: importing this package loads no codec, no torch and no matplotlib.
"""

from importlib import import_module
from typing import Any

_NAMES = {
    "frames": ("FrameSource", "open_frames", "read_clip"),
    "images": ("read_image", "write_image"),
    "video": ("VideoInfo", "VideoWriter", "probe", "write_frames", "write_video"),
    "audio": ("read_audio", "write_audio"),
    "sheets": ("contact_sheet", "grid", "side_by_side"),
    "plots": ("line_plot",),
    "results": ("Arrays", "Image", "Sheet", "Table", "Video", "Videos"),
    "tensors": ("float_to_uint8", "uint8_to_float"),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
