"""Next frame: a small convolutional network that foretells the next frame from the last ones, again and again.

What long forecasts by structure compare with: a predictor that knows nothing of what moves (Zhao et al. 2020, Table 6,
where all methods but the paper's predict recursively). Four frames are seen and sharp edges asked for as in M. Mathieu,
C. Couprie, Y. LeCun, "Deep multi-scale video prediction beyond mean square error", ICLR 2016; instead of pyramids
and an adversary there are a U-Net and a difference from the last frame.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.baselines.video_gan import CLIPS_AT_ONCE, scaled
from mutoscope.data.clips import Clips
from mutoscope.data.windows import ClipWindows
from mutoscope.errors import InputError
from mutoscope.media.images import Frame
from mutoscope.media.results import Replay, Sheet, Video
from mutoscope.media.sheets import contact_sheet
from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.metrics.forecasting import forecast_measures
from mutoscope.systems.base import Batch, Optimizers, Stage, System, step
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.config import (
    Betas,
    Colours,
    Config,
    FrameStep,
    LearningRate,
    Multiplier,
    Size,
    Weight,
    check_frame_step,
    check_multiple,
)
from mutoscope.systems.control import Fps, control
from mutoscope.systems.draws import Random
from mutoscope.systems.inputs import Frames, read_frames
from mutoscope.systems.parameters import Range
from mutoscope.systems.picture_measures import check_pictures

WIDTHS = (64, 128, 256, 256)  # channels at full size, a half, a quarter and an eighth
SMALLEST = 1 << (len(WIDTHS) - 1)
ROWS, COLUMNS = 8, 8  # of the sample sheet
GIVEN = 10  # real frames before those that are measured, as in Table 6
MOST_CLIPS, MOST_FRAMES = 64, 120  # clips that are measured, and frames foretold of each
Start = Annotated[
    Frames, "A video, whose last frames say how things move, or a picture, that stands as if it had stood still."
]
Length = Annotated[int, Range(1, 1000), "How many frames are foretold."]
Columns = Annotated[int, Range(1, 64), "Frames shown of them."]
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

    def __init__(self, config: "NextFrameConfig") -> None:
        super().__init__()
        widths = scaled(config.width, *WIDTHS)
        self.inlet = nn.Conv2d(config.given * config.channels, widths[0], 3, padding=1)
        self.before = nn.ModuleList(Residual(c) for c in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(c, d, 4, 2, 1) for c, d in pairwise(widths))
        self.bottom = nn.Sequential(Residual(widths[-1]), Residual(widths[-1]))
        self.up = nn.ModuleList(nn.Conv2d(d, c, 3, padding=1) for c, d in pairwise(widths))
        self.after = nn.ModuleList(Residual(c) for c in widths[:-1])
        self.outlet = nn.Conv2d(widths[0], config.channels, 3, padding=1)
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


@dataclass(frozen=True)
class NextFrameConfig(Config):
    """Choices of `next_frame`.

    Args:
        given: How many frames are seen before the next one.
        unroll: How many frames in a row are foretold in training, each from those foretold before.
        image_size: Height and width of a frame in pixels, a multiple of 8.
        frames: Frames of a window in training, at all times of which the next frame is foretold.
        width: Multiplier of all hidden widths, which are 64, 128, 256 and 256.
        lambda_gdl: Weight of the gradient difference loss, of the edges (Mathieu et al. 2016, Eq. 6, α = 2).
        lr: Learning rate of Adam.
    """

    given: Size = 4
    unroll: Size = 1
    channels: Colours = 3
    image_size: Annotated[int, Range(SMALLEST, 4096)] = 64
    frames: Size = 16
    frame_step: FrameStep = (1, 1)
    width: Multiplier = 1.0
    lambda_gdl: Weight = 1.0
    lr: LearningRate = 1e-3
    betas: Betas = (0.9, 0.999)

    def check(self) -> None:
        check_multiple("image_size", self.image_size, SMALLEST)
        check_frame_step(self.frame_step)
        least = self.given + self.unroll
        if self.frames < least:
            raise InputError(f"frames: {self.frames} is less than {least}, given and unroll together")


class NextFrame(System):
    """The last frames of a clip to the next one, again and again."""

    name = "next_frame"
    config_class = NextFrameConfig
    config: NextFrameConfig
    protocol = "continuations"

    def __init__(self, config: NextFrameConfig) -> None:
        super().__init__(config)
        self.G = Predictor(config)

    def examples(self, clips: Clips, stage: Stage) -> ClipWindows:
        o = self.config
        return ClipWindows(clips, o.frames, step=o.frame_step, hold_last=True, seed=self.seed)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"G": torch.optim.Adam(self.G.parameters(), self.config.lr, self.config.betas, fused=True)}

    def noise(self, n: int, random: Random) -> dict[str, Tensor]:
        return {}

    def training_step(self, batch: Batch, noise: dict[str, Tensor], optimizers: Optimizers) -> dict[str, Tensor]:
        o = self.config
        real = uint8_to_float(batch["clip"])
        stretches = real.unfold(1, o.given + o.unroll, 1).movedim(-1, 2).flatten(0, 1)
        history, future = stretches[:, : o.given], stretches[:, o.given :]

        # squares: absolute errors, whose best guess is the median, settle for a copy where most pixels stand still
        loss_rec = loss_gdl = real.new_zeros(())
        for true in future.unbind(1):
            foretold = self.G(history).float()
            loss_rec = loss_rec + F.mse_loss(foretold, true) / o.unroll
            loss_gdl = loss_gdl + gradient_difference(foretold, true) / o.unroll
            history = torch.cat([history[:, 1:], foretold[:, None]], 1)
        step(optimizers["G"], loss_rec + o.lambda_gdl * loss_gdl)
        return {"loss_rec": loss_rec.detach(), "loss_gdl": loss_gdl.detach()}

    @torch.no_grad()
    def foretell(self, history: Float[Tensor, "n t c h w"]) -> Iterator[Float[Tensor, "n c h w"]]:
        """Frames in [-1, 1] that follow the last of each history, without an end, each from those before."""
        while True:
            frame = self.G(history).float().clamp(-1, 1)
            yield frame
            history = torch.cat([history[:, 1:], frame[:, None]], 1)

    def history_of(self, clip: Clip) -> Float[Tensor, "given c h w"]:
        """The last frames of a clip as G sees them; one with too few has rested on its first before."""
        missing = max(self.config.given - len(clip), 0)
        return uint8_to_float(np.concatenate([clip[:1]] * missing + [clip[-self.config.given :]]), self.device)

    def forecasts(self, starts: Sequence[Clip], lengths: Sequence[int]) -> Iterator[Clip]:
        """What follows each of these clips, so many frames of it; made a few clips at a time."""
        for first in range(0, len(starts), CLIPS_AT_ONCE):
            rows = slice(first, first + CLIPS_AT_ONCE)
            history = torch.stack([self.history_of(clip) for clip in starts[rows]])
            foretold = [float_to_uint8(frames) for frames in islice(self.foretell(history), max(lengths[rows]))]
            for i, length in enumerate(lengths[rows]):
                shape = (0, *starts[first + i].shape[1:])
                yield np.stack([frames[i] for frames in foretold[:length]]) if length else np.zeros(shape, np.uint8)

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[Clip]:
        """What is given of each row, then frames foretold from it; a single picture is one that stood still."""
        check_pictures(self, conditions)
        if "label" in conditions.columns and conditions.label_names is None:
            raise InputError(f"label: {conditions.columns['label'][0]} is given, but {self.name} takes none")
        starts, lengths = list(conditions.columns["frames"]), conditions.lengths
        left = [max(length - len(start), 0) for start, length in zip(starts, lengths, strict=True)]
        for start, foretold, length in zip(starts, self.forecasts(starts, left), lengths, strict=True):
            yield np.concatenate([start, foretold])[:length]

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
        starts = [clips[i * len(clips) // count].frames[: self.config.given] for i in range(count)]
        was_training = self.training
        try:
            foretold = list(self.eval().forecasts(starts, [self.config.frames] * count))
        finally:
            self.train(was_training)
        return Sheet(contact_sheet(foretold, COLUMNS), count, min(COLUMNS, self.config.frames))

    @control
    def animate(self, *, picture: Start, frames: Length = 32, fps: Fps = 8.0) -> Video:
        """A picture or a video, and how it goes on."""
        start = read_frames(picture, self.config.image_size, self.config.channels)

        def shown() -> Iterator[Frame]:
            yield from start
            for foretold in islice(self.foretell(self.history_of(start)[None]), frames):
                yield float_to_uint8(foretold[0])

        return Video(Replay(shown), fps)

    @control
    def sheet(self, *, picture: Start, frames: Length = 32, columns: Columns = 8) -> Sheet:
        """How a picture or a video goes on, time from left to right."""
        start = read_frames(picture, self.config.image_size, self.config.channels)
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
