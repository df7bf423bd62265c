"""What a trained system has learned, in figures: the paper's claims, the twin's criteria and the Animation Score.

Nothing here enters training: clip, time, label and phase of real frames are known to the evaluation alone.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from mutoscope.data import Clips, FrameBag
from mutoscope.data.synthetic.sprite_estimators import estimate_phase, estimate_type
from mutoscope.metrics.animation_score import AnimationScore, best_window, window_frames
from mutoscope.metrics.codes import (
    continuity,
    controllability,
    effect_sizes,
    kendall,
    nmi,
    order_recovery,
    phase_by_pca,
    visible_motion,
)
from mutoscope.metrics.features import PixelPCA
from mutoscope.metrics.frechet import feature_statistics, frechet_distance, frechet_name
from mutoscope.metrics.pixel import psnr, ssim
from mutoscope.systems.pseudo_label.codes import line
from mutoscope.systems.pseudo_label.system import PseudoLabel

SWEEP_FRAMES = 10
FEWEST_FOR_FRECHET = 100


def measure(system: PseudoLabel, clips: Clips, seed: int = 0) -> dict[str, float]:
    """All measures of a system on clips it was not trained on.

    Reading (of the real frames): `nmi_label`, `nmi_clip`, `order_recovery`, `kendall`. Drawing: `d_accuracy` and `c_r2`
    (codes read back from generated frames), `E_d`, `E_c` (effect sizes of the clip and of the strongest code), `E_real`
    (the same between frames of a real clip), `visible_motion`, and, on the sprites, `controllability` with `coverage`
    and `continuity`. Quality: `fid[pca64-pixels]`, `psnr`, `ssim` and the `animation_score` of these three (Eq. 10).
    """
    return (
        reading_measures(system, clips) | drawing_measures(system, clips, seed) | quality_measures(system, clips, seed)
    )


def reading_measures(system: PseudoLabel, clips: Clips) -> dict[str, float]:
    """How the pseudo-labels that D reads from real frames agree with the truth.

    The true order of a sprite's frame is its phase (grouped by type); of any other, its score on its clip's
    first principal component (`order_recovery`) and its time (`order_recovery_time`), clip by clip.
    """
    bag = FrameBag(clips)
    frames = np.concatenate([clips[i].frames for i in range(len(clips))])
    clip, time = bag.hidden()
    read = system.read_labels(frames)
    labels = np.array([-1 if record.label is None else record.label for record in clips.records])[clip]
    measures = {"nmi_clip": nmi(read.clip, clip)}
    if labels.min() >= 0 and labels.max() > 0:
        measures["nmi_label"] = nmi(read.clip, labels)
    if "type" in clips.factors:
        order, groups = np.concatenate(clips.factors["phase"]), labels
    else:
        order, groups = np.concatenate([phase_by_pca(clips[i].frames) for i in range(len(clips))]), clip
        measures["order_recovery_time"] = order_recovery(read.codes, time, clip)
    measures["order_recovery"] = order_recovery(read.codes, order, groups)
    measures["kendall"] = sorted_kendall(system, frames, order, groups)
    return measures


def sorted_kendall(
    system: PseudoLabel, frames: UInt8[np.ndarray, "n h w c"], order: np.ndarray, groups: np.ndarray
) -> float:
    """Mean |Kendall's τ| between the order of `sort_frames` and the true one, over groups sorted each by itself."""
    taus = []
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        if len(members) > 2:
            place = np.empty(len(members))
            place[system.order_frames(frames[members], group_by_clip=False)] = np.arange(len(members))
            taus.append(abs(kendall(place, order[members])))
    return float(np.mean(taus))


def drawing_measures(system: PseudoLabel, clips: Clips, seed: int = 0) -> dict[str, float]:
    """How the codes steer what G draws."""

    def render(z_index: Tensor, d: Tensor, c: Tensor) -> Float[Tensor, "n ch h w"]:
        z = system.noise(int(z_index.max()) + 1, seed)[z_index]
        return system.synthesise(z=z, d=F.one_hot(d, system.n_d).float(), c=c)

    effects = effect_sizes(render, system.n_d, system.n_c, -1.0, 1.0, samples=256, seed=seed)
    moving = [clips[i].frames for i in range(len(clips)) if len(clips[i].frames) > 1]
    sweeps = sweeps_of_all_codes(system, seed)
    best = sweeps[np.arange(system.n_d), strongest_codes(sweeps)]
    measures = {
        "E_d": effects.d,
        "E_c": float(effects.c.max()),
        "E_c_mean": float(effects.c.mean()),
        "E_real": float(np.mean([2 * (clip / 127.5).var(axis=0, ddof=1).mean() for clip in moving])),
        "visible_motion": float(np.mean([visible_motion(sweep, moving) for sweep in best])),
        **codes_read_back(system, seed),
    }
    return measures | (sprite_control(sweeps) if "type" in clips.factors else {})


def quality_measures(system: PseudoLabel, clips: Clips, seed: int = 0, sequences: int = 50) -> dict[str, float]:
    """How real the frames and the sweeps look (sections 8.1, 8.2 of the protocol, with features of our own).

    The Fréchet distance is that of 1,000 random frames to all real ones, on 64 principal components of real pixels.
    PSNR and SSIM are means over sweeps of ten frames, each against the real window most like it; left out where
    no clip is so long.
    """
    real = [clips[i].frames for i in range(len(clips))]
    if clips.total_frames < FEWEST_FOR_FRECHET or max(map(len, real)) < SWEEP_FRAMES:
        return {}
    extractor = PixelPCA().fit(np.concatenate(real))
    drawn = random_frames(system, 1000, seed)
    distance = frechet_distance(
        feature_statistics(drawn, extractor), feature_statistics(np.concatenate(real), extractor)
    )
    pairs = []
    for i in range(sequences):
        z, clip, code = system.noise(1, seed + i), i % system.n_d, i // system.n_d % system.n_c
        sweep = draw_sweep(system, z, clip, code)
        pairs.append((sweep, window_frames(real, best_window(sweep, real), SWEEP_FRAMES)))
    fake, matched = (np.concatenate(side) for side in zip(*pairs, strict=True))
    parts = AnimationScore(
        float(psnr(fake, matched, data_range=255.0).mean()),
        float(ssim(fake, matched, data_range=255.0).mean()),
        distance,
    )
    return {
        frechet_name(extractor): distance,
        "psnr": parts.psnr,
        "ssim": parts.ssim,
        "animation_score": parts.score,
    }


def random_frames(system: PseudoLabel, n: int, seed: int) -> UInt8[np.ndarray, "n h w c"]:
    """Frames with noise and codes drawn as in training."""
    generator = torch.Generator().manual_seed(seed)
    k = torch.randint(system.n_d, (n,), generator=generator)
    c = torch.rand(n, system.n_c, generator=generator) * 2 - 1
    return draw(system, system.noise(n, seed), system.one_hot(k.tolist()), c)


def draw_sweep(system: PseudoLabel, z: Tensor, clip: int, code: int) -> UInt8[np.ndarray, "t h w c"]:
    """Ten frames of one clip, one code moving over its range."""
    return draw(system, z, system.one_hot(clip), line(system.n_c, code, -1, 1, SWEEP_FRAMES))


def draw(system: PseudoLabel, z: Tensor, d: Tensor, c: Tensor) -> UInt8[np.ndarray, "n h w c"]:
    """Frames of codes, with the system's own channels."""
    return np.stack(list(system.frames(z, d, c)))[..., : system.channels]


def sweeps_of_all_codes(system: PseudoLabel, seed: int) -> UInt8[np.ndarray, "d k t h w c"]:
    """Every code swept under every clip, one noise."""
    z = system.noise(1, seed)
    return np.stack([[draw_sweep(system, z, clip, code) for code in range(system.n_c)] for clip in range(system.n_d)])


def strongest_codes(sweeps: UInt8[np.ndarray, "d k t h w c"]) -> np.ndarray:
    """For each clip, the code whose ends differ most."""
    ends = sweeps[:, :, -1].astype(np.float32) - sweeps[:, :, 0]
    return np.square(ends).mean(axis=(2, 3, 4)).argmax(axis=1)


def codes_read_back(system: PseudoLabel, seed: int, samples: int = 1024) -> dict[str, float]:
    """Accuracy of d and R² of c (mean over codes) that D reads from generated frames."""
    generator = torch.Generator().manual_seed(seed)
    k = torch.randint(system.n_d, (samples,), generator=generator)
    c = torch.rand(samples, system.n_c, generator=generator) * 2 - 1
    read = system.read_labels(draw(system, system.noise(samples, seed), system.one_hot(k.tolist()), c))
    residual = np.square(read.codes - c.numpy()).mean(0) / c.numpy().var(0)
    return {"d_accuracy": float((read.clip == k.numpy()).mean()), "c_r2": float((1 - residual).mean())}


def sprite_control(sweeps: UInt8[np.ndarray, "d k t h w c"]) -> dict[str, float]:
    """Control of the sprites' phase, by their analytic estimator; a clip's type is what most frames look like."""
    n_d, n_c, t = sweeps.shape[:3]
    phases = np.empty((n_d, n_c, t))
    for i, clip_sweeps in enumerate(sweeps):
        types = estimate_type(clip_sweeps.reshape(-1, *sweeps.shape[3:]))
        seen = types[types >= 0]
        type_ = int(np.bincount(seen).argmax()) if len(seen) else -1
        for j, sweep in enumerate(clip_sweeps):
            phases[i, j] = estimate_phase(sweep, type_)
    control = controllability(phases)
    spans = np.nan_to_num(phases.max(2) - phases.min(2), nan=-1)
    best = [phases[i, j] for i, j in enumerate(spans.argmax(1)) if spans[i, j] > 0]
    smoothness = [continuity(phase) for phase in best]
    return {
        "controllability": control.correlation,
        "coverage": control.coverage,
        "continuity": float(np.mean(smoothness)) if smoothness else float("nan"),
    }
