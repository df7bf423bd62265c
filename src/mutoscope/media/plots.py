"""Curves as pictures, drawn without a display and without global state."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from mutoscope.media.images import write_image

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a3d9a", "#4d4d4d")  # colour-blind safe


def line_plot(
    path: str | Path | None,
    series: Mapping[str, tuple[Sequence[float], ...] | tuple[np.ndarray, ...]],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
) -> UInt8[np.ndarray, "h w 3"]:
    """Draws labelled curves, with a shaded band where one gives its bounds.

    Args:
        path: Where to write the picture, or None to return it only.
        series: For each label `(x, y)` or `(x, y, low, high)`, all of one length; a gap is NaN.
        title, xlabel, ylabel: Texts; units belong in them.

    Returns:
        An RGB picture of 960×600 pixels.

    Raises:
        InputError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), dpi=150, layout="constrained", facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for index, (label, values) in enumerate(series.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        x, y, *band = values
        marker = "o" if len(x) <= 12 else None
        axes.plot(x, y, color=colour, label=label, linewidth=1.8, marker=marker, markersize=4)
        if band:
            axes.fill_between(x, *band, color=colour, alpha=0.18, linewidth=0)
    _clean(axes, title, xlabel, ylabel)
    if len(series) > 1:
        axes.legend(frameon=False, fontsize=9)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    if path is not None:
        write_image(path, pixels)
    return pixels


def _clean(axes: Any, title: str, xlabel: str, ylabel: str) -> None:
    """Only what helps to read: no box, a faint grid behind the curves, the title on the left."""
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel(xlabel, fontsize=10)
    axes.set_ylabel(ylabel, fontsize=10)
    axes.tick_params(labelsize=9, length=0)
    axes.grid(color="#e5e5e5", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#b0b0b0")
