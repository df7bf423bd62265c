"""Fitting recovers the parameters that landmarks were made of; retargeting changes expressions and nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.geometry.face_fitting import Transfer, fit_landmarks, landmark_error, retarget
from mutoscope.geometry.face_maps import normal_maps
from mutoscope.geometry.toy_face import toy_face

FACE = toy_face()


def clip(turn: float = 0.0, frames: int = 12, seed: int = 0) -> Tensor:
    """The parameters of one person in some frames, about 90 pixels wide."""
    generator = torch.Generator().manual_seed(seed)
    identity = (torch.randn(8, generator=generator) * FACE.identity_deviations).expand(frames, -1)
    expression = torch.randn(frames, 6, generator=generator) * FACE.expression_deviations
    scale = 40 + 5 * torch.rand(frames, 1, generator=generator)
    rotation = torch.randn(frames, 3, generator=generator) * 0.15 + torch.tensor([0.0, turn, 0.0])
    translation = 64 + 3 * torch.randn(frames, 2, generator=generator)
    return torch.cat([identity, expression, scale, rotation, translation], dim=-1)


def seen(parameters: Tensor) -> Tensor:
    return FACE.landmarks(FACE.posed(parameters))[..., :2]


@pytest.mark.parametrize("turn", [-0.8, 0.0, 0.4, 0.8])
def test_exact_landmarks_give_back_their_parameters(turn: float) -> None:
    truth = clip(turn)
    torch.testing.assert_close(fit_landmarks(FACE, seen(truth), noise=1e-4), truth, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("turn", [0.0, 0.8])
def test_noise_of_a_pixel_moves_poses_and_expressions_little(turn: float) -> None:
    truth = clip(turn)
    noise = torch.randn(len(truth), 68, 2, generator=torch.Generator().manual_seed(1))
    found = fit_landmarks(FACE, seen(truth) + noise)
    wanted, parts = FACE.split(truth), FACE.split(found)
    assert (parts.rotation - wanted.rotation).abs().max() < 0.12
    assert ((parts.expression - wanted.expression) / FACE.expression_deviations).square().mean().sqrt() < 0.35
    assert landmark_error(FACE, found, seen(truth)).max() < 1


@pytest.mark.parametrize("turn", [-0.8, 0.8])
def test_an_outline_that_slides_along_the_face_does_not_turn_the_head(turn: float) -> None:
    truth = clip(turn)
    vertices, landmarks = FACE.posed(truth), seen(truth).clone()
    for frame, point in np.ndindex(len(truth), 8):
        for number, side in ((point, -1), (16 - point, 1)):  # out to the silhouette at their height
            level = (vertices[frame, :, 1] - landmarks[frame, number, 1]).abs() < 4
            landmarks[frame, number, 0] = side * (side * vertices[frame, level, 0]).max()
    assert (landmarks - seen(truth)).abs().max() > 5
    found = FACE.split(fit_landmarks(FACE, landmarks))
    assert (found.rotation - FACE.split(truth).rotation).abs().max() < 0.05


def test_a_clip_has_one_identity() -> None:
    identity = FACE.split(fit_landmarks(FACE, seen(clip()) + 0.5)).identity
    torch.testing.assert_close(identity, identity[:1].expand_as(identity), atol=0, rtol=0)


def test_one_frame_is_enough() -> None:
    truth = clip(0.3, frames=1)
    assert landmark_error(FACE, fit_landmarks(FACE, seen(truth)), seen(truth)) < 0.3


def test_landmarks_of_no_face_are_told() -> None:
    landmarks = seen(clip(frames=3))
    landmarks[1, 5] = torch.nan
    with pytest.raises(InputError, match="landmarks of frame 1: some are not finite"):
        fit_landmarks(FACE, landmarks)
    with pytest.raises(InputError, match="landmarks of frame 0: lie on a line"):
        fit_landmarks(FACE, torch.ones(2, 68, 2))


@pytest.mark.parametrize("transfer", ["absolute", "delta"])
@pytest.mark.parametrize("head_motion", [False, True])
def test_a_retargeted_person_stays_who_they_are(transfer: Transfer, head_motion: bool) -> None:
    target, reference = clip(seed=1)[3], clip(seed=2)
    moved = FACE.split(retarget(FACE, target, reference, transfer=transfer, head_motion=head_motion))
    torch.testing.assert_close(moved.identity, FACE.split(target).identity.expand(12, -1))
    change = FACE.split(reference).expression - FACE.split(reference).expression[:1]
    torch.testing.assert_close(moved.expression - moved.expression[:1], change)
    if not head_motion:
        torch.testing.assert_close(moved.rotation, FACE.split(target).rotation.expand(12, -1))


def test_delta_begins_with_the_targets_own_expression() -> None:
    target, reference = clip(seed=1)[3], clip(seed=2)
    torch.testing.assert_close(retarget(FACE, target, reference, transfer="delta", head_motion=True)[0], target)


@pytest.mark.parametrize("transfer", ["absolute", "delta"])
def test_who_leads_themselves_reproduces_their_own_maps(transfer: Transfer) -> None:
    own = clip(0.2)
    again = retarget(FACE, own[0], own, transfer=transfer, head_motion=True)
    torch.testing.assert_close(again, own, atol=1e-4, rtol=1e-5)
    differs = (normal_maps(FACE, again, 64) - normal_maps(FACE, own, 64)).abs().amax(1) > 1e-3
    assert differs.float().mean() < 1e-3


def test_real_landmarks_are_fitted_to_about_a_hundredth_of_the_face(real_data: Path) -> None:
    files = sorted((real_data / "face_landmarks" / "landmarks-dlib68").glob("*/*.json"))
    if not files:
        pytest.skip("no face_landmarks among the real samples")
    landmarks = torch.from_numpy(np.array([json.loads(file.read_text()) for file in files])).float()
    width = landmarks[:, 16, 0] - landmarks[:, 0, 0]
    assert (landmark_error(FACE, fit_landmarks(FACE, landmarks), landmarks) / width).max() < 0.015
