"""From the 68 landmarks of a video to morphable face parameters, and from one person's expressions to another's."""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.geometry.morphable_face import LANDMARKS, FaceParameters, MorphableFace
from mutoscope.geometry.rotations import axis_angle, nearest_rotation, rotation_matrix

Transfer = Literal["absolute", "delta"]
JAW = slice(0, 17)
"""Landmarks on the outline of the face, which is another line on the face in every pose."""
ROUNDS = 15


class _State(NamedTuple):
    """Estimates while fitting; scale is a logarithm."""

    identity: Float[Tensor, " k"]
    expression: Float[Tensor, "t e"]
    scale: Float[Tensor, " t"]
    rotation: Float[Tensor, "t 3 3"]
    translation: Float[Tensor, "t 2"]

    def picture(self, vectors: Float[Tensor, "t n 3"]) -> Float[Tensor, "t n 2"]:
        """Directions in mesh space, as seen."""
        seen = (vectors @ self.rotation.transpose(-1, -2))[..., :2] * vectors.new_tensor([1.0, -1.0])
        return seen * self.scale.exp().view(-1, 1, 1)


def fit_landmarks(
    model: MorphableFace, landmarks: Float[Tensor, "t 68 2"], *, noise: float = 0.04, jaw_weight: float = 0.05
) -> Float[Tensor, "t p"]:
    """The most likely parameters of a clip of one person: one identity, an expression and a pose for each frame.

    First the pose of the mean face in closed form, then Gauss-Newton steps of all parameters together. The prior:
    coefficients are normal with the model's deviations, and so are the errors of landmarks.

    Args:
        model: the faces there can be.
        landmarks: dlib's 68, in pixels.
        noise: standard deviation of the landmarks' errors, as a share of the face's size (the root mean square distance
            of its landmarks from their middle). Smaller values follow the landmarks closer, to less likely faces.
        jaw_weight: how much each of the 17 landmarks of the outline counts beside the others.

    Raises:
        InputError: landmarks that are not finite, or all in one place.
    """
    _check(landmarks)
    points = landmarks.double()
    face = model.landmark_model()
    mean, identity_basis, expression_basis = (
        part.double() for part in (face.mean, face.identity_basis, face.expression_basis)
    )
    weights = points.new_ones(LANDMARKS)
    weights[JAW] = jaw_weight
    precisions = [1 / part.double().square() for part in (model.identity_deviations, model.expression_deviations)]
    size = (mean - mean.mean(0)).square().sum(-1).mean().sqrt()
    state = _closed_form(mean, points, weights, model)
    for _ in range(ROUNDS):
        shape = mean + identity_basis @ state.identity + torch.einsum("nxe,te->tnx", expression_basis, state.expression)
        residual = points - state.picture(shape) - state.translation.unsqueeze(1)
        sharpness = weights / (noise * size * state.scale.exp().unsqueeze(-1)).square()
        of_frame = [_seen_basis(state, expression_basis), _pose_derivatives(state, shape)]
        state = _updated(
            state, *_step(state, residual, sharpness, _seen_basis(state, identity_basis), of_frame, precisions)
        )
    found = FaceParameters(
        state.identity.expand(len(points), -1),
        state.expression,
        state.scale.exp().unsqueeze(-1),
        axis_angle(state.rotation),
        state.translation,
    )
    return found.flat().to(landmarks.dtype)


def landmark_error(
    model: MorphableFace, parameters: Float[Tensor, "t p"], landmarks: Float[Tensor, "t 68 2"]
) -> Float[Tensor, " t"]:
    """Root mean square distance of landmarks from those of the parameters, without the outline; in pixels."""
    away = model.landmark_model().posed(parameters)[..., :2] - landmarks
    return away[:, JAW.stop :].square().sum(-1).mean(-1).sqrt()


def retarget(
    model: MorphableFace,
    target: Float[Tensor, " p"],
    reference: Float[Tensor, "t p"],
    *,
    transfer: Transfer = "absolute",
    head_motion: bool = False,
) -> Float[Tensor, "t p"]:
    """The target person with the expressions of a reference (Sec. 4.1).

    Args:
        model: whose parameters they are.
        target: one frame of the person to animate: gives identity and pose.
        reference: the frames of the person who leads.
        transfer: "absolute" takes the expressions as they are; "delta" adds to the target's expression what has changed
            since the reference's first frame, for a reference that does not begin neutral.
        head_motion: whether the head also moves as the reference's does since its first frame.
    """
    person, leader = model.split(target.expand(len(reference), -1)), model.split(reference)
    if transfer == "absolute":
        expression = leader.expression
    else:
        expression = person.expression + leader.expression - leader.expression[:1]
    if not head_motion:
        return person._replace(expression=expression).flat()
    since_first = rotation_matrix(leader.rotation) @ rotation_matrix(leader.rotation[:1]).transpose(-1, -2)
    moved = leader.translation - leader.translation[:1]
    return FaceParameters(
        person.identity,
        expression,
        person.scale * leader.scale / leader.scale[:1],
        axis_angle(since_first @ rotation_matrix(person.rotation)),
        person.translation + moved * person.scale / leader.scale[:1],
    ).flat()


def _check(landmarks: Tensor) -> None:
    for frame, points in enumerate(landmarks):
        if not points.isfinite().all():
            raise InputError(f"landmarks of frame {frame}: some are not finite (expected 68 points in pixels)")
        if (points.amax(0) - points.amin(0) <= 0).any():
            raise InputError(f"landmarks of frame {frame}: lie on a line or in one place (expected those of a face)")


def _closed_form(mean: Tensor, points: Tensor, weights: Tensor, model: MorphableFace) -> _State:
    """The pose of the mean face: the affine map that fits best, and the scaled rotation nearest to it."""
    shares = (weights / weights.sum()).unsqueeze(-1)
    middle, seen_middle = (shares * mean).sum(0), (shares * points).sum(1)
    shape = mean - middle
    upright = (points - seen_middle.unsqueeze(1)) * points.new_tensor([1.0, -1.0])
    affine = upright.transpose(-1, -2) @ (shares * shape) @ torch.linalg.inv(shape.T @ (shares * shape))
    state = _State(
        identity=points.new_zeros(model.n_identity),
        expression=points.new_zeros(len(points), model.n_expression),
        scale=torch.linalg.svdvals(affine).mean(-1).log(),
        rotation=nearest_rotation(affine),
        translation=seen_middle,
    )
    return state._replace(translation=seen_middle - state.picture(middle.expand(len(points), 1, -1)).squeeze(1))


def _seen_basis(state: _State, basis: Tensor) -> Tensor:
    """How landmarks move in the picture with each coefficient (t n 2 k)."""
    directions = basis.movedim(-1, 0).reshape(1, -1, 3).expand(len(state.scale), -1, -1)
    return state.picture(directions).unflatten(1, (basis.shape[-1], -1)).movedim(1, -1)


def _pose_derivatives(state: _State, shape: Tensor) -> Tensor:
    """How landmarks move with the logarithm of the scale, a further turn about each axis, and a shift (t n 2 6)."""
    x, y, z = ((shape @ state.rotation.transpose(-1, -2)) * state.scale.exp().view(-1, 1, 1)).unbind(-1)
    none, one = torch.zeros_like(x), torch.ones_like(x)
    to_right = torch.stack([x, none, z, -y, one, none], dim=-1)
    downwards = torch.stack([-y, z, none, -x, none, one], dim=-1)
    return torch.stack([to_right, downwards], dim=-2)


def _step(
    state: _State,
    residual: Tensor,
    sharpness: Tensor,
    of_identity: Tensor,
    of_frame: list[Tensor],
    precisions: list[Tensor],
) -> tuple[Tensor, Tensor]:
    """The Gauss-Newton step of the identity (k) and of all else (t e+6), frame by frame (Schur's complement)."""
    root = sharpness.sqrt()[:, :, None, None]
    a = (root * of_identity).flatten(1, 2)
    b = (root * torch.cat(of_frame, dim=-1)).flatten(1, 2)
    error = (root.squeeze(-1) * residual).flatten(1)
    pull = torch.cat([precisions[1], error.new_zeros(of_frame[1].shape[-1])])
    frame_matrix = b.transpose(-1, -2) @ b + pull.diag()
    frame_side = torch.einsum("trk,tr->tk", b, error)
    frame_side[:, : len(precisions[1])] -= precisions[1] * state.expression
    coupling = a.transpose(-1, -2) @ b
    solved = torch.linalg.solve(frame_matrix, torch.cat([coupling.transpose(-1, -2), frame_side.unsqueeze(-1)], dim=-1))
    matrix = torch.einsum("trk,trl->kl", a, a) + precisions[0].diag() - (coupling @ solved[..., :-1]).sum(0)
    side = torch.einsum("trk,tr->k", a, error) - precisions[0] * state.identity
    identity = torch.linalg.solve(matrix, side - (coupling @ solved[..., -1:]).sum((0, 2)))
    return identity, solved[..., -1] - solved[..., :-1] @ identity


def _updated(state: _State, identity: Tensor, frames: Tensor) -> _State:
    """The estimates a step further."""
    expression, scale, turn, shift = frames.split([state.expression.shape[-1], 1, 3, 2], dim=-1)
    return _State(
        identity=state.identity + identity,
        expression=state.expression + expression,
        scale=state.scale + scale.squeeze(-1).clamp(-0.5, 0.5),
        rotation=rotation_matrix(turn) @ state.rotation,
        translation=state.translation + shift,
    )
