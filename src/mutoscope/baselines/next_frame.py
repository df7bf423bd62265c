"""Next frame: a small convolutional network that foretells the next frame from the last ones, again and again.

What long forecasts by structure compare with: a predictor that knows nothing of what moves (Zhao et al. 2020, Table 6,
where all methods but the paper's predict recursively). Four frames are seen and sharp edges asked for as in M. Mathieu,
C. Couprie, Y. LeCun, "Deep multi-scale video prediction beyond mean square error", ICLR 2016; instead of pyramids
and an adversary there are a U-Net and a difference from the last frame.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.baselines.video_gan import CLIPS_AT_ONCE, check_at_least
from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.media.images import Frame
from mutoscope.media.results import Replay, Sheet, Video
from mutoscope.media.sheets import contact_sheet
from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.metrics.forecasting import forecast_measures
from mutoscope.systems.base import System
from mutoscope.systems.control import Range, Rate, control
from mutoscope.systems.inputs import Frames, read_frames

WIDTHS = (64, 128, 256, 256)  # channels at full size, a half, a quarter and an eighth
SMALLEST = 1 << (len(WIDTHS) - 1)
ROWS, COLUMNS = 8, 8  # of the sample sheet
GIVEN = 10  # real frames before those that are measured, as in Table 6
MOST_CLIPS, MOST_FRAMES = 64, 120  # clips that are measured, and frames foretold of each
Length = Annotated[int, Range(1, 1000)]
Clip = UInt8[np.ndarray, "_t h w c"]


class Residual(nn.Module):
    """Two convolutions beside a way around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Float[Tensor, "n k h w"]) -> Float[Tensor, "n k h w"]:
        return x + self.layers(x)


class Predictor(nn.Module):
    """G: the last frames to the next one, by a U-Net that draws its difference from the last. Untrained, it copies."""

    def __init__(self, channels: int, given: int, width: float) -> None:
        super().__init__()
        widths = [max(1, round(width * full)) for full in WIDTHS]
        self.inlet = nn.Conv2d(given * channels, widths[0], 3, padding=1)
        self.before = nn.ModuleList(Residual(c) for c in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(c, d, 4, 2, 1) for c, d in pairwise(widths))
        self.bottom = nn.Sequential(Residual(widths[-1]), Residual(widths[-1]))
        self.up = nn.ModuleList(nn.Conv2d(d, c, 3, padding=1) for c, d in pairwise(widths))
        self.after = nn.ModuleList(Residual(c) for c in widths[:-1])
        self.outlet = nn.Conv2d(widths[0], channels, 3, padding=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=0.2)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # there is one
        nn.init.zeros_(self.outlet.weight)

    def forward(self, history: Float[Tensor, "n t c h w"]) -> Float[Tensor, "n c h w"]:
        """The next frame of each history in [-1, 1]; where nothing holds it there, up to 2 beyond."""
        last = history[:, -1:]
        x = self.inlet(torch.cat([history[:, :-1] - last, last], 1).flatten(1, 2))  # where nothing moves, zeros
        skips = []
        for block, down in zip(self.before, self.down, strict=True):
            skips.append(block(x))
            x = down(skips[-1])
        x = self.bottom(x)
        for skip, up, block in reversed(list(zip(skips, self.up, self.after, strict=True))):
            x = block(skip + up(F.interpolate(x, scale_factor=2)))
        return last[:, 0] + 2 * self.outlet(F.leaky_relu(x, 0.2)).tanh()


class NextFrame(System):
    """NextFrame.

    Args:
        given: How many frames are seen before the next one.
        unroll: How many frames in a row are foretold in training, each from those foretold before.
        channels: Colour channels of a frame, 1 or 3.
        image_size: Height and width of a frame in pixels, a multiple of 8.
        frames: Frames of a window in training, at all times of which the next frame is foretold.
        frame_step: Lowest and highest distance between them, in frames of the file.
        width: Multiplier of all hidden widths, which are 64, 128, 256 and 256.
        lambda_gdl: Weight of the gradient difference loss, of the edges (Mathieu et al. 2016, Eq. 6, α = 2).
        lr: Learning rate of Adam.
        betas: Its decay rates.
    """

    name = "next_frame"
    starts_from = "picture"
    needs = ("clip",)
    hold_last = True

    def __init__(
        self,
        *,
        given: int = 4,
        unroll: int = 1,
        channels: int = 3,
        image_size: int = 64,
        frames: int = 16,
        frame_step: tuple[int, int] = (1, 1),
        width: float = 1.0,
        lambda_gdl: float = 1.0,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        super().__init__()
        check_at_least(1, given=given, unroll=unroll, channels=channels)
        check_at_least(0, lambda_gdl=lambda_gdl)
        check_at_least(given + unroll, frames=frames)
        if image_size < SMALLEST or image_size % SMALLEST:
            raise InputError(f"image_size: {image_size} (expected a multiple of {SMALLEST})")
        self.given, self.unroll, self.lambda_gdl = given, unroll, lambda_gdl
        self.channels, self.image_size = channels, image_size
        self.frames, self.frame_step = frames, (frame_step[0], frame_step[1])
        self.adam: dict[str, Any] = {"lr": lr, "betas": (betas[0], betas[1])}
        self.G = Predictor(channels, given, width)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.G.parameters(), fused=True, **self.adam)

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        real = uint8_to_float(batch["clip"])
        stretches = real.unfold(1, self.given + self.unroll, 1).movedim(-1, 2).flatten(0, 1)
        history, future = stretches[:, : self.given], stretches[:, self.given :]

        # squares: absolute errors, whose best guess is the median, settle for a copy where most pixels stand still
        loss_rec = loss_gdl = real.new_zeros(())
        for true in future.unbind(1):
            foretold = self.G(history).float()
            loss_rec = loss_rec + F.mse_loss(foretold, true) / self.unroll
            loss_gdl = loss_gdl + gradient_difference(foretold, true) / self.unroll
            history = torch.cat([history[:, 1:], foretold[:, None]], 1)
        self.descend(self.optimizers(), loss_rec + self.lambda_gdl * loss_gdl)  # type: ignore[arg-type]  # one
        self.losses = {"loss_rec": loss_rec.detach(), "loss_gdl": loss_gdl.detach()}
        self.iteration += 1

    @torch.no_grad()
    def foretell(self, history: Float[Tensor, "n t c h w"]) -> Iterator[Float[Tensor, "n c h w"]]:
        """Frames in [-1, 1] that follow the last of each history, without an end, each from those before."""
        while True:
            frame = self.G(history).float().clamp(-1, 1)
            yield frame
            history = torch.cat([history[:, 1:], frame[:, None]], 1)

    def history_of(self, clip: Clip) -> Float[Tensor, "given c h w"]:
        """The last frames of a clip as G sees them; one with too few has rested on its first before."""
        missing = max(self.given - len(clip), 0)
        return uint8_to_float(np.concatenate([clip[:1]] * missing + [clip[-self.given :]]), self.device)

    def forecasts(self, starts: Sequence[Clip], lengths: Sequence[int]) -> Iterator[Clip]:
        """What follows each of these clips, so many frames of it; made a few clips at a time."""
        for first in range(0, len(starts), CLIPS_AT_ONCE):
            rows = slice(first, first + CLIPS_AT_ONCE)
            history = torch.stack([self.history_of(clip) for clip in starts[rows]])
            foretold = [float_to_uint8(frames) for frames in islice(self.foretell(history), max(lengths[rows]))]
            for i, length in enumerate(lengths[rows]):
                shape = (0, *starts[first + i].shape[1:])
                yield np.stack([frames[i] for frames in foretold[:length]]) if length else np.zeros(shape, np.uint8)

    def follow_clips(self, clips: Clips, given: int = GIVEN) -> Iterator[Clip]:
        """For each real clip its first frames, then as many foretold ones as it has others: for others to refine.

        Args:
            clips: of the system's size and channels.
            given: real frames at the beginning.
        """
        starts = [clips[i].frames[:given] for i in range(len(clips))]
        lengths = [int(length) - len(start) for length, start in zip(clips.lengths, starts, strict=True)]
        for start, foretold in zip(starts, self.forecasts(starts, lengths), strict=True):
            yield np.concatenate([start, foretold])

    def animate_pictures(
        self, pictures: UInt8[np.ndarray, "n h w c"], labels: Sequence[int] | None, *, frames: int, seed: int = 0
    ) -> Iterator[Clip]:
        if labels is not None:
            raise InputError(f"label: {labels[0]} is given, but {self.name} takes none")
        starts = list(pictures[:, None])
        for start, foretold in zip(starts, self.forecasts(starts, [frames - 1] * len(starts)), strict=True):
            yield np.concatenate([start, foretold])

    def sample_clips(self, n: int, *, frames: int, seed: int = 0) -> Iterator[Clip]:
        raise InputError(f"{self.name}: goes on from pictures, it draws none (expected pictures to animate)")

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        """`forecast_measures` of what follows the first ten frames of clips; with `_copy` for the tenth repeated."""
        chosen = [clips[i].frames for i in range(len(clips)) if len(clips[i].frames) > GIVEN][:MOST_CLIPS]
        if not chosen:
            return {}
        starts = [frames[:GIVEN] for frames in chosen]
        real = [frames[GIVEN : GIVEN + MOST_FRAMES] for frames in chosen]
        measures = forecast_measures(list(self.forecasts(starts, [len(frames) for frames in real])), real)
        still = [np.repeat(start[-1:], len(frames), axis=0) for start, frames in zip(starts, real, strict=True)]
        return measures | {f"{name}_copy": value for name, value in forecast_measures(still, real).items()}

    def sample_sheet(self, clips: Clips) -> Sheet:
        count = min(ROWS, len(clips))
        starts = [clips[i * len(clips) // count].frames[: self.given] for i in range(count)]
        was_training = self.training
        try:
            foretold = list(self.eval().forecasts(starts, [self.frames] * count))
        finally:
            self.train(was_training)
        return Sheet(contact_sheet(foretold, COLUMNS), count, min(COLUMNS, self.frames))

    @control
    def animate(self, *, picture: Frames, frames: Length = 32, fps: Rate = 8.0) -> Video:
        """A picture or a video, and how it goes on.

        Args:
            picture: A video, whose last frames say how things move, or a picture, that stands as if it had stood still.
            frames: How many frames are foretold.
            fps: Frames per second.
        """
        start = read_frames(picture, self.image_size, self.channels)

        def shown() -> Iterator[Frame]:
            yield from start
            for foretold in islice(self.foretell(self.history_of(start)[None]), frames):
                yield float_to_uint8(foretold[0])

        return Video(Replay(shown), fps)

    @control
    def sheet(self, *, picture: Frames, frames: Length = 32, columns: Annotated[int, Range(1, 64)] = 8) -> Sheet:
        """How a picture or a video goes on, time from left to right.

        Args:
            picture: As for `animate`.
            frames: How many frames are foretold.
            columns: Frames shown of them.
        """
        start = read_frames(picture, self.image_size, self.channels)
        foretold = list(self.forecasts([start], [frames]))
        return Sheet(contact_sheet(foretold, columns), 1, min(columns, frames))

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # full width
        "paper": {"image_size": 64, "batch_size": 8, "max_steps": 50_000},
        # half the width, for two CPU cores
        "tuned": {"image_size": 64, "width": 0.5, "batch_size": 4, "max_steps": 5000},
        # two minutes on one CPU core; many small steps learn sooner than few large ones
        "tiny": {"image_size": 32, "frames": 8, "width": 0.25, "batch_size": 2, "max_steps": 3000},
    }


def gradient_difference(a: Float[Tensor, "n c h w"], b: Float[Tensor, "n c h w"]) -> Float[Tensor, ""]:
    """Mean squared error of the absolute differences of neighbouring pixels (Mathieu et al. 2016, Eq. 6, α = 2)."""
    return sum((F.mse_loss(a.diff(dim=d).abs(), b.diff(dim=d).abs()) for d in (2, 3)), a.new_zeros(()))
