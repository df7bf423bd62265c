"""What codes do: whether labels and frame order are recovered, and what each code changes in the picture.

Numbers for the properties that Yu et al. 2020 show as pictures only (Figures 1–6).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64, Int, Shaped, UInt8
from torch import Tensor

from mutoscope.errors import InputError

Render = Callable[[Int[Tensor, "n"], Int[Tensor, "n"], Float[Tensor, "n n_c"]], Float[Tensor, "n c h w"]]
"""`render(z_index, d, c)`: images in [-1, 1] for noise number `z_index` (equal numbers, equal noise), discrete code
number `d` and continuous code `c`, one of each an image."""

LOW_PASS = 4
FEWEST_TO_ORDER = 3


def nmi(predicted: Int[np.ndarray, "n"], true: Int[np.ndarray, "n"]) -> float:
    """Normalised mutual information of two labellings, `I(P; T) / mean(H(P), H(T))`, in [0, 1].

    1 means equal up to renaming, 0 independent. The number of labels may differ.
    """
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(true, predicted))


def rank_correlations(values: Float[np.ndarray, "n k"], order: Shaped[np.ndarray, "n"]) -> Float64[np.ndarray, "k"]:
    """Spearman's ρ of each column with `order`, in [-1, 1] (ties share ranks; 0 where either is constant)."""
    from scipy.stats import rankdata

    ranks, order_ranks = rankdata(values, axis=0), rankdata(order)
    ranks, order_ranks = ranks - ranks.mean(axis=0), order_ranks - order_ranks.mean()
    norms = np.sqrt(np.square(ranks).sum(axis=0) * np.square(order_ranks).sum())
    return (order_ranks @ ranks) / np.where(norms > 0, norms, 1)


def order_recovery(
    codes: Float[np.ndarray, "n k"], order: Shaped[np.ndarray, "n"], groups: Int[np.ndarray, "n"]
) -> float:
    """Mean over groups of `max_j |Spearman(c_j, order)|`, in [0, 1]; 1 means some code sorts every group's frames.

    A maximum over k codes is above 0 by chance, the more so the smaller the groups: compare with shuffled `order`.

    Args:
        codes: estimated continuous codes of real frames.
        order: true position of each frame in its motion (time or phase).
        groups: what is sorted separately: the motion type or the clip of each frame.

    Raises:
        InputError: no group has three frames.
    """
    return float(np.mean(list(order_recovery_per_group(codes, order, groups).values())))


def order_recovery_per_group(
    codes: Float[np.ndarray, "n k"], order: Shaped[np.ndarray, "n"], groups: Int[np.ndarray, "n"]
) -> dict[int, float]:
    """`order_recovery` of each group by itself; groups of fewer than three frames, which have no order, are left out.

    Raises:
        InputError: no group has three frames.
    """
    members = {int(group): groups == group for group in np.unique(groups)}
    recovered = {
        group: float(np.abs(rank_correlations(codes[member], order[member])).max())
        for group, member in members.items()
        if member.sum() >= FEWEST_TO_ORDER
    }
    if not recovered:
        raise InputError(f"order recovery: no group has {FEWEST_TO_ORDER} frames or more (expected at least one)")
    return recovered


def kendall(predicted: Shaped[np.ndarray, "n"], true: Shaped[np.ndarray, "n"]) -> float:
    """Kendall's τ-b between two orders: (concordant − discordant) / pairs, in [-1, 1]; 0 where either is constant."""
    from scipy.stats import kendalltau

    return float(np.nan_to_num(kendalltau(predicted, true).statistic))


class Controllability(NamedTuple):
    """How well one continuous code steers the motion: rank correlation and share of the motion covered, each 0 to 1."""

    correlation: float
    coverage: float


def controllability(phases: Float[np.ndarray, "d k t"], phase_range: float = 1.0) -> Controllability:
    """How the codes steer the phase, mean over discrete codes d, each with the continuous code j that does it best.

    Args:
        phases: estimated phase of each generated frame where continuous code j climbs its range in t steps under
            discrete code d. NaN says that no phase could be seen; a sweep with such a frame counts as 0.
        phase_range: width of the whole motion, in the units of `phases`.

    Returns:
        `correlation`, `max_j |Spearman(c_j, phase)|`, and `coverage`, the widest range of phase that a code's sweep
        covers, as a share of `phase_range` (at most 1).
    """
    unseen = np.isnan(phases).any(axis=2)
    seen = np.where(unseen[:, :, None], 0.0, phases)
    steps = np.arange(phases.shape[2])
    correlations = np.stack([np.abs(rank_correlations(sweeps.T, steps)) for sweeps in seen])
    coverages = np.minimum(np.ptp(seen, axis=2) / phase_range, 1.0)
    return Controllability(float(correlations.max(axis=1).mean()), float(coverages.max(axis=1).mean()))


class EffectSizes(NamedTuple):
    """Mean squared change per pixel value, images in [-1, 1], 0 to 4: from another `d`, and from each code of `c`."""

    d: float
    c: Float64[np.ndarray, "n_c"]


def effect_sizes(
    render: Render, n_d: int, n_c: int, low: float, high: float, samples: int = 64, seed: int = 0
) -> EffectSizes:
    """How much of the picture the codes decide, all else equal.

    `E_d = E‖G(d=e_i) − G(d=e_k)‖²` with i ≠ k, and `E_c(j) = E‖G(c_j=low) − G(c_j=high)‖²`, over noise and the other
    codes. The paper's claims, in words: E_d exceeds every E_c(j), and each E_c(j) shrinks as n_c grows.

    Args:
        render: draws images from codes.
        n_d: number of discrete codes; with one, E_d is 0.
        n_c: number of continuous codes.
        low: lower end of the range of a continuous code.
        high: its upper end.
        samples: pairs of images for each effect.
        seed: of the codes.
    """
    rng = np.random.default_rng(seed)
    z_index = torch.arange(samples)
    d = rng.integers(n_d, size=samples)
    other_d = (d + rng.integers(1, max(n_d, 2), size=samples)) % n_d
    c = torch.from_numpy(rng.uniform(low, high, (samples, n_c))).float()
    first, second = torch.from_numpy(d), torch.from_numpy(other_d)
    effect_of_d = (render(z_index, first, c) - render(z_index, second, c)).square().mean()
    effects_of_c = []
    for j in range(n_c):
        at_low, at_high = (render(z_index, first, _with_code(c, j, value)) for value in (low, high))
        effects_of_c.append(float((at_low - at_high).square().mean()))
    return EffectSizes(float(effect_of_d), np.array(effects_of_c))


def saturation(
    render: Render, n_d: int, n_c: int, amplitudes: Sequence[float], samples: int = 16, seed: int = 0
) -> Float64[np.ndarray, "a"]:
    """Mean `|G(a·e_j) − G(2a·e_j)|` for each amplitude a: falls towards 0 where the picture no longer changes (Fig. 5).

    Median over codes j and noises, of images in [-1, 1] (so 0 to 2); the other continuous codes are 0.

    Args:
        render: draws images from codes.
        n_d: number of discrete codes; each sample draws one.
        n_c: number of continuous codes.
        amplitudes: values a.
        samples: noises for each code j.
        seed: of the discrete codes.
    """
    z_index = torch.arange(samples)
    d = torch.from_numpy(np.random.default_rng(seed).integers(n_d, size=samples))
    idle = torch.zeros(samples, n_c)
    changes = np.empty((len(amplitudes), n_c, samples))
    for row, amplitude in enumerate(amplitudes):
        for j in range(n_c):
            near, far = (render(z_index, d, _with_code(idle, j, value)) for value in (amplitude, 2 * amplitude))
            changes[row, j] = (near - far).abs().flatten(1).mean(1).cpu().numpy()
    return np.median(changes, axis=(1, 2))


def continuity(positions: Float[np.ndarray, "t ..."]) -> float:
    """Mean step between neighbours in a sweep ÷ mean step between any two of its frames.

    About 3 / (t + 1) for even motion along a line (at most 0.35 is smooth), about 1 for a shuffled sweep; NaN where
    nothing moves.

    Args:
        positions: where the object is in each frame (a centroid, a phase, …), in any unit.
    """
    from scipy.spatial.distance import pdist

    points = positions.reshape(len(positions), -1)
    neighbours = np.linalg.norm(np.diff(points, axis=0), axis=1).mean()
    any_two = pdist(points).mean()
    return float(neighbours / any_two) if any_two > 0 else float("nan")


def visible_motion(sweep: UInt8[np.ndarray, "t h w c"], real_clips: Sequence[UInt8[np.ndarray, "_ h w c"]]) -> float:
    """Squared low-passed change between the ends of a sweep ÷ that between random frames of the same real clip.

    0 means that nothing visible moves, 1 as much as between two frames of a real clip. The low pass (means over 4 × 4
    pixels) ignores codes hidden in fine texture; no phase estimator is needed.

    Args:
        sweep: generated frames, one continuous code moving over its range.
        real_clips: real clips of the same frame size; those of one frame are passed over.

    Raises:
        InputError: no real clip moves.
    """
    change = np.square(np.subtract(*_low_passed(sweep[[0, -1]]))).mean()
    # The mean squared difference over all pairs of frames is twice the unbiased variance over frames.
    real = [2 * _low_passed(clip).var(axis=0, ddof=1).mean() for clip in real_clips if len(clip) > 1]
    if not any(real):
        raise InputError("visible motion: no real clip moves (expected at least one to compare with)")
    return float(change / np.mean(real))


def phase_by_pca(clip: UInt8[np.ndarray, "t h w c"]) -> Float64[np.ndarray, "t"]:
    """A stand-in for the phase of motion: each frame's score on the first principal component of its clip.

    Frames are low-passed (means over 4 × 4 pixels). For motion that comes and goes, a wave of the hand, where time
    itself is no phase. In units of grey levels; signed so that the last frame is not below the first; zeros where
    nothing moves.
    """
    frames = _low_passed(clip).reshape(len(clip), -1)
    left, strengths, _ = np.linalg.svd(frames - frames.mean(axis=0), full_matrices=False)
    scores = left[:, 0] * strengths[0]
    return scores if scores[-1] >= scores[0] else -scores


def _low_passed(frames: UInt8[np.ndarray, "t h w c"]) -> Float64[np.ndarray, "t y x c"]:
    """Means over 4 × 4 pixels; what remains at the right and lower edge is left out."""
    time, height, width, channels = frames.shape
    rows, columns = height // LOW_PASS, width // LOW_PASS
    whole = frames[:, : rows * LOW_PASS, : columns * LOW_PASS]
    # Sums of small integers over whole rows first: several times faster than one mean over both axes.
    sums = whole.reshape(time, rows, LOW_PASS, -1).sum(axis=2, dtype=np.uint16)
    return sums.reshape(time, rows, columns, LOW_PASS, channels).sum(axis=3, dtype=np.uint16) / LOW_PASS**2


def _with_code(c: Float[Tensor, "n n_c"], j: int, value: float) -> Float[Tensor, "n n_c"]:
    changed = c.clone()
    changed[:, j] = value
    return changed
