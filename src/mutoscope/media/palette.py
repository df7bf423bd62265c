"""Colours for GIF: a palette of its own for every frame, made and applied while the frames stream."""

from collections.abc import Iterator
from fractions import Fraction

import av
import av.error
import av.filter


class Palettes:
    """Reduces RGB frames to the 256 colours of a GIF, each by its own palette with error-diffusion dither.

    Args:
        height, width: Size of the frames in pixels.
        time_base: Unit of the frames' time stamps in seconds.
    """

    def __init__(self, height: int, width: int, time_base: Fraction) -> None:
        graph = av.filter.Graph()
        source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=time_base)
        split = graph.add("split")
        palette = graph.add("palettegen", "stats_mode=single")
        use = graph.add("paletteuse", "new=1:dither=sierra2_4a")
        sink = graph.add("buffersink")
        source.link_to(split)
        split.link_to(palette, 0, 0)
        palette.link_to(use, 0, 1)
        split.link_to(use, 1, 0)
        use.link_to(sink)
        graph.configure()
        self._graph = graph

    def applied(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """Takes one RGB frame (None: there are no more) and yields the paletted frames that are ready."""
        self._graph.push(frame)
        while True:
            try:
                ready = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(ready, av.VideoFrame)
            yield ready
