"""`open_extractor`: features from their name."""

from pathlib import Path

from mutoscope.errors import InputError
from mutoscope.metrics.extractors import c3d, i3d, inception, resnext
from mutoscope.metrics.extractors.base import Extractor
from mutoscope.metrics.extractors.pixel_pca import PixelPCA
from mutoscope.metrics.extractors.trained import CONFIG_FILE, load_trained_extractor

PIXELS = "pca64-pixels"
STANDARD_NAMES: tuple[str, ...] = (*inception.TAPS, i3d.NAME, *resnext.TAPS, c3d.NAME)
"""Extractors whose weights are published; figures measured with them compare with the literature's."""


def open_extractor(spec: str | Path, device: str = "cpu", file: str | Path | None = None) -> Extractor:
    """An extractor from its name or folder.

    Args:
        spec: a standard name (`STANDARD_NAMES`), `NAME=FILE` with the file of its weights, a folder that
            `TrainedExtractor.save` wrote, or `pca64-pixels`, a `PixelPCA` that must be fitted to real frames first.
        device: where to compute.
        file: the weights of a standard extractor; None looks among torch.hub's checkpoints.

    Raises:
        InputError: nothing has this name (the known ones are listed), or its file is missing or holds something else.
    """
    if (Path(spec) / CONFIG_FILE).is_file():
        return load_trained_extractor(spec, device)
    name, _, named_file = str(spec).partition("=")
    weights = named_file or file
    if name in inception.TAPS:
        return inception.InceptionExtractor(name, weights, device)
    if name == i3d.NAME:
        return i3d.I3DExtractor(weights, device)
    if name in resnext.TAPS:
        return resnext.ResNeXtExtractor(name, weights, device)
    if name == c3d.NAME:
        return c3d.C3DExtractor(weights, device)
    if name == PIXELS:
        return PixelPCA()
    raise InputError(
        f"{spec}: no such extractor (expected {', '.join((*STANDARD_NAMES, PIXELS))}, or a trained folder)"
    )
