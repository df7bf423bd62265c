"""What FRGAN has learned: forecasts by true and by predicted structure, before and after refining, beside a still."""

import numpy as np
import torch
from jaxtyping import UInt8

from mutoscope.data.clips import Clips
from mutoscope.data.synthetic.morphable_people import draw_person, render_person
from mutoscope.metrics.forecasting import forecast_measures
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.frgan.coarse import coarse_clips
from mutoscope.systems.frgan.structures import Face, Joints, Rows
from mutoscope.systems.frgan.system import FRGAN

MOST_CLIPS = 64
MOST_FRAMES = 120  # foretold of a clip, as in Table 6
MOST_PAIRS = 32  # of a picture and a reference
MOVES = 24  # grey levels by which a pixel must differ from the source to count as moving; below 8 it stands still
STANDS = 8

Clip = UInt8[np.ndarray, "t h w c"]


def measure(system: FRGAN, clips: Clips, seed: int = 0) -> dict[str, float]:
    """Figures of forecasts of held-out clips; with joints from the last observed frame on, else from the first.

    Returns:
        What `forecast_measures` says, for the system as it draws; with `_coarse` before refining; with `_predicted`
        (and `_predicted_coarse`) by predicted poses; with `_copy` for the source standing still;
        `gap_predicted`, how much larger the MSE is by predicted poses;
        `mask_moving` and `mask_standing`, the mean of the mask where the real frame differs from the source, and where
        it does not;
        `pose_error`, of predicted joints in pixels, and `pose_error_copy`, of the last pose held;
        of another method's clips also `change`, what refining changes; of morphable faces also `retarget_measures`.
    """
    rows = system.structure.rows_of_all(clips, system.config.joint_noise)
    given = system.config.given
    chosen = [i for i in range(len(clips)) if len(rows[i]) > given][:MOST_CLIPS]
    if not chosen:
        return {}
    sources = [(clips[i].frames[given - 1], rows[i][given - 1]) for i in chosen]
    real = [clips[i].frames[given : given + MOST_FRAMES] for i in chosen]
    true_rows = [rows[i][given : given + MOST_FRAMES] for i in chosen]
    if system.config.coarse:
        return refined_measures(system, clips.subset(chosen), [rows[i] for i in chosen])
    measures = {}

    def measured(suffix: str, structure: list[Rows], refine: bool) -> None:
        made = [
            np.stack(list(system.clip(*source, own, refine=refine)))
            for source, own in zip(sources, structure, strict=True)
        ]
        measures.update({f"{name}{suffix}": value for name, value in forecast_measures(made, real).items()})

    refine = system.can_refine
    measured("", true_rows, refine)
    if refine:
        measured("_coarse", true_rows, False)
    if system.can_predict:
        exact = system.structure.rows_of_all(clips)
        predicted = [system.predicted(rows[i][:given], len(true)) for i, true in zip(chosen, true_rows, strict=True)]
        measured("_predicted", predicted, refine)
        if refine:
            measured("_predicted_coarse", predicted, False)
        measures["gap_predicted"] = measures["mse_predicted"] - measures["mse"]
        measures |= pose_errors(system, predicted, [exact[i][given - 1 : given + MOST_FRAMES] for i in chosen])
    still = [np.repeat(frame[None], len(true), axis=0) for (frame, _), true in zip(sources, real, strict=True)]
    measures |= {f"{name}_copy": value for name, value in forecast_measures(still, real).items()}
    return measures | mask_measures(system, sources, true_rows, real) | retarget_measures(system, clips)


def refined_measures(system: FRGAN, clips: Clips, rows: list[Rows]) -> dict[str, float]:
    """Figures of another method's clips of real ones as they are (`_coarse`), and refined."""
    assert system.config.coarse is not None
    given = system.config.given
    times = slice(given, given + MOST_FRAMES)
    coarse = [clip[times] for clip in coarse_clips(system.config.coarse, Conditions.of(clips, given))]
    real = [clips[i].frames[times] for i in range(len(clips))]
    refined = [system.refined_clip(clip, own[times]) for clip, own in zip(coarse, rows, strict=True)]
    before = {f"{name}_coarse": value for name, value in forecast_measures(coarse, real).items()}
    return forecast_measures(refined, real) | before | {"change": change(coarse, refined)}


def change(before: list[Clip], after: list[Clip]) -> float:
    """How much refining changes, in grey levels: 0 where it hands on what it was given."""
    return float(np.mean([np.abs(a.astype(np.int16) - b).mean() for a, b in zip(before, after, strict=True)]))


def retarget_measures(system: FRGAN, clips: Clips) -> dict[str, float]:
    """Expressions carried over to other people, held against the true pictures of them, which only the twin has.

    Returns:
        `mse_retargeted` and `psnr_retargeted`, mean over frames; the same with `_coarse` and with `_copy`, the picture
        standing still; nothing for other clips than those of morphable faces.
    """
    if clips.origin is None or clips.origin.name != "morphable_faces" or not isinstance(system.structure, Face):
        return {}
    rows = system.structure.rows_of_all(clips)
    pairs = [(i, (i + len(clips) // 2 + 1) % len(clips)) for i in range(min(len(clips), MOST_PAIRS))]
    made: dict[str, list[Clip]] = {"": [], "_coarse": [], "_copy": []}
    true = []
    for target, reference in pairs:
        subject = clips[target].subject
        if subject is None or subject == clips[reference].subject:
            continue
        seed, number = subject.rsplit("-", 1)
        carried = system.structure.transferred(rows[target][0], rows[reference], "absolute", False)
        person = draw_person(int(seed), int(number))
        true.append(render_person(person, carried, system.config.image_size, system.config.channels))
        picture = clips[target].frames[0]
        source = (picture, rows[target][0], carried)
        made[""].append(np.stack(list(system.clip(*source))))
        made["_coarse"].append(np.stack(list(system.clip(*source, refine=False))))
        made["_copy"].append(np.repeat(picture[None], len(carried), axis=0))
    measures: dict[str, float] = {}
    for suffix, made_clips in made.items():
        figures = forecast_measures(made_clips, true)
        measures |= {f"{name}_retargeted{suffix}": figures[name] for name in ("mse", "psnr")}
    return measures


def pose_errors(system: FRGAN, predicted: list[Rows], true: list[Rows]) -> dict[str, float]:
    """Mean distances in pixels from the true joints; `true` begins with the last observed pose."""
    structure = system.structure
    assert isinstance(structure, Joints)

    def distance(a: Rows, b: Rows) -> float:
        (one, _), (other, seen) = (structure.split(torch.from_numpy(rows)) for rows in (a, b))
        return float((one - other).norm(dim=-1)[(seen > 0).expand(one.shape[:-1])].mean())

    pairs = list(zip(predicted, true, strict=True))
    return {
        "pose_error": float(np.mean([distance(own, rows[1:]) for own, rows in pairs])),
        "pose_error_copy": float(
            np.mean([distance(np.repeat(rows[:1], len(own), axis=0), rows[1:]) for own, rows in pairs])
        ),
    }


@torch.no_grad()
def mask_measures(
    system: FRGAN, sources: list[tuple[np.ndarray, np.ndarray]], rows: list[Rows], real: list[Clip]
) -> dict[str, float]:
    """The mean of the forecasting network's mask where things move and where they do not; nothing without a mask."""
    if system.config.residual != "mask":
        return {}
    moving, standing = [], []
    for (frame, row), own, true in zip(sources, rows, real, strict=True):
        mask = torch.cat([layers["mask"][:, 0] for layers in system.forecasts(frame, row, own)]).float().cpu().numpy()
        differs = np.abs(true.astype(np.int16) - frame).max(axis=3)
        moving.append(mask[differs >= MOVES])
        standing.append(mask[differs <= STANDS])
    return {"mask_moving": _mean(moving), "mask_standing": _mean(standing)}


def _mean(parts: list[np.ndarray]) -> float:
    values = np.concatenate(parts)
    return float(values.mean()) if len(values) else float("nan")
