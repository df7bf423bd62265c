"""What one can do with a trained system: Figs. 1-8 of the paper and the uses its abstract names.

Continuous codes are given in relative units everywhere: -1 and 1 are the ends of the range trained on, 0 is its centre,
values beyond are allowed and saturate (Fig. 5).
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import torch
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.media import sheets
from mutoscope.media.results import Replay, Sheet, Table, Video
from mutoscope.systems.control import Columns, Count, Fps, Scale, Seed, control
from mutoscope.systems.inputs import Frames, read_frames
from mutoscope.systems.parameters import Index, Range
from mutoscope.systems.pseudo_label.codec import Codec, Pixels
from mutoscope.systems.pseudo_label.codes import Play, Segment, line, polyline, shortest_walk

Clip = Annotated[int, Index("n_d"), "Which clip, the value of the discrete pseudo-label."]
Code = Annotated[int, Index("n_c"), "Which continuous code moves."]
SharedSeed = Annotated[Seed, "Seed of the noise, the same for all."]
RealFrames = Annotated[Frames, "A picture, a folder of pictures, a video, a strip, or a .npy of frames."]
Recalibrate = Annotated[bool, "Take D's batch statistics from these frames (on a copy), instead of those of training."]


class PseudoLabelControls(Codec):
    """The controls of `PseudoLabel`."""

    @control
    def sample(
        self,
        *,
        count: Annotated[int, Range(1, 10_000), "Number of frames."] = 64,
        columns: Columns = 8,
        seed: Seed = 0,
    ) -> Sheet:
        """Random frames: noise and both codes drawn as in training.

        Args:
            seed: Seed of all draws.
        """
        return self._sheet(*self.random_codes(count, seed), columns)

    @control
    def sweep(
        self,
        *,
        clip: Clip = 0,
        code: Code = 0,
        start: float = -1.0,
        stop: float = 1.0,
        frames: Count = 16,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """One clip: a continuous code moves from start to stop, everything else stands still (Figs. 1-4).

        Args:
            start: Its first value; -1 and 1 are the ends of the range trained on, values beyond saturate.
            stop: Its last value.
            seed: Seed of the noise: the same clip in another style.
        """
        c = line(self.config.n_c, code, start, stop, frames)
        return self.video(self.noise_of(1, seed), self.one_hot(clip), c, fps)

    @control
    def path(
        self,
        *,
        points: list[list[float]],
        clip: Clip = 0,
        frames: Count = 32,
        play: Play = "once",
        smooth: bool = False,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """One clip along any line through the continuous codes: detours, loops, back and forth.

        Args:
            points: Corners of the line, as [[-1, 0], [1, 0], [1, 1]]: one relative value per continuous code.
            play: Stop at the end (once), come back (ping-pong) or return to the first point (loop).
            smooth: Slow down at the corners.
        """
        c = polyline(points, self.config.n_c, frames, play, smooth)
        return self.video(self.noise_of(1, seed), self.one_hot(clip), c, fps)

    @control
    def clip_switch(self, *, segments: list[Segment], fps: Fps = 8.0, seed: SharedSeed = 0) -> Video:
        """Several clips in a row, each with its own sweep: d switches, c moves.

        Args:
            segments: The stretches, as [{"clip": 0, "frames": 16, "code": 0, "start": -1, "stop": 1}, {"clip": 2}].
        """
        if not segments:
            raise InputError('segments: is empty (expected stretches, as [{"clip": 0}, {"clip": 1}])')
        for s in segments:
            for argument, value, size in (("clip", s.clip, self.config.n_d), ("code", s.code, self.config.n_c)):
                if not 0 <= value < size:
                    raise InputError(f"segments: {argument} {value} is not a number from 0 to {size - 1}")
            if s.frames < 1:
                raise InputError(f"segments: frames {s.frames} is less than 1")
        d = torch.cat([self.one_hot(s.clip, s.frames) for s in segments])
        c = torch.cat([line(self.config.n_c, s.code, s.start, s.stop, s.frames) for s in segments])
        return self.video(self.noise_of(1, seed), d, c, fps)

    @control
    def index_walk(
        self,
        *,
        over: Literal["d", "c", "both"] = "d",
        amplitude: float = 1.0,
        ordered: bool = False,
        hold: Annotated[int, Range(1, 1000)] = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Frame k activates index k of a code: the regular sequences of Fig. 5, row 1.

        Args:
            over: Which code is walked: d, c, or both together (needs as many of one as of the other).
            amplitude: Value of the active index; 1 is as in training, larger values saturate.
            ordered: Visit the indices in the order of `order_indices`, which looks smooth, instead of 0, 1, 2, ...
            hold: Frames per index.
        """
        d, c = self._activated(over, amplitude)
        order = self._order(over, amplitude, samples=16) if ordered else range(len(d))
        rows = [index for index in order for _ in range(hold)]
        return self.video(self.noise_of(1, seed), d[rows], c[rows], fps)

    @control
    def order_indices(
        self, *, over: Literal["d", "c", "both"] = "d", samples: Annotated[int, Range(1, 4096)] = 16
    ) -> Table:
        """An order of the indices in which neighbours look alike: a short walk over their mean frames.

        Args:
            over: Which code's indices: d, c, or both together.
            samples: Draws of the noise that each mean frame is taken over.
        """
        order = self._order(over, 1.0, samples)
        return Table(["place", "index"], [[place, index] for place, index in enumerate(order)])

    @control
    def grid(
        self,
        *,
        code: Code = 0,
        columns: Columns = 10,
        reach: float = 1.0,
        seed: SharedSeed = 0,
    ) -> Sheet:
        """All clips below each other, one continuous code moving from left to right (Figs. 1, 3, 4, 6).

        Args:
            reach: The code moves from -reach to reach; beyond 1 it leaves the range trained on.
        """
        c = line(self.config.n_c, code, -reach, reach, columns).repeat(self.config.n_d, 1)
        d = torch.eye(self.config.n_d).repeat_interleave(columns, 0)
        rows = [f"clip {i}" for i in range(self.config.n_d)]
        return self._sheet(self.noise_of(1, seed), d, c, columns, rows, _values(code, -reach, reach, columns))

    @control
    def codes_grid(self, *, clip: Clip = 0, columns: Columns = 10, seed: SharedSeed = 0) -> Sheet:
        """One clip, every continuous code in a row of its own: what does each of them move?"""
        c = torch.cat([line(self.config.n_c, code, -1, 1, columns) for code in range(self.config.n_c)])
        rows = [f"code {j}" for j in range(self.config.n_c)]
        header = [f"{v:+.1f}" for v in np.linspace(-1, 1, columns)]
        return self._sheet(self.noise_of(1, seed), self.one_hot(clip), c, columns, rows, header)

    @control
    def styles(
        self,
        *,
        clip: Clip = 0,
        code: Code = 0,
        rows: Annotated[int, Range(1, 100)] = 6,
        columns: Columns = 10,
        seed: Seed = 0,
    ) -> Sheet:
        """One sweep under several draws of the noise: what the noise changes and what it leaves.

        Args:
            rows: Draws of the noise, one a row.
            seed: Seed of the draws.
        """
        z = self.noise_of(rows, seed).repeat_interleave(columns, 0)
        c = line(self.config.n_c, code, -1, 1, columns).repeat(rows, 1)
        names = [f"noise {i}" for i in range(rows)]
        return self._sheet(z, self.one_hot(clip), c, columns, names, _values(code, -1, 1, columns))

    @control
    def saturation(
        self,
        *,
        code: Code = 0,
        amplitude: Annotated[float, Range(1, 1000)] = 20.0,
        columns: Annotated[int, Range(2, 100), "Frames in a row."] = 11,
        seed: SharedSeed = 0,
    ) -> Sheet:
        """All clips with a code far outside the range trained on: the end stops of Fig. 5.

        Args:
            amplitude: It moves from -amplitude to amplitude, the steps growing outwards.
        """
        ramp = torch.linspace(-1, 1, columns)
        values = ramp.sign() * ((1 + amplitude) ** ramp.abs() - 1)
        c = torch.zeros(columns, self.config.n_c)
        c[:, code] = values
        d = torch.eye(self.config.n_d).repeat_interleave(columns, 0)
        rows = [f"clip {i}" for i in range(self.config.n_d)]
        header = [f"{v:+.1f}" for v in values.tolist()]
        return self._sheet(self.noise_of(1, seed), d, c.repeat(self.config.n_d, 1), columns, rows, header)

    @control
    def wall(
        self,
        *,
        code: Code = 0,
        frames: Count = 16,
        columns: Columns = 5,
        play: Play = "ping-pong",
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: SharedSeed = 0,
    ) -> Video:
        """All clips moving at once, side by side in one video.

        Args:
            play: Stop at the end (once), come back (ping-pong) or jump back (loop).
        """
        ends = [[0.0] * code + [-1.0], [0.0] * code + [1.0]]
        steps = polyline(ends, self.config.n_c, frames, "ping-pong" if play == "ping-pong" else "once")
        z, d = self.noise_of(1, seed), torch.eye(self.config.n_d)

        def walls() -> Iterator[Pixels]:
            for c in steps:
                yield sheets.grid(list(self.draw_frames(z, d, c[None])), columns, scale=scale)

        return Video(Replay(walls), fps=fps)

    @control
    def authors_sheet(
        self,
        *,
        layout: Literal["discrete", "continuous"] = "discrete",
        amplitude: float = 1.0,
        rows: Annotated[int, Range(1, 100)] = 20,
        seed: Seed = 0,
    ) -> Sheet:
        """The two sheets of the authors' repository, n_d columns wide.

        Args:
            layout: discrete: row i is clip i with a noise of its own and idle codes; continuous: one noise for all, row
                i is clip i while code i (both counted round) moves along the row.
            amplitude: Factor on the codes; the authors also draw with 20.
            rows: Number of rows.
        """
        n = self.config.n_d
        clips = [i % n for i in range(rows) for _ in range(n)]
        if layout == "discrete":
            z, c = self.noise_of(rows, seed).repeat_interleave(n, 0), torch.zeros(rows * n, self.config.n_c)
        else:
            n_c = self.config.n_c
            z, c = self.noise_of(1, seed), torch.cat([line(n_c, i % n_c, -1, 1, n) for i in range(rows)])
        return self._sheet(z, self.one_hot(clips) * amplitude, c * amplitude, n)

    @control
    def label(self, *, frames: RealFrames, recalibrate: Recalibrate = False) -> Table:
        """What D reads from real frames: the clip each belongs to, its place in it, and how real it looks."""
        read = self.read_labels(read_frames(frames, self.config.image_size, self.config.channels), recalibrate)
        columns = ["frame", "clip", "probability", *(f"code_{j}" for j in range(self.config.n_c)), "score"]
        rows = [
            [i, int(k), float(p[k]), *(float(v) for v in c), float(s)]
            for i, (k, p, c, s) in enumerate(zip(*read, strict=True))
        ]
        return Table(columns, rows)

    @control
    def sort_frames(
        self,
        *,
        frames: RealFrames,
        code: Annotated[int | None, Index("n_c")] = None,
        recalibrate: Recalibrate = False,
        fps: Fps = 8.0,
    ) -> Video:
        """Brings shuffled real frames into order: grouped by clip, then along a continuous code.

        Args:
            code: Sort along this code; by default, in each clip, along the one that makes neighbours most alike.
        """
        pixels = read_frames(frames, self.config.image_size, self.config.channels)
        ordered = pixels[self.order_frames(pixels, code, recalibrate)]
        return Video(np.repeat(ordered, 3, axis=-1) if self.config.channels == 1 else ordered, fps=fps)

    @control
    def reanimate(
        self,
        *,
        frame: Frames,
        code: Code = 0,
        stop: float = 1.0,
        frames: Count = 16,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Moves on from a real frame: its clip and place are read, then the code goes on to stop.

        The noise is not read from the frame: what comes out moves as the frame would, but need not look like it.

        Args:
            frame: A picture; of several frames the first is taken.
            code: Which continuous code moves; the others keep what is read.
            stop: Its last value, relative.
        """
        read = self.read_labels(read_frames(frame, self.config.image_size, self.config.channels)[:1])
        c = torch.from_numpy(read.codes).expand(frames, -1).clone()
        c[:, code] = torch.linspace(float(read.codes[0, code]), stop, frames)
        return self.video(self.noise_of(1, seed), self.one_hot(int(read.clip[0])), c, fps)

    def _activated(self, over: str, amplitude: float) -> tuple[Tensor, Tensor]:
        """The codes of an index walk, a row per index; the code not walked over is idle (d: clip 0)."""
        n_d, n_c = self.config.n_d, self.config.n_c
        if over == "both" and n_d != n_c:
            raise InputError(f"over: both needs as many clips as codes, this system has {n_d} and {n_c}")
        n = n_c if over == "c" else n_d
        d = self.one_hot(0, n) if over == "c" else torch.eye(n) * amplitude
        c = torch.zeros(n, n_c) if over == "d" else torch.eye(n) * amplitude
        return d, c

    def _order(self, over: str, amplitude: float, samples: int) -> list[int]:
        d, c = self._activated(over, amplitude)
        z = self.noise_of(samples, seed=0)
        means = [self.synthesise(z=z, d=d[i : i + 1], c=c[i : i + 1]).mean(0) for i in range(len(d))]
        pictures = torch.stack(means).flatten(1).double()
        return shortest_walk(torch.cdist(pictures, pictures).cpu().numpy())

    def _sheet(
        self,
        z: Tensor,
        d: Tensor,
        c: Tensor,
        columns: int,
        rows: list[str] | None = None,
        header: list[str] | None = None,
    ) -> Sheet:
        frames = list(self.draw_frames(z, d, c))
        pixels = sheets.grid(frames, columns, row_labels=rows, column_labels=header)
        return Sheet(pixels, rows=-(-len(frames) // columns), columns=columns)


def _values(code: int, start: float, stop: float, columns: int) -> list[str]:
    return [f"c{code} {v:+.1f}" for v in np.linspace(start, stop, columns)]
