"""Structure: the numbers that say where things are in a frame, and the motion map M that is drawn from them.

Every kind of structure is a row of numbers a frame. How columns of clips become rows, how rows of one clip are carried
over to another picture, and how rows become maps, is all that the system needs to know of it (sections 4.1 and 4.2).
"""

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from mutoscope.data.clips import Clips
from mutoscope.data.progress import showing
from mutoscope.errors import InputError
from mutoscope.geometry.face_fitting import fit_landmarks, retarget
from mutoscope.geometry.face_maps import normal_maps
from mutoscope.geometry.face_models import open_face_model
from mutoscope.geometry.heatmaps import heatmaps, limb_maps
from mutoscope.geometry.skeletons import SKELETONS, convert
from mutoscope.systems.frgan.config import FRGANConfig

Rows = Float32[np.ndarray, "_ p"]
"""One row a frame; how many there are differs from clip to clip."""
Row = Float32[np.ndarray, "p"]
Columns = Mapping[str, Any]
Transfer = Literal["absolute", "delta"]
Colours = UInt8[np.ndarray, "t h w 3"]


class Structure(ABC):
    """One kind of structure, as a config describes it."""

    def __init__(self, config: FRGANConfig) -> None:
        self.config = config

    @abstractmethod
    def rows(self, columns: Columns, skeleton: str | None, name: str) -> Rows:
        """One row a frame, from the columns of one clip.

        Args:
            columns: arrays with time first, in pixels of the system's frames.
            skeleton: the order of the joints among them.
            name: what to call the clip in messages.

        Raises:
            InputError: there are no such columns, or they do not fit.
        """

    @abstractmethod
    def maps(self, rows: Float[Tensor, "n p"], size: int) -> Float[Tensor, "n c size size"]:
        """The motion maps of frames of `size` pixels."""

    @abstractmethod
    def shown(self, maps: Float[Tensor, "t c s s"]) -> Colours:
        """Motion maps as pictures."""

    @abstractmethod
    def columns(self) -> list[str]:
        """What each number of a row is called."""

    @abstractmethod
    def as_columns(self, rows: Rows) -> dict[str, np.ndarray]:
        """The columns that `rows` would make these rows of."""

    def transferred(self, row: Row, rows: Rows, transfer: Transfer, head_motion: bool) -> Rows:
        """Rows of another clip, carried over to a picture.

        Args:
            row: the picture's structure.
            rows: that of the other clip, whose first frame is taken for what the picture shows.
            transfer: of faces, take the other's expressions as they are (the paper), or their change since its first
                frame, which is added to the picture's own.
            head_motion: of faces, also take how the other's head moves.
        """
        return rows

    def strengthened(self, rows: Rows, strength: float) -> Rows:
        """Rows whose motion since the first is `strength` times as large.

        Raises:
            InputError: finished maps have no size of motion.
        """
        return (rows[:1] + strength * (rows - rows[:1])).astype(np.float32)

    def noisy(self, rows: Rows, noise: float, generator: np.random.Generator) -> Rows:
        """Rows as a careless estimator would give them: places are off by N(0, noise²) pixels, anew in every frame.

        Raises:
            InputError: places are not what the rows hold.
        """
        raise InputError(f"joint_noise: {noise} is for joints (expected 0)")

    def rows_of_all(self, clips: Clips, noise: float = 0.0) -> list[Rows]:
        """The rows of every clip. `noise` and what is raised are as for `rows_of_each`."""
        paths = [record.path for record in clips.records]
        return self.rows_of_each(clips.columns, paths, clips.skeleton, noise)

    def rows_of_each(
        self, columns: Mapping[str, Sequence[Any]], paths: Sequence[str], skeleton: str | None, noise: float = 0.0
    ) -> list[Rows]:
        """The rows of every clip.

        Args:
            columns: by name one value a clip; None where it is unknown.
            paths: what clips are called.
            skeleton: the order of the joints.
            noise: places are off by so many pixels, as a careless estimator would have them: anew in every frame, but
                the same whenever it sees a clip, which it knows by its path.

        Raises:
            InputError: clips lack a column, or it does not fit.
        """
        found = []
        for i in self.in_turn(columns, len(paths)):
            own = {name: values[i] for name, values in columns.items() if values[i] is not None}
            rows = self.rows(own, skeleton, paths[i])
            if noise:
                seed = int.from_bytes(hashlib.blake2b(paths[i].encode(), digest_size=8).digest())
                rows = self.noisy(rows, noise, np.random.default_rng(seed))
            found.append(rows)
        return found

    def in_turn(self, columns: Columns, count: int) -> Iterable[int]:
        """The numbers of clips whose rows are made, with a word of it where that takes a while."""
        return range(count)


class Joints(Structure):
    """Joints of a body, or points along its limbs: a row has x and y of every joint, then how surely it is seen."""

    def __init__(self, config: FRGANConfig) -> None:
        super().__init__(config)
        self.skeleton, self.count = SKELETONS[config.skeleton], config.joints

    def rows(self, columns: Columns, skeleton: str | None, name: str) -> Rows:
        if "joints" not in columns:
            raise InputError(f"{name}: has no joints (expected those of {self.skeleton.name}, or clips of people)")
        joints = np.asarray(columns["joints"], np.float32)
        visible = np.asarray(columns.get("visible", np.ones(joints.shape[:2])), np.float32)
        given = SKELETONS[skeleton] if skeleton else self.skeleton
        if len(given.joints) != joints.shape[1]:
            raise InputError(f"{name}: has {joints.shape[1]} joints (expected the {len(given.joints)} of {given.name})")
        joints, visible = convert(joints, visible, given, self.skeleton)
        joints = between_seen(joints, visible)
        return np.concatenate([joints.reshape(len(joints), 2 * self.count), visible], axis=1).astype(np.float32)

    def split(self, rows: Float[Tensor, "*n p"]) -> tuple[Float[Tensor, "*n k 2"], Float[Tensor, "*n k"]]:
        """Joints and how surely they are seen."""
        joints, visible = rows.split([2 * self.count, self.count], dim=-1)
        return joints.unflatten(-1, (self.count, 2)), visible

    def joined(self, joints: Float[Tensor, "*n k 2"], visible: Float[Tensor, "*n k"]) -> Float[Tensor, "*n p"]:
        """Undoes `split`."""
        return torch.cat([joints.flatten(-2), visible], dim=-1)

    def maps(self, rows: Float[Tensor, "n p"], size: int) -> Float[Tensor, "n c size size"]:
        joints, visible = self.split(rows)
        draw = limb_maps if self.config.structure == "limbs" else heatmaps
        return draw(joints, visible, size, self.config.sigma * size)

    def shown(self, maps: Float[Tensor, "t c s s"]) -> Colours:
        hues = torch.linspace(0, 1, self.config.C_M + 1, device=maps.device)[:-1]
        colours = 0.5 + 0.5 * torch.cos(
            2 * torch.pi * (hues[:, None] - torch.tensor([0, 1, 2], device=maps.device) / 3)
        )
        picture = torch.einsum("tchw,cx->thwx", maps.float(), colours).clamp(0, 1)
        return (picture * 255).round().to(torch.uint8).cpu().numpy()

    def columns(self) -> list[str]:
        places = [f"{joint} {axis}" for joint in self.skeleton.joints for axis in "xy"]
        return [*places, *(f"{joint} seen" for joint in self.skeleton.joints)]

    def as_columns(self, rows: Rows) -> dict[str, np.ndarray]:
        joints, visible = self.split(torch.from_numpy(rows))
        return {"joints": joints.numpy(), "visible": visible.numpy()}

    def transferred(self, row: Row, rows: Rows, transfer: Transfer, head_motion: bool) -> Rows:
        own, others = torch.from_numpy(row), torch.from_numpy(rows)
        (target, _), (joints, visible) = self.split(own), self.split(others)
        both = (self.split(own)[1] > 0) & (visible[0] > 0)
        if not both.any():
            return rows
        here, there = target[both], joints[0][both]
        size = extent(here) / extent(there).clamp(min=1e-6) if len(here) > 1 else 1.0
        return self.joined((joints - there.mean(0)) * size + here.mean(0), visible).numpy()

    def strengthened(self, rows: Rows, strength: float) -> Rows:
        stronger = super().strengthened(rows, strength)
        stronger[:, 2 * self.count :] = rows[:, 2 * self.count :]
        return stronger

    def noisy(self, rows: Rows, noise: float, generator: np.random.Generator) -> Rows:
        places = 2 * self.count
        off = noise * generator.standard_normal((len(rows), places), np.float32)
        return np.concatenate([rows[:, :places] + off, rows[:, places:]], axis=1)


class Face(Structure):
    """A morphable face: a row has its parameters (see `geometry.morphable_face`); the map has its normals.

    Clips that come with landmarks only are fitted: one identity a clip, an expression and a pose a frame.
    """

    def __init__(self, config: FRGANConfig) -> None:
        super().__init__(config)
        self.model = open_face_model(config.face_model, config.face_expressions)

    def in_turn(self, columns: Columns, count: int) -> Iterable[int]:
        return range(count) if "face" in columns else showing(range(count), "Fitting faces", count)

    def rows(self, columns: Columns, skeleton: str | None, name: str) -> Rows:
        if "face" in columns:
            rows = np.array(columns["face"], np.float32)
            if rows.shape[1] != self.model.n_parameters:
                expected = f"expected {self.model.n_parameters}, the model's"
                raise InputError(f"{name}: has {rows.shape[1]} parameters of a face ({expected})")
            return rows
        if "landmarks" not in columns:
            raise InputError(f"{name}: has no landmarks (expected the 68 of a face in every frame)")
        landmarks = torch.from_numpy(np.array(columns["landmarks"], np.float32))
        return fit_landmarks(self.model, landmarks).numpy()

    def maps(self, rows: Float[Tensor, "n p"], size: int) -> Float[Tensor, "n c size size"]:
        if self.model.mean.device != rows.device:
            self.model = self.model.to(rows.device)
        return normal_maps(self.model, rows, size, self.config.normal_space)

    def shown(self, maps: Float[Tensor, "t c s s"]) -> Colours:
        return ((maps.float() + 1) * 127.5).round().to(torch.uint8).movedim(1, -1).cpu().numpy()

    def columns(self) -> list[str]:
        identity = [f"identity {i}" for i in range(self.model.n_identity)]
        expression = [f"expression {i}" for i in range(self.model.n_expression)]
        return [*identity, *expression, "scale", "rotation x", "rotation y", "rotation z", "x", "y"]

    def as_columns(self, rows: Rows) -> dict[str, np.ndarray]:
        return {"face": rows}

    def transferred(self, row: Row, rows: Rows, transfer: Transfer, head_motion: bool) -> Rows:
        target, reference = torch.from_numpy(row), torch.from_numpy(rows)
        return retarget(self.model, target, reference, transfer=transfer, head_motion=head_motion).numpy()


class Maps(Structure):
    """Maps that were made elsewhere: a row is a map."""

    def __init__(self, config: FRGANConfig) -> None:
        super().__init__(config)
        self.shape = (config.C_M, *config.size)

    def rows(self, columns: Columns, skeleton: str | None, name: str) -> Rows:
        expected = f"t {' '.join(map(str, self.shape))}"
        if "maps" not in columns:
            raise InputError(f"{name}: has no maps (expected an array maps of {expected})")
        maps = np.asarray(columns["maps"], np.float32)
        if maps.shape[1:] != self.shape:
            raise InputError(f"{name}: has maps of shape {' '.join(map(str, maps.shape))} (expected {expected})")
        return maps.reshape(len(maps), math.prod(self.shape))

    def maps(self, rows: Float[Tensor, "n p"], size: int) -> Float[Tensor, "n c size size"]:
        return rows.unflatten(1, self.shape)

    def shown(self, maps: Float[Tensor, "t c s s"]) -> Colours:
        grey = maps.float().abs().amax(dim=1, keepdim=True)
        picture = ((maps.float() + 1) / 2 if self.config.C_M == 3 else grey.expand(-1, 3, -1, -1)).clamp(0, 1)
        return (picture * 255).round().to(torch.uint8).movedim(1, -1).cpu().numpy()

    def columns(self) -> list[str]:
        raise InputError("structure: finished maps are no table (expected a system of joints or faces)")

    def as_columns(self, rows: Rows) -> dict[str, np.ndarray]:
        return {"maps": rows.reshape(-1, *self.shape)}

    def strengthened(self, rows: Rows, strength: float) -> Rows:
        if strength != 1:
            raise InputError(f"strength: {strength} is for joints and faces (expected 1 with finished maps)")
        return rows


def between_seen(
    joints: Float32[np.ndarray, "t k 2"], visible: Float32[np.ndarray, "t k"]
) -> Float32[np.ndarray, "t k 2"]:
    """Joints with unseen ones between where they were seen before and after, for whatever goes by their places."""
    placed = joints.copy()
    times = np.arange(len(joints))
    for k in range(joints.shape[1]):
        seen = np.flatnonzero(visible[:, k] > 0)
        if 0 < len(seen) < len(joints):
            for axis in range(2):
                placed[:, k, axis] = np.interp(times, seen, joints[seen, k, axis])
    return placed


def extent(points: Float[Tensor, "n 2"]) -> Float[Tensor, ""]:
    """How far points lie from their mean: the root of the mean square."""
    return (points - points.mean(0)).square().sum(-1).mean().sqrt()


def structure_of(config: FRGANConfig) -> Structure:
    """The structure that a config describes. Raises InputError where the face's model cannot be read."""
    return {"face": Face, "maps": Maps}.get(config.structure, Joints)(config)
