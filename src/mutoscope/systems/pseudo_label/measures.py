"""What the codes of a trained system do, in figures: the paper's claims and the twin's criteria.

Nothing here enters training: clip, time, label and phase of real frames are known to the evaluation alone.
"""

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from mutoscope.data import Clips, FrameBag
from mutoscope.data.synthetic.sprite_estimators import estimate_phase, estimate_type
from mutoscope.metrics.codes import (
    continuity,
    controllability,
    effect_sizes,
    kendall,
    nmi,
    order_recovery,
    phase_by_pca,
    saturation,
    visible_motion,
)
from mutoscope.metrics.compute import LAYER_KINDS
from mutoscope.systems.labels import one_hot
from mutoscope.systems.pseudo_label.system import PseudoLabel

SWEEP_FRAMES = 10
LAYERS_IN_TIME = (*LAYER_KINDS["C3D"], *LAYER_KINDS["RNN"])


def measure(system: PseudoLabel, clips: Clips, seed: int = 0) -> dict[str, float]:
    """All measures of a system on clips it was not trained on.

    Reading (of the real frames): `nmi_label`, `nmi_clip`, `order_recovery`, `kendall`. Drawing: `d_accuracy` and `c_r2`
    (codes read back from generated frames), `E_d`, `E_c` (effect sizes of the clip and of the strongest code), `E_real`
    (the same between frames of a real clip), `visible_motion`, and, on the sprites, `controllability` with `coverage`
    and `continuity`; `saturation`: how much the picture changes from 20 to 40 times the code's range, as a share of the
    change from one to two times; `layers_in_time`: layers that are three-dimensional or recurrent.
    """
    return reading_measures(system, clips) | drawing_measures(system, clips, seed)


def reading_measures(system: PseudoLabel, clips: Clips) -> dict[str, float]:
    """How the pseudo-labels that D reads from real frames agree with the truth.

    The true order of a sprite's frame is its phase (grouped by type); of any other, its score on its clip's
    first principal component (`order_recovery`) and its time (`order_recovery_time`), clip by clip.
    """
    bag = FrameBag(clips)
    frames = np.concatenate([clips[i].frames for i in range(len(clips))])
    clip, time = bag.hidden()
    read = system.read_labels(frames)
    labels = np.array([-1 if label is None else label for label in clips.column("label")])[clip]
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
        z = system.noise_of(int(z_index.max()) + 1, seed)[z_index]
        return system.synthesise(z=z, d=one_hot(d, system.config.n_d), c=c)

    effects = effect_sizes(render, system.config.n_d, system.config.n_c, -1.0, 1.0, samples=256, seed=seed)
    near, far = saturation(render, system.config.n_d, system.config.n_c, (1.0, 20.0))
    moving = [clips[i].frames for i in range(len(clips)) if len(clips[i].frames) > 1]
    sweeps = sweeps_of_all_codes(system, seed)
    best = sweeps[np.arange(system.config.n_d), strongest_codes(sweeps)]
    measures = {
        "E_d": effects.d,
        "E_c": float(effects.c.max()),
        "E_c_mean": float(effects.c.mean()),
        "E_real": float(np.mean([2 * (clip / 127.5).var(axis=0, ddof=1).mean() for clip in moving])),
        "visible_motion": float(np.mean([visible_motion(sweep, moving) for sweep in best])),
        "saturation": float(far / near) if near > 0 else float("nan"),
        "layers_in_time": float(sum(isinstance(layer, LAYERS_IN_TIME) for layer in system.modules())),
        **codes_read_back(system, seed),
    }
    return measures | (sprite_control(sweeps) if "type" in clips.factors else {})


def sweeps_of_all_codes(system: PseudoLabel, seed: int) -> UInt8[np.ndarray, "d k t h w c"]:
    """Every code swept under every clip, one noise."""
    z, n_d, n_c = system.noise_of(1, seed), system.config.n_d, system.config.n_c
    return np.stack([[system.sweep_frames(z, clip, code, SWEEP_FRAMES) for code in range(n_c)] for clip in range(n_d)])


def strongest_codes(sweeps: UInt8[np.ndarray, "d k t h w c"]) -> np.ndarray:
    """For each clip, the code whose ends differ most."""
    ends = sweeps[:, :, -1].astype(np.float32) - sweeps[:, :, 0]
    return np.square(ends).mean(axis=(2, 3, 4)).argmax(axis=1)


def codes_read_back(system: PseudoLabel, seed: int, samples: int = 1024) -> dict[str, float]:
    """Accuracy of d and R² of c (mean over codes) that D reads from generated frames."""
    z, d, c = system.random_codes(samples, seed)
    read = system.read_labels(system.pixels(z, d, c))
    residual = np.square(read.codes - c.numpy()).mean(0) / c.numpy().var(0)
    return {"d_accuracy": float((read.clip == d.argmax(1).numpy()).mean()), "c_r2": float((1 - residual).mean())}


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
