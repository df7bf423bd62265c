"""Published face models are read in their layouts, here with a face of a few vertices; wrong files are one line."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from mutoscope.errors import InputError
from mutoscope.geometry.face_models import open_face_model
from mutoscope.geometry.morphable_face import MorphableFace
from mutoscope.geometry.toy_face import toy_face

VERTICES, PEOPLE, FACES = 100, 5, 4
RANDOM = np.random.default_rng(0)
SHAPE = {
    "mean": RANDOM.standard_normal(3 * VERTICES),
    "basis": RANDOM.standard_normal((3 * VERTICES, PEOPLE)),
    "deviations": np.arange(PEOPLE, 0.0, -1),
}
EXPRESSION = {
    "mean": RANDOM.standard_normal(3 * VERTICES).astype(np.float32),
    "basis": RANDOM.standard_normal((3 * VERTICES, FACES)).astype(np.float32),
    "deviations": np.arange(FACES, 0.0, -1),
}
TRIANGLES = np.array([[0, 1, 2], [2, 1, 3], [7, 8, 99], [3, 9, 40]])
KEYPOINTS = np.arange(68) + 20


def write_bfm_2009(folder: Path, vertices: int = VERTICES) -> Path:
    rest = RANDOM.standard_normal((3 * (vertices - VERTICES), PEOPLE + 1))
    savemat(
        folder / "01_MorphableModel.mat",
        {
            "shapeMU": np.concatenate([SHAPE["mean"], rest[:, 0]])[:, None],
            "shapePC": np.concatenate([SHAPE["basis"], rest[:, 1:]]),
            "shapeEV": SHAPE["deviations"][:, None],
            "tl": TRIANGLES + 1,
        },
    )
    return folder / "01_MorphableModel.mat"


def write_3ddfa(folder: Path) -> Path:
    savemat(
        folder / "Model_Shape.mat",
        {
            "mu_shape": SHAPE["mean"][:, None],
            "w": SHAPE["basis"],
            "sigma": SHAPE["deviations"][:, None],
            "tri": TRIANGLES.T + 1,
            "keypoints": KEYPOINTS[None] + 1,
        },
    )
    return folder / "Model_Shape.mat"


def write_model_exp(folder: Path) -> Path:
    values = {"mu_exp": EXPRESSION["mean"][:, None], "w_exp": EXPRESSION["basis"]}
    savemat(folder / "Model_Exp.mat", {**values, "sigma_exp": EXPRESSION["deviations"][:, None]})
    return folder / "Model_Exp.mat"


def write_exp_pca(folder: Path) -> Path:
    path = folder / "Exp_Pca.bin"
    path.write_bytes(np.int32(FACES).tobytes() + EXPRESSION["mean"].tobytes() + EXPRESSION["basis"].T.tobytes())
    np.savetxt(folder / "std_exp.txt", EXPRESSION["deviations"][None])
    return path


def write_h5(folder: Path, expressions: bool = True) -> Path:
    with h5py.File(folder / "model2019_bfm.h5", "w") as file:
        for name, part in (("shape", SHAPE), ("expression", EXPRESSION))[: 1 + expressions]:
            file[f"{name}/model/mean"] = part["mean"]
            file[f"{name}/model/pcaBasis"] = part["basis"]
            file[f"{name}/model/pcaVariance"] = part["deviations"] ** 2
        file["shape/representer/cells"] = TRIANGLES.T
        file["shape/representer/points"] = SHAPE["mean"].reshape(-1, 3).T
    return folder / "model2019_bfm.h5"


def write_landmarks(folder: Path, count: int = 68) -> Path:
    (folder / "landmarks.txt").write_text("\n".join(map(str, KEYPOINTS[:count])))
    return folder / "landmarks.txt"


def assert_is_the_model(model: MorphableFace) -> None:
    np.testing.assert_allclose(model.mean.ravel(), SHAPE["mean"] + EXPRESSION["mean"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.identity_basis.reshape(-1, PEOPLE), SHAPE["basis"], rtol=1e-6)
    np.testing.assert_allclose(model.expression_basis.reshape(-1, FACES), EXPRESSION["basis"], rtol=1e-6)
    np.testing.assert_allclose(model.identity_deviations, SHAPE["deviations"], rtol=1e-6)
    np.testing.assert_allclose(model.expression_deviations, EXPRESSION["deviations"], rtol=1e-6)
    np.testing.assert_array_equal(np.sort(model.triangles, axis=1), np.sort(TRIANGLES, axis=1))
    np.testing.assert_allclose(model.landmarks(model.mean[None])[0], model.mean[KEYPOINTS], rtol=1e-5, atol=1e-6)


def test_the_toy_face_needs_no_file() -> None:
    assert open_face_model("toy") is toy_face()


def test_bfm_2009_with_either_file_of_expressions(tmp_path: Path) -> None:
    path, landmarks = write_bfm_2009(tmp_path), write_landmarks(tmp_path)
    assert_is_the_model(open_face_model(path, write_exp_pca(tmp_path), landmarks=landmarks))
    assert_is_the_model(open_face_model(path, write_model_exp(tmp_path), landmarks=landmarks))


def test_bfm_2009_cut_as_the_expressions_are(tmp_path: Path) -> None:
    path = write_bfm_2009(tmp_path, VERTICES + 7)
    info = {"trimIndex": np.arange(VERTICES)[:, None] + 1, "tri": TRIANGLES.T + 1, "keypoints": KEYPOINTS[None] + 1}
    savemat(tmp_path / "model_info.mat", info)
    assert_is_the_model(open_face_model(path, write_exp_pca(tmp_path)))


def test_3ddfa_finds_its_expressions_itself(tmp_path: Path) -> None:
    path = write_3ddfa(tmp_path)
    write_model_exp(tmp_path)
    assert_is_the_model(open_face_model(path))


def test_bfm_2019(tmp_path: Path) -> None:
    assert_is_the_model(open_face_model(write_h5(tmp_path), landmarks=write_landmarks(tmp_path)))


def test_fewer_components(tmp_path: Path) -> None:
    path = write_h5(tmp_path)
    model = open_face_model(path, landmarks=write_landmarks(tmp_path), n_identity=3, n_expression=2)
    assert (model.n_identity, model.n_expression, model.n_parameters) == (3, 2, 11)


def test_triangles_are_turned_outwards(tmp_path: Path) -> None:
    toy = toy_face()
    for triangles in (toy.triangles, toy.triangles.flip(1)):
        with h5py.File(tmp_path / "toy.h5", "w") as file:
            for name, basis, deviations in (
                ("shape", toy.identity_basis, toy.identity_deviations),
                ("expression", toy.expression_basis, toy.expression_deviations),
            ):
                file[f"{name}/model/mean"] = toy.mean.ravel() * (name == "shape")
                file[f"{name}/model/pcaBasis"] = basis.flatten(0, 1)
                file[f"{name}/model/pcaVariance"] = deviations**2
            file["shape/representer/cells"] = triangles.T
        model = open_face_model(tmp_path / "toy.h5", landmarks=write_landmarks(tmp_path))
        a, b, c = (model.mean[corner] for corner in model.triangles.T)
        assert (np.cross(b - a, c - a)[:, 2] > 0).all()


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file \(expected 'toy', 01_MorphableModel.mat"):
        open_face_model(tmp_path / "none.mat")
    path = write_bfm_2009(tmp_path)
    with pytest.raises(InputError, match=r"has no expressions \(expected expressions=Exp_Pca.bin"):
        open_face_model(path)
    with pytest.raises(InputError, match=r"does not tell its landmarks \(expected landmarks=FILE with 68 vertices"):
        open_face_model(path, write_exp_pca(tmp_path))
    with pytest.raises(InputError, match="has 60 landmarks"):
        open_face_model(path, tmp_path / "Exp_Pca.bin", landmarks=write_landmarks(tmp_path, 60))
    (tmp_path / "std_exp.txt").unlink()
    with pytest.raises(InputError, match=r"std_exp.txt: no such file"):
        open_face_model(path, tmp_path / "Exp_Pca.bin")
    with pytest.raises(InputError, match="has no expressions"):
        open_face_model(write_h5(tmp_path, expressions=False))


def test_files_that_do_not_belong_together_are_told(tmp_path: Path) -> None:
    path, landmarks = write_bfm_2009(tmp_path, VERTICES + 7), write_landmarks(tmp_path)
    with pytest.raises(InputError, match=r"Exp_Pca.bin: is of 100 vertices \(expected 107 as"):
        open_face_model(path, write_exp_pca(tmp_path), landmarks=landmarks)
    landmarks.write_text(" ".join(map(str, KEYPOINTS + 1000)))
    with pytest.raises(InputError, match="landmarks name vertices that are not there"):
        open_face_model(write_h5(tmp_path), landmarks=landmarks)


@pytest.mark.parametrize("name", ["a.mat", "a.h5"])
@pytest.mark.parametrize("content", [b"", b"\0" * 200, b"no face at all" * 20])
def test_damaged_models_are_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: ") as caught:
        open_face_model(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [3, 4, 40, -1, -4])
def test_damaged_expressions_are_one_line(tmp_path: Path, cut: int) -> None:
    path = write_exp_pca(tmp_path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match=r"Exp_Pca.bin: cannot be read: .* \(expected Exp_Pca.bin") as caught:
        open_face_model(write_bfm_2009(tmp_path), path)
    assert "\n" not in str(caught.value)


def test_another_matlab_file_is_told_by_what_it_lacks(tmp_path: Path) -> None:
    savemat(tmp_path / "other.mat", {"something": np.ones(3)})
    with pytest.raises(InputError, match=r"other.mat: has no shapeMU \(expected 01_MorphableModel.mat"):
        open_face_model(tmp_path / "other.mat")
