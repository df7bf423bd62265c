"""From a picture and rows of structure to frames: forecasts, a few at a time, then refined window by window.

Memory does not grow with the length of a clip: frames are made while earlier ones are written.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.systems.frgan.config import FRGANConfig
from mutoscope.systems.frgan.networks import ForecastingNetwork, PosePredictor, RefiningNetwork
from mutoscope.systems.frgan.structures import Joints, Rows, Structure

Picture = UInt8[np.ndarray, "h w c"]
Layers = dict[str, Float[Tensor, "n _c s s"]]

FRAMES_AT_ONCE = 16


class Generation:
    """Draws with the trained networks of the system that inherits this."""

    config: FRGANConfig
    structure: Structure
    trained: Tensor
    G_M: ForecastingNetwork
    G_R: RefiningNetwork | None
    P: PosePredictor | None
    if TYPE_CHECKING:
        device: torch.device

    @property
    def can_forecast(self) -> bool:
        """Whether the forecasting network has learned anything; not where another method's clips are refined."""
        return bool(self.trained[1])

    @property
    def can_refine(self) -> bool:
        """Whether there is a refining network that has learned anything."""
        return self.G_R is not None and bool(self.trained[2])

    @property
    def can_predict(self) -> bool:
        """Whether there is a pose predictor that has learned anything."""
        return self.P is not None and bool(self.trained[0])

    def rows_tensor(self, rows: Rows) -> Float[Tensor, "t p"]:
        """Rows of structure on the device."""
        return torch.from_numpy(np.array(rows, order="C")).to(self.device)  # copied: they may be mapped from a file

    @torch.no_grad()
    def forecasts(self, picture: Picture, row: Float32[np.ndarray, "p"], rows: Rows) -> Iterator[Layers]:
        """Forecasts of frames with everything they are made of, a few frames at a time (Fig. 5).

        Every frame is forecast from the same picture: none depends on another.

        Args:
            picture: of the system's size.
            row: its structure.
            rows: that of the frames.

        Yields:
            `image`, `content` and `structure` of so many frames, and `mask`, where the network draws one.

        Raises:
            InputError: the network has learned nothing.
        """
        if not self.can_forecast:
            raise InputError("forecast: this system has not learned to (expected one with forecast_steps, not coarse)")
        encoded = self.G_M.encode_source(uint8_to_float(picture[None], self.device), self.maps_of(row[None]))
        for start in range(0, len(rows), FRAMES_AT_ONCE):
            maps = self.maps_of(rows[start : start + FRAMES_AT_ONCE])
            forecast = self.G_M.forecast(encoded, maps)
            layers = {"image": forecast.image, "content": forecast.content, "structure": maps}
            yield layers | ({"mask": forecast.mask} if forecast.mask is not None else {})

    def maps_of(self, rows: Rows) -> Float[Tensor, "t m s s"]:
        """The motion maps of rows."""
        return self.structure.maps(self.rows_tensor(rows), self.config.image_size)

    def coarse(self, picture: Picture, row: Float32[np.ndarray, "p"], rows: Rows) -> Iterator[Float[Tensor, "c s s"]]:
        """Forecasts, frame by frame."""
        for layers in self.forecasts(picture, row, rows):
            yield from layers["image"].float()

    def refined(
        self, coarse: Iterator[Float[Tensor, "c s s"]], rows: Rows, overlap: bool = False
    ) -> Iterator[Float[Tensor, "c s s"]]:
        """Frames of any origin, refined in windows of K; the last window ends with the clip (Sec. 6).

        Args:
            coarse: as many frames as there are rows, in [-1, 1].
            rows: their structure.
            overlap: windows overlap by half and blend into each other, which takes twice as long.
        """
        length, window = len(rows), self.config.frames
        held: list[Tensor] = []
        first = 0

        def refine(start: int) -> Float[Tensor, "t c s s"]:
            nonlocal first
            del held[: start - first]
            first = start
            count = min(window, length - start)
            while len(held) < count:
                held.append(next(coarse))
            return self.refine_window(torch.stack(held[:count]), rows[start : start + count])

        yield from in_windows(refine, length, window, window // 2 if overlap else window)

    def refined_clip(
        self, coarse: UInt8[np.ndarray, "t h w c"], rows: Rows, overlap: bool = False
    ) -> UInt8[np.ndarray, "t h w c"]:
        """A whole clip of any origin, refined."""
        frames = (uint8_to_float(frame, self.device) for frame in coarse)
        return float_to_uint8(torch.stack(list(self.refined(frames, rows, overlap))))

    @torch.no_grad()
    def refine_window(self, frames: Float[Tensor, "t c s s"], rows: Rows) -> Float[Tensor, "t c s s"]:
        """At most K frames, refined together; fewer are made K by resting on the last."""
        assert self.G_R is not None
        count = len(frames)
        times = torch.arange(self.config.frames).clamp(max=count - 1)
        clip = frames[times].transpose(0, 1)[None]
        maps = self.maps_of(rows[times.numpy()]).transpose(0, 1)[None]
        return self.G_R(clip, maps).clip[0].transpose(0, 1)[:count].float()

    def clip(
        self,
        picture: Picture,
        row: Float32[np.ndarray, "p"],
        rows: Rows,
        refine: bool | None = None,
        overlap: bool = False,
    ) -> Iterator[Picture]:
        """Frames that follow a picture.

        Args:
            picture: of the system's size.
            row: its structure.
            rows: that of the frames.
            refine: whether to refine them; None where the system can.
            overlap: see `refined`.
        """
        self.check_refine(refine)
        frames = self.coarse(picture, row, rows)
        if refine or (refine is None and self.can_refine):
            frames = self.refined(frames, rows, overlap)
        for frame in frames:
            yield float_to_uint8(frame)

    def check_refine(self, refine: bool | None) -> None:
        """Raises InputError where refining is asked of a system that has not learned it."""
        if refine and not self.can_refine:
            raise InputError("refine: this system has not learned to refine (expected one trained past its last stage)")

    @torch.no_grad()
    def predicted(self, observed: Rows, steps: int) -> Float32[np.ndarray, "_ p"]:
        """Rows of structure that follow those observed, by the pose predictor (Eq. 5); all joints count as seen.

        Raises:
            InputError: there is no predictor, or fewer poses than it wants.
        """
        if not self.can_predict or not isinstance(self.structure, Joints):
            raise InputError(
                "poses: this system has not learned to predict poses (expected one trained with pose_steps)"
            )
        assert self.P is not None
        wanted, size = self.config.observed, self.config.image_size
        if len(observed) < wanted:
            raise InputError(f"poses: there are {len(observed)} (expected at least {wanted}, to predict from)")
        joints, visible = self.structure.split(self.rows_tensor(observed[-wanted:]))
        poses = pixels_to_coordinates(joints, size)
        future = coordinates_to_pixels(self.P(poses[None], steps)[0], size)
        seen = visible.amax(0).expand(steps, -1)
        return self.structure.joined(future, seen).cpu().numpy().astype(np.float32)


def pixels_to_coordinates(joints: Float[Tensor, "*n k 2"], size: int) -> Float[Tensor, "*n p"]:
    """Joints in pixels as the pose predictor takes them: in [-1, 1], all x before all y."""
    return (2 * joints / size - 1).transpose(-1, -2).flatten(-2)


def coordinates_to_pixels(coordinates: Float[Tensor, "*n p"], size: int) -> Float[Tensor, "*n k 2"]:
    """Undoes `pixels_to_coordinates`."""
    return (coordinates.unflatten(-1, (2, -1)).transpose(-1, -2) + 1) * size / 2


def in_windows(
    process: Callable[[int], Float[Tensor, "t ..."]], length: int, window: int, hop: int
) -> Iterator[Float[Tensor, "..."]]:
    """The frames of a clip that is processed in windows, one by one.

    Windows begin `hop` frames apart, the last one ends with the clip. Where two overlap by design (`hop` is less than
    `window`) they blend linearly; where the last overlaps for want of frames, what the earlier one says stands.

    Args:
        process: from where a window begins to its frames; asked in order.
        length: frames of the clip; a shorter one than a window is a window.
        window: frames of a window.
        hop: from 1 to `window`.
    """
    starts = [*range(0, length - window, hop), max(length - window, 0)]
    before: Tensor | None = None
    for i, start in enumerate(starts):
        frames = process(start).clone()
        if before is not None and (shared := starts[i - 1] + window - start) > 0:
            share = torch.ones(shared) if hop == window else 1 - torch.arange(1, shared + 1) / (shared + 1)
            weight = share.to(frames).reshape(-1, *[1] * (frames.ndim - 1))
            frames[:shared] = weight * before[-shared:] + (1 - weight) * frames[:shared]
        until = starts[i + 1] if i + 1 < len(starts) else length
        yield from frames[: until - start]
        before = frames
