"""Morphable face models as they are published, which need a licence of their own, and the toy face, which needs none.

What is read (v vertices; the published numbers in brackets):

- BFM-2009, `01_MorphableModel.mat`: `shapeMU` (3v = 160470), `shapePC` (3v × 199), `shapeEV` (199 deviations), `tl`
  (triangles, counted from 1). With 3DDFA's `model_info.mat` beside it, cut to `trimIndex` (53215), with its `tri` and
  `keypoints`. It has no expressions; these come from one of the two files below.
- 3DDFA, `Model_Shape.mat`: `mu_shape`, `w`, `sigma`, `tri` (3 × f), `keypoints` (68, counted from 1); its expressions
  are `Model_Exp.mat` in the same folder.
- Expressions, `Model_Exp.mat`: `mu_exp`, `w_exp`, `sigma_exp`.
- Expressions, `Exp_Pca.bin`: int32 number of components (79), float32 mean (3v), float32 components one by one (3v
  each); deviations in `std_exp.txt` in the same folder.
- BFM-2017 and BFM-2019, `.h5`: `shape/model` and `expression/model` with `mean` (3v), `pcaBasis` (3v × k),
  `pcaVariance`; triangles in `shape/representer/cells` (3 × f).

The layouts of `model_info.mat`, `Model_Shape.mat`, `Model_Exp.mat` and `Exp_Pca.bin` are known from programs that read
them, not from documents.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.geometry.morphable_face import LANDMARKS, MorphableFace
from mutoscope.geometry.toy_face import toy_face

TOY = "toy"
FILES = "01_MorphableModel.mat, Model_Shape.mat or a model of the BFM as .h5"
MOST_COMPONENTS = 1000


class _Linear(NamedTuple):
    """A linear model of the coordinates x1 y1 z1 x2 …."""

    mean: Float[np.ndarray, "m"]
    basis: Float[np.ndarray, "m k"]
    deviations: Float[np.ndarray, "k"]


class _Shape(NamedTuple):
    """A linear model of the faces of people, and their mesh; indices from 0."""

    people: _Linear
    triangles: Int[np.ndarray, "f 3"]
    landmarks: Int[np.ndarray, "k"] | None = None


def open_face_model(
    name_or_path: str | Path,
    expressions: str | Path | None = None,
    *,
    landmarks: str | Path | None = None,
    n_identity: int = 80,
    n_expression: int = 64,
) -> MorphableFace:
    """Opens a morphable face model.

    Args:
        name_or_path: "toy", or a file as listed above.
        expressions: the file with the expressions, where the model has none.
        landmarks: a text file with the 68 vertices, counted from 0, that are dlib's landmarks; needed where the model
            does not tell them, as the BFM's `.h5` files.
        n_identity: at most so many identity coefficients, the first.
        n_expression: the same of the expressions.

    Raises:
        InputError: a file is missing, damaged or of another kind, or files do not belong together.
    """
    if str(name_or_path) == TOY:
        return toy_face()
    path = _existing(name_or_path)
    if path.suffix.lower() == ".h5":
        shape, faces = _read_h5(path)
    else:
        shape, faces = _read_mat_shape(path), None
        beside = path.with_name("Model_Exp.mat")
        if expressions is None and beside.is_file():
            expressions = beside
    if expressions is not None:
        faces = _read_expressions(_existing(expressions))
    if faces is None:
        raise InputError(f"{path}: has no expressions (expected expressions=Exp_Pca.bin or Model_Exp.mat)")
    if len(faces.mean) != len(shape.people.mean):
        raise InputError(
            f"{expressions}: is of {len(faces.mean) // 3} vertices (expected {len(shape.people.mean) // 3} as {path})"
        )
    return _model(path, shape, faces, _landmark_vertices(path, shape, landmarks), n_identity, n_expression)


def _model(
    path: Path, shape: _Shape, faces: _Linear, vertices: Int[np.ndarray, "68"], n_identity: int, n_expression: int
) -> MorphableFace:
    mean = (shape.people.mean + faces.mean).reshape(-1, 3)
    for what, indices in (("triangles", shape.triangles), ("landmarks", vertices)):
        if indices.min(initial=0) < 0 or indices.max(initial=0) >= len(mean):
            raise InputError(f"{path}: {what} name vertices that are not there (expected 0 to {len(mean) - 1})")
    if not all(np.isfinite(part).all() for part in (*shape.people, *faces)):
        raise InputError(f"{path}: holds numbers that are not finite")
    return MorphableFace(
        mean=_tensor(mean),
        identity_basis=_tensor(shape.people.basis[:, :n_identity]).unflatten(0, (-1, 3)),
        expression_basis=_tensor(faces.basis[:, :n_expression]).unflatten(0, (-1, 3)),
        identity_deviations=_tensor(shape.people.deviations[:n_identity]),
        expression_deviations=_tensor(faces.deviations[:n_expression]),
        triangles=torch.from_numpy(_outwards(mean, shape.triangles)),
        landmark_corners=torch.from_numpy(np.repeat(vertices[:, None], 3, axis=1)),
        landmark_weights=torch.full((LANDMARKS, 3), 1 / 3),
    )


def _read_mat_shape(path: Path) -> _Shape:
    """BFM-2009 or 3DDFA."""
    with _reading(path, FILES):
        found = _matlab(path)
        if "mu_shape" in found:
            people = _linear(found["mu_shape"], found["w"], found["sigma"])
            return _Shape(people, _from_one(found["tri"]), _flat_from_one(found.get("keypoints")))
        people = _linear(found["shapeMU"], found["shapePC"], found["shapeEV"])
    extra = path.with_name("model_info.mat")
    if not extra.is_file():
        return _Shape(people, _from_one(found["tl"]))
    with _reading(extra, "3DDFA's, with trimIndex, tri and keypoints"):
        info = _matlab(extra)
        kept = (3 * (info["trimIndex"].astype(np.int64).reshape(-1, 1) - 1) + np.arange(3)).ravel()
        people = _Linear(people.mean[kept], people.basis[kept], people.deviations)
        return _Shape(people, _from_one(info["tri"]), _flat_from_one(info["keypoints"]))


def _read_expressions(path: Path) -> _Linear:
    """`Model_Exp.mat` or `Exp_Pca.bin`."""
    if path.suffix.lower() == ".mat":
        with _reading(path, "3DDFA's Model_Exp.mat"):
            found = _matlab(path)
            return _linear(found["mu_exp"], found["w_exp"], found["sigma_exp"])
    deviations = _existing(path.with_name("std_exp.txt"))
    with _reading(deviations, "one deviation for each component of Exp_Pca.bin"):
        spread = np.loadtxt(deviations, ndmin=1).ravel()
    with _reading(path, "Exp_Pca.bin, or Model_Exp.mat"):
        count = int(np.fromfile(path, np.int32, 1)[0])
        values = np.fromfile(path, np.float32, offset=4)
        fits = 1 <= count <= MOST_COMPONENTS and len(values) % (3 * (count + 1)) == 0
        if not (fits and len(values)) or path.stat().st_size % 4:
            raise ValueError(f"{len(values)} numbers are no mean and {count} components")
        mean, *components = values.reshape(count + 1, -1)
        return _linear(mean, np.stack(components, axis=1), spread)


def _read_h5(path: Path) -> tuple[_Shape, _Linear | None]:
    """BFM-2017 and BFM-2019: people, and expressions where there are any."""
    try:
        import h5py
    except ImportError as error:
        raise InputError(f"{path}: cannot be read without h5py (expected pip install 'mutoscope[faces]')") from error
    with _reading(path, FILES), h5py.File(path, "r") as file:

        def part(name: str) -> _Linear:
            mean, basis, variance = (file[f"{name}/model/{what}"][()] for what in ("mean", "pcaBasis", "pcaVariance"))
            return _linear(mean, basis, np.sqrt(variance))

        cells = np.asarray(file["shape/representer/cells"][()], dtype=np.int64)
        return _Shape(part("shape"), _three_columns(cells)), part("expression") if "expression" in file else None


def _landmark_vertices(path: Path, shape: _Shape, given: str | Path | None) -> Int[np.ndarray, "68"]:
    if given is not None:
        file = _existing(given)
        with _reading(file, f"{LANDMARKS} vertex numbers"):
            vertices = np.array([int(word) for word in file.read_text().split()], dtype=np.int64)
        path = file
    elif shape.landmarks is not None:
        vertices = shape.landmarks
    else:
        raise InputError(f"{path}: does not tell its landmarks (expected landmarks=FILE with {LANDMARKS} vertices)")
    if len(vertices) != LANDMARKS:
        raise InputError(f"{path}: has {len(vertices)} landmarks (expected {LANDMARKS})")
    return vertices


def _linear(mean: Any, basis: Any, deviations: Any) -> _Linear:
    """Checked, in float32."""
    model = _Linear(*(np.asarray(part, dtype=np.float32) for part in (np.ravel(mean), basis, np.ravel(deviations))))
    if len(model.mean) % 3 or model.basis.shape != (len(model.mean), len(model.deviations)):
        shapes = " and ".join(str(np.shape(part)) for part in (mean, basis, deviations))
        raise ValueError(f"mean, components and deviations of {shapes} do not belong together")
    return model


def _from_one(indices: np.ndarray) -> Int[np.ndarray, "f 3"]:
    return _three_columns(indices.astype(np.int64)) - 1


def _flat_from_one(indices: np.ndarray | None) -> Int[np.ndarray, "k"] | None:
    return None if indices is None else indices.astype(np.int64).ravel() - 1


def _three_columns(indices: np.ndarray) -> Int[np.ndarray, "f 3"]:
    """Triangles one to a row, however the file has them."""
    turned = indices.T if indices.shape[0] == 3 else indices
    if turned.ndim != 2 or turned.shape[1] != 3:
        raise ValueError(f"triangles of shape {indices.shape}")
    return np.ascontiguousarray(turned)


def _outwards(mean: Float[np.ndarray, "v 3"], triangles: Int[np.ndarray, "f 3"]) -> Int[np.ndarray, "f 3"]:
    """The triangles, all turned over if on the whole they face the middle of the head."""
    a, b, c = (mean[corner] - mean.mean(0) for corner in triangles.T)
    volume = (a * np.cross(b, c)).sum()
    return triangles if volume >= 0 else np.ascontiguousarray(triangles[:, ::-1])


def _matlab(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    return loadmat(path)


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file (expected {TOY!r}, {FILES})")
    return path


@contextmanager
def _reading(path: Path, expected: str) -> Iterator[None]:
    """Turns whatever is raised while `path` is read into one line."""
    try:
        yield
    except InputError:
        raise
    except KeyError as error:
        raise InputError(f"{path}: has no {error.args[0]} (expected {expected})") from error
    except Exception as error:
        reason = " ".join((str(error) or type(error).__name__).replace(str(path), "the file").split())
        raise InputError(f"{path}: cannot be read: {reason} (expected {expected})") from error


def _tensor(array: np.ndarray) -> Float[Tensor, "..."]:
    return torch.from_numpy(np.ascontiguousarray(array)).float()
