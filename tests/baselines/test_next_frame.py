"""The recursive predictor: a frame from those before it, again and again."""

import csv
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mutoscope
from mutoscope.baselines.next_frame import GIVEN, NextFrame, NextFrameConfig, gradient_difference
from mutoscope.data import Clips, clips_from_arrays, open_clips
from mutoscope.errors import InputError
from mutoscope.media.tensors import float_to_uint8
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.control import controls_of
from mutoscope.training import train
from mutoscope.training.options import presets

SMALL = {"image_size": 16, "width": 0.125, "frames": 8}


def small(**choices) -> NextFrame:
    """One that does not copy, as an untrained one would."""
    system = NextFrame.untrained(NextFrameConfig.from_dict(SMALL | choices)).eval()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.nn.init.normal_(system.G.outlet.weight, std=0.1)
    return system


def followed(system: NextFrame, clips: Clips, given: int = GIVEN) -> list[np.ndarray]:
    return list(system.outputs(Conditions.of(clips, given)))


def noise(frames: int, seed: int = 0, size: int = 16, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, size, size, channels), dtype=np.uint8)


def clips_of(*lengths: int) -> Clips:
    return clips_from_arrays([noise(length, seed) for seed, length in enumerate(lengths)], name="noise")


class TestForetelling:
    @pytest.mark.parametrize(("size", "channels", "given"), [(16, 3, 4), (24, 1, 1), (32, 3, 6)])
    def test_frames_have_the_size_and_channels_of_those_given(self, size: int, channels: int, given: int):
        system = small(image_size=size, channels=channels, given=given)
        frames = list(islice(system.foretell(torch.rand(2, given, channels, size, size)), 3))
        assert [frame.shape for frame in frames] == [(2, channels, size, size)] * 3
        assert all(frame.abs().max() <= 1 for frame in frames)

    def test_untrained_it_copies_the_last_frame(self):
        history = torch.rand(2, 4, 3, 16, 16)
        assert torch.equal(NextFrame(NextFrameConfig(**SMALL)).G(history), history[:, -1])

    def test_every_given_frame_counts(self):
        system, history = small(), torch.rand(1, 4, 3, 16, 16, requires_grad=True)
        system.G(history).square().sum().backward()
        assert (history.grad.abs().sum((0, 2, 3, 4)) > 0).all()

    def test_a_frame_is_foretold_from_those_foretold_before(self):
        system = small()
        history = torch.rand(1, 4, 3, 16, 16) * 2 - 1
        one, two, three = islice(system.foretell(history), 3)
        assert torch.equal(next(system.foretell(torch.cat([history[:, 1:], one[:, None]], 1))), two)
        later = torch.cat([history[:, 2:], one[:, None], two[:, None]], 1)
        assert torch.equal(next(system.foretell(later)), three)
        later[:, -1] += 0.1
        assert not torch.equal(next(system.foretell(later)), three)

    def test_a_clip_that_is_too_short_has_rested_on_its_first_frame(self):
        system, clip = small(), noise(2)
        assert torch.equal(system.history_of(clip), system.history_of(clip[[0, 0, 0, 1]]))
        assert torch.equal(system.history_of(noise(9)), system.history_of(noise(9)[-4:]))


class TestClips:
    def test_followed_clips_are_as_long_as_the_real_ones_and_begin_as_they_do(self):
        clips = clips_of(15, 3, 12, 10)
        made = followed(small(), clips)
        assert [len(clip) for clip in made] == [15, 3, 12, 10]
        for i, clip in enumerate(made):
            assert np.array_equal(clip[:GIVEN], clips[i].frames[:GIVEN])
        assert not np.array_equal(made[0][GIVEN:], clips[0].frames[GIVEN:])

    def test_of_the_rest_of_a_real_clip_nothing_is_seen(self):
        one, other = noise(14), noise(14)
        other[8:] = 0
        first, second = followed(small(), clips_from_arrays([one, other], name="two"), given=8)
        assert np.abs(first.astype(int) - second).max() <= 1  # rounding depends on the place in a batch

    def test_more_clips_than_are_made_at_once_come_in_their_order(self):
        system, clips = small(), clips_of(*[6] * 18)
        alone = followed(system, clips.subset([17]), given=4)[0]
        assert np.abs(followed(system, clips, given=4)[17].astype(int) - alone).max() <= 1

    def test_pictures_are_animated_as_if_they_had_stood_still(self):
        system, pictures = small(), noise(3)
        clips = list(system.outputs(Conditions.of_pictures(pictures, 5)))
        assert [clip.shape for clip in clips] == [(5, 16, 16, 3)] * 3
        assert all(np.array_equal(clip[0], picture) for clip, picture in zip(clips, pictures, strict=True))
        history = system.history_of(np.repeat(pictures[:1], 4, axis=0))
        second = float_to_uint8(next(system.foretell(history[None])))[0]
        assert np.abs(clips[0][1].astype(int) - second).max() <= 1

    def test_labels_and_noise_alone_are_refused(self):
        with pytest.raises(InputError, match="label: 0 is given, but next_frame takes none"):
            next(small().outputs(Conditions.of_pictures(noise(1), 4, [0])))
        with pytest.raises(InputError, match="goes on from pictures"):
            next(small().outputs(Conditions(1, 8)))

    def test_forecasts_are_measured_beside_copies(self):
        clips = clips_of(*[GIVEN + 4] * 10, GIVEN)
        measures = small().measure(clips)
        ours = {name for name in measures if not name.endswith("_copy")}
        assert {"mse", "psnr", "psnr_next", "psnr_last", "psnr_still", "psnr_moving", "flicker"} <= ours
        assert {f"{name}_copy" for name in ours} == measures.keys() - ours
        copying = NextFrame(NextFrameConfig(**SMALL)).eval().measure(clips)
        assert all(copying[name] == pytest.approx(copying[f"{name}_copy"]) for name in ours)
        assert small().measure(clips_of(GIVEN)) == {}


class TestControls:
    def test_a_video_and_how_it_goes_on(self):
        system, video = small(), noise(6, size=20)
        assert list(controls_of(NextFrame)) == ["animate", "sheet"]
        shown = system.animate(picture=video, frames=5)
        assert shown.frames.shape == (11, 16, 16, 3)
        assert np.array_equal(shown.frames, list(shown))

    def test_a_strip_of_what_was_foretold(self, tmp_path: Path):
        sheet = small().sheet(picture=noise(1, channels=1), frames=6, columns=4)
        assert (sheet.rows, sheet.columns) == (1, 4)
        assert sheet.save(tmp_path / "sheet.png").stat().st_size > 0


class TestChoices:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"image_size": 20},
            {"image_size": 0},
            {"given": 0},
            {"unroll": 0},
            {"frames": 4},
            {"lambda_gdl": -1.0},
            {"frame_step": [2, 1]},
            {"given": 20_000_000},
            {"betas": [0.9, 1.0]},
        ],
    )
    def test_those_that_cannot_be_are_refused_in_one_line(self, wrong: dict[str, Any]):
        (choice,) = wrong
        with pytest.raises(InputError, match=f"^{choice}: .*$"):
            NextFrameConfig.from_dict(SMALL | wrong)

    def test_presets_hold_full_and_small_ones(self):
        assert {"paper", "tuned", "tiny"} == presets("next_frame").keys()


def test_the_gradient_difference_sees_edges_and_no_brightness():
    edge = torch.zeros(1, 1, 4, 4)
    edge[..., 2:] = 1.0
    assert gradient_difference(edge, edge - 0.5) == 0
    assert gradient_difference(edge, edge.flip(3)) == 0  # a step up or down
    assert gradient_difference(edge, torch.zeros_like(edge)) == pytest.approx(4 / 12)


def run(out: Path, **options) -> Path:
    """Six fast iterations on stick people."""
    values = {"data": "stick_people", "max_clips": 8, "batch_size": 2, "max_steps": 6, "log_every": 1}
    return train("next_frame", out=out, quiet=True, accelerator="cpu", **(SMALL | values | options))


@pytest.fixture(scope="module", params=[1, 3])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    """Runs that foretell one frame or three in training."""
    return request.param, run(tmp_path_factory.mktemp("run") / "run", unroll=request.param)


class TestTraining:
    def test_every_layer_moves(self, trained: tuple[int, Path]):
        system = mutoscope.load(trained[1])
        fresh = NextFrame.untrained(system.config)
        moved = system.state_dict()
        assert not [key for key, weight in fresh.named_parameters() if torch.equal(weight, moved[key])]

    def test_losses_are_logged(self, trained: tuple[int, Path]):
        with (trained[1] / "metrics.csv").open() as file:
            rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        assert len(rows) == 6
        assert {"loss_rec", "loss_gdl"} <= rows[0].keys()
        assert all(np.isfinite(value) for row in rows for value in row.values())

    def test_resuming_gives_what_an_uninterrupted_run_gives(self, trained: tuple[int, Path], tmp_path: Path):
        unroll, whole = trained
        run(tmp_path / "run", unroll=unroll, max_steps=3)
        run(tmp_path / "run", unroll=unroll, resume=True)
        first, second = (mutoscope.load(folder).state_dict() for folder in (whole, tmp_path / "run"))
        assert all(torch.equal(first[key], second[key]) for key in first)

    def test_sheets_start_from_the_clips(self, trained: tuple[int, Path]):
        system = mutoscope.load(trained[1])
        sheet = system.sample_sheet(open_clips("stick_people", size=16, max_clips=3))
        assert (sheet.rows, sheet.columns) == (3, 8)
        assert not system.training

    def test_a_step_learns_from_every_time_of_a_window(self):
        """Frames that are given alone do not enter the loss; all others do."""
        for time in range(8):
            clip = np.full((1, 8, 16, 16, 3), 100, np.uint8)
            clip[0, time] = 200
            system = NextFrame(NextFrameConfig(**SMALL))  # copies
            losses = system.training_step({"clip": torch.from_numpy(clip)}, {}, system.optimizers())
            foretold_wrongly = {0: 0, 1: 0, 2: 0, 3: 1, 7: 1}.get(time, 2)  # itself, and as last frame of the next
            assert float(losses["loss_rec"]) == pytest.approx(foretold_wrongly * (200 / 255) ** 2 / 4, rel=1e-4)
