"""What a user can do with FRGAN, on systems of a few steps. Numbers are those of the acceptance list."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mutoscope.data import Clips, open_clips
from mutoscope.errors import InputError
from mutoscope.evaluation import Evaluator
from mutoscope.media.frames import read_clip
from mutoscope.media.results import Arrays, Sheet, Table, Video, Videos
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.control import controls_of
from mutoscope.systems.frgan import FRGAN, FRGANConfig
from mutoscope.systems.frgan.generation import in_windows
from mutoscope.systems.frgan.inputs import edited, there_and_back
from mutoscope.systems.frgan.structures import Face, Joints
from mutoscope.systems.loading import load

LENGTH = 48  # frames of a clip of stick people


@pytest.fixture(scope="module")
def body_system(frgan_run: Path) -> FRGAN:
    return load(frgan_run)


@pytest.fixture(scope="module")
def face_system(frgan_face_run: Path) -> FRGAN:
    return load(frgan_face_run)


@pytest.fixture(scope="module")
def walk(bodies: Path) -> Path:
    return sorted(path for path in bodies.rglob("*.npy"))[0]


@pytest.fixture(scope="module")
def jump(bodies: Path) -> Path:
    return sorted(path for path in bodies.rglob("*.npy"))[1]


@pytest.fixture(scope="module")
def smile(faces: Path) -> Path:
    return sorted(path for path in faces.rglob("*.npy"))[0]


def structure_of(clip: Path) -> Path:
    """The file of columns of a clip that `render` wrote."""
    return (clip.parents[1] / "structures" / clip.parent.name / clip.name).with_suffix(".npz")


def rows_of(system: FRGAN, clip: Path) -> np.ndarray:
    """The rows of structure of a clip."""
    with np.load(structure_of(clip)) as columns:
        return system.structure.rows(dict(columns), None, "clip")


def shortened(clip: Path, frames: int, folder: Path) -> Path:
    """The beginning of a clip as a file of its own, with its structure."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / clip.name, np.load(clip)[:frames])
    (folder / "structures").mkdir(exist_ok=True)
    with np.load(structure_of(clip)) as columns:
        np.savez((folder / "structures" / clip.name).with_suffix(".npz"), **{k: v[:frames] for k, v in columns.items()})
    return folder / clip.name


RESULTS: dict[str, tuple[type, int | None]] = {
    "drive": (Video, 8), "forecast": (Video, 35), "chain": (Video, 22), "move": (Video, 24), "layers": (Sheet, None),
    "before_after": (Video, 8), "compare": (Sheet, None), "retarget_sheet": (Sheet, None), "poses": (Sheet, None),
    "structure_table": (Table, 8), "arrays": (Arrays, None), "fidelity": (Table, 9), "refine": (Videos, 2),
    "pair": (Video, 8), "tally": (Table, 1),
}  # fmt: skip
"""What each control gives for clips of 8 frames, and how many frames, rows or videos that are."""


@pytest.mark.parametrize("kind", ["bodies", "faces"])
@pytest.mark.parametrize("name", list(RESULTS))
def test_every_control_gives_its_result(body_system, face_system, walk, jump, smile, tmp_path, name, kind):
    system = {"bodies": body_system, "faces": face_system}[kind]
    clips = [walk, jump] if kind == "bodies" else [smile, smile.parents[1] / "disgust" / "0001.npy"]
    one, other = (shortened(clip, 8, tmp_path / "clips") for clip in clips)
    (tmp_path / "answers.csv").write_text("answer\nyes\n")
    given = {
        **{"video": one, "videos": one.parent, "clips": one.parent, "other": other, "picture": other},
        **{"part": "left wrist" if kind == "bodies" else "expression 0", "answers": tmp_path / "answers.csv"},
    }
    wanted = [p.name for p in controls_of(FRGAN)[name].parameters]
    arguments = {key: value for key, value in given.items() if key in wanted and (name, key) != ("drive", "picture")}
    if kind == "faces" and name in ("forecast", "poses"):
        with pytest.raises(InputError, match=rf"^{name}: this system has not learned to predict poses"):
            getattr(system, name)(**arguments)
        return
    result = getattr(system, name)(**arguments)
    of, count = RESULTS[name]
    assert isinstance(result, of)
    if of is Video:
        assert len(result.frames) == count
    elif of is not Sheet and of is not Arrays:
        assert len(list(result.rows if of is Table else result)) == count
    suffix = result.default_suffix
    saved = result.save(tmp_path / f"result{suffix}")
    assert saved.exists()


def test_all_controls_are_tried():
    assert set(RESULTS) == set(controls_of(FRGAN))


class TestDriving:
    def test_a_video_gives_as_many_frames_from_its_first(self, body_system, walk):
        video = body_system.drive(video=walk)
        assert video.frames.shape == (LENGTH, 16, 16, 3)

    def test_the_same_call_gives_the_same_bytes_and_leaves_the_global_generators_alone(self, body_system, walk):
        before = torch.get_rng_state()
        one, other = (body_system.drive(video=walk, picture=walk).frames for _ in range(2))
        assert np.array_equal(one, other)
        assert torch.equal(torch.get_rng_state(), before)

    @pytest.mark.parametrize("transfer", ["absolute", "delta"])
    @pytest.mark.parametrize("head_motion", [False, True])
    def test_a_face_that_leads_itself_has_its_own_normals(self, face_system, smile, transfer, head_motion):
        """28."""
        rows = rows_of(face_system, smile)
        own = face_system.structure.transferred(rows[0], rows, transfer, head_motion)
        torch.testing.assert_close(
            face_system.maps_of(own), face_system.maps_of(rows), atol=1e-3, rtol=0, msg=lambda m: m
        )

    def test_a_body_that_leads_itself_keeps_its_poses(self, body_system, walk):
        rows = rows_of(body_system, walk)
        own = body_system.structure.transferred(rows[0], rows, "absolute", False)
        np.testing.assert_allclose(own, rows, atol=1e-4)

    def test_a_body_that_is_led_has_its_own_size_and_place(self, body_system, walk):
        """Twice as large and elsewhere, in all frames."""
        rows = rows_of(body_system, walk)
        joints = rows[:, :26] * 2 + 5
        person = np.concatenate([joints, rows[:, 26:]], axis=1)[0]
        led = body_system.structure.transferred(person, rows, "absolute", False)
        np.testing.assert_allclose(led[:, :26], joints, atol=1e-3)

    def test_a_face_that_is_led_keeps_who_it_is_and_where_it_looks(self, face_system, smile):
        rows, person = rows_of(face_system, smile), rows_of(face_system, smile)[0].copy()
        model = face_system.structure.model
        person[: model.n_identity] += 1
        person[-5:] += 0.1
        led = face_system.structure.transferred(person, rows, "absolute", False)
        expression = slice(model.n_identity, model.n_identity + model.n_expression)
        np.testing.assert_allclose(led[:, expression], rows[:, expression], atol=1e-6)
        unchanged = np.r_[: model.n_identity, expression.stop : len(person)]
        np.testing.assert_allclose(led[:, unchanged], np.broadcast_to(person, led.shape)[:, unchanged], atol=1e-6)

    @pytest.mark.parametrize("shape", [(40, 60, 3), (23, 16, 3), (64, 64, 1), (64, 64, 4), (50, 40)])
    def test_pictures_may_have_any_size(self, body_system, walk, tmp_path, shape):
        """Grey, with alpha; joints are in pixels of the picture."""
        picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        np.savez(tmp_path / "joints.npz", joints=np.random.default_rng(1).uniform(5, 15, (1, 13, 2)))
        arguments = {"picture": picture, "picture_structure": tmp_path / "joints.npz", "video": walk, "frames": 2}
        assert body_system.drive(**arguments).frames.shape == (2, 16, 16, 3)
        pasted = body_system.drive(**arguments, paste=True)
        assert pasted.frames.shape == (2, *shape[:2], 3)

    def test_only_what_moves_changes_in_a_whole_picture(self, body_system, walk, tmp_path):
        picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
        joints = np.random.default_rng(1).uniform(30, 40, (1, 13, 2))
        np.savez(tmp_path / "joints.npz", joints=joints)
        video = body_system.drive(
            picture=picture, picture_structure=tmp_path / "joints.npz", video=walk, frames=2, paste=True
        )
        assert np.array_equal(video.frames[:, :20], np.broadcast_to(picture[:20], (2, 20, 80, 3)))
        assert not np.array_equal(video.frames[1], picture)

    def test_pixels_may_be_enlarged(self, body_system, walk):
        small, large = (body_system.drive(video=walk, frames=2, scale=scale).frames for scale in (1, 3))
        assert np.array_equal(large[:, ::3, ::3], small)

    def test_longer_than_the_video_it_goes_there_and_back(self):
        rows = np.arange(4, dtype=np.float32)[:, None]
        assert there_and_back(rows, 9)[:, 0].tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2]
        assert there_and_back(rows[:1], 3)[:, 0].tolist() == [0, 0, 0]

    def test_motion_may_be_edited(self):
        structure, rows = Joints(FRGANConfig()), np.zeros((3, 39), np.float32)
        rows[:, 0], rows[:, 26:] = [1, 2, 4], 1
        plain = {"strength": 1.0, "speed": 1.0, "reverse": False, "hold": 0}

        def x(**edits: Any) -> list[float]:
            result = edited(structure, rows, **(plain | edits))
            assert (result[:, 26:] == 1).all()
            return result[:, 0].tolist()

        assert x() == [1, 2, 4]
        assert x(strength=2.0) == [1, 3, 7]
        assert x(strength=0.0) == [1, 1, 1]
        assert x(reverse=True) == [4, 2, 1]
        assert x(hold=2) == [1, 2, 4, 4, 4]
        assert x(speed=0.5) == [1, 1.5, 2, 3, 4]
        assert x(speed=2.0) == [1, 4]
        assert x(speed=20.0) == [1]

    def test_a_part_that_is_moved_comes_back(self, body_system, walk, monkeypatch):
        drawn = rows_drawn(body_system, monkeypatch)
        len(body_system.move(picture=walk, part="left wrist", by=3, by_y=-2, frames=5).frames)
        (rows,) = drawn
        wrist = body_system.structure.skeleton.joints.index("left wrist")
        moved = rows - rows_of(body_system, walk)[:1]
        share = np.sin(np.linspace(0, np.pi, 5))
        np.testing.assert_allclose(moved[:, 2 * wrist : 2 * wrist + 2], share[:, None] * [3, -2], atol=1e-5)
        assert not np.delete(moved, [2 * wrist, 2 * wrist + 1], axis=1).any()

    def test_videos_in_a_chain_blend_into_each_other(self, body_system, walk, jump, tmp_path, monkeypatch):
        for clip in (walk, jump):
            shortened(clip, 5, tmp_path)
        drawn = rows_drawn(body_system, monkeypatch)
        assert len(body_system.chain(picture=walk, videos=tmp_path, blend=3).frames) == 13
        steps = np.diff(drawn[0][4:9, :26], axis=0)
        np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-4)


def rows_drawn(system: FRGAN, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """What clips are drawn from, as it is drawn."""
    found, clip = [], system.clip

    def spy(picture: np.ndarray, row: np.ndarray, rows: np.ndarray, *options: Any) -> Iterator[np.ndarray]:
        found.append(rows)
        return clip(picture, row, rows, *options)

    monkeypatch.setattr(system, "clip", spy)
    return found


class TestForecasting:
    @pytest.mark.parametrize("frames", [1, 3, 40, 128])
    def test_any_number_of_frames_can_be_foretold(self, body_system, walk, frames):
        """24, 33."""
        assert len(body_system.forecast(video=walk, frames=frames, show_given=False).frames) == frames
        shown = body_system.forecast(video=walk, frames=frames).frames
        assert len(shown) == 3 + frames
        assert np.array_equal(shown[:3], np.load(walk)[:3])

    def test_more_of_the_video_changes_nothing(self, body_system, walk, tmp_path):
        short = shortened(walk, 3, tmp_path)
        one, other = (body_system.forecast(video=video, frames=4).frames for video in (walk, short))
        assert np.array_equal(one, other)

    def test_a_table_of_foretold_poses_is_what_is_drawn(self, body_system, walk, monkeypatch):
        drawn = rows_drawn(body_system, monkeypatch)
        len(body_system.forecast(video=walk, frames=5).frames)
        table = body_system.structure_table(video=walk, predict=5)
        np.testing.assert_allclose(np.array(table.rows, np.float32), drawn[0], atol=1e-5)

    def test_a_table_can_be_edited_and_drive(self, body_system, face_system, walk, smile, tmp_path):
        """Also as a spreadsheet saves it, with a mark at the beginning."""
        for system, clip in ((body_system, walk), (face_system, smile)):
            table = system.structure_table(video=clip).save(tmp_path / "rows.csv")
            expected = system.drive(video=clip).frames
            assert np.array_equal(system.drive(video=clip, structure=table).frames, expected)
            (tmp_path / "marked.csv").write_text(table.read_text(), encoding="utf-8-sig")
            assert np.array_equal(system.drive(video=clip, structure=tmp_path / "marked.csv").frames, expected)


class TestRefining:
    @pytest.mark.parametrize("length", [1, 3, 4, 5, 30, 32])
    @pytest.mark.parametrize("overlap", [False, True])
    def test_as_many_frames_come_out_as_went_in(self, body_system, length, overlap):
        """33: with windows of 4."""
        coarse, rows = torch.zeros(length, 3, 16, 16), np.ones((length, 39), np.float32)
        assert len(list(body_system.refined(iter(coarse), rows, overlap))) == length

    @pytest.mark.parametrize(("length", "hop", "starts"), [(9, 4, [0, 4, 5]), (9, 2, [0, 2, 4, 5]), (3, 4, [0])])
    def test_windows_cover_the_clip_and_the_last_ends_with_it(self, length, hop, starts):
        asked: list[int] = []

        def process(start: int) -> Tensor:
            asked.append(start)
            return torch.arange(start, min(start + 4, length)).float()

        assert torch.stack([*in_windows(process, length, 4, hop)]).tolist() == list(range(length))
        assert asked == starts

    @pytest.mark.parametrize("length", [128, 120])
    def test_128_frames_and_120_in_windows_of_16(self, length):
        """33."""
        frames = [*in_windows(lambda start: torch.arange(start, start + 16).float(), length, 16, 16)]
        assert torch.stack(frames).tolist() == list(range(length))

    def test_overlapping_windows_blend_in_equal_steps(self):
        """50 %: what the earlier says fades out while what the later says fades in."""
        values = iter([0.0, 1.0, 2.0])
        frames = torch.stack([*in_windows(lambda _: torch.full((4,), next(values)), 8, 4, 2)])
        torch.testing.assert_close(frames, torch.tensor([0, 0, 1 / 3, 2 / 3, 4 / 3, 5 / 3, 2, 2]))

    def test_a_window_does_not_depend_on_what_comes_later(self, body_system, walk):
        """33."""
        rows = rows_of(body_system, walk)
        coarse = torch.rand(12, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        whole = torch.stack([*body_system.refined(iter(coarse), rows[:12])])
        beginning = torch.stack([*body_system.refined(iter(coarse[:8]), rows[:8])])
        torch.testing.assert_close(whole[:8], beginning)

    def test_a_window_does_not_depend_on_others_refined_with_it(self, body_system):
        """33."""
        generator = torch.Generator().manual_seed(0)
        clips, maps = (torch.rand(3, n, 4, 16, 16, generator=generator) for n in (3, 13))
        with torch.no_grad():
            together, alone = body_system.G_R(clips, maps).clip, body_system.G_R(clips[1:2], maps[1:2]).clip
        torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)

    def test_clips_of_any_origin_keep_their_names_and_numbers_of_frames(self, body_system, walk, jump, tmp_path):
        """35: a folder, with classes or without."""
        for clip, frames, folder in ((walk, 5, "a"), (jump, 7, "b")):
            shortened(clip, frames, tmp_path / "clips" / folder)
            shutil.move(tmp_path / "clips" / folder / clip.name, tmp_path / "clips" / folder / f"{folder}.npy")
            npz = (tmp_path / "clips" / folder / "structures" / clip.name).with_suffix(".npz")
            npz.rename(npz.with_name(f"{folder}.npz"))
        refined = body_system.refine(clips=tmp_path / "clips")
        refined.save(tmp_path / "out")
        assert len(read_clip(tmp_path / "out" / "a" / "a.mp4")) == 5
        assert len(read_clip(tmp_path / "out" / "b" / "b.mp4")) == 7

    def test_refined_clips_can_be_saved_twice(self, body_system, walk, tmp_path):
        """-o may be repeated."""
        refined = body_system.refine(clips=shortened(walk, 5, tmp_path / "clips"))
        for out in ("one", "two"):
            assert len(list(refined.save(tmp_path / out).iterdir())) == 1

    def test_a_single_clip_of_each_format_is_refined(self, body_system, walk, tmp_path):
        """35: structure named, as the formats have none beside them."""
        frames = Video(np.load(walk)[:5], 8.0)
        for name in ("clip.npy", "clip.gif", "clip.png", "clip.mp4", "folder"):
            frames.save(tmp_path / name)
            videos = list(body_system.refine(clips=tmp_path / name, structure=structure_of(walk)))
            assert [(Path(name).stem, len(video.frames)) for name, video in videos] == [(Path(name).stem, 5)]

    def test_structure_may_lie_in_a_folder_of_its_own(self, body_system, walk, jump, tmp_path):
        (tmp_path / "clips").mkdir()
        (tmp_path / "rows").mkdir()
        for name, clip in (("one", walk), ("two", jump)):
            np.save(tmp_path / "clips" / f"{name}.npy", np.load(clip)[:5])
        shutil.copy(structure_of(walk), tmp_path / "rows" / "one.npz")
        body_system.structure_table(video=jump).save(tmp_path / "rows" / "two.csv")
        videos = dict(body_system.refine(clips=tmp_path / "clips", structure=tmp_path / "rows"))
        assert set(videos) == {"one.mp4", "two.mp4"}
        assert all(len(video.frames) == 5 for video in videos.values())


class TestStreaming:
    def test_nothing_is_drawn_before_it_is_asked_for_and_then_only_what_is(self, body_system, walk, monkeypatch):
        drawn = []
        forecast = body_system.G_M.forecast
        monkeypatch.setattr(body_system.G_M, "forecast", lambda *a: (drawn.append(len(a[1])), forecast(*a))[1])
        video = body_system.drive(video=walk, frames=1000)
        assert not drawn
        next(iter(video))
        assert drawn == [16]

    def test_a_video_can_be_written_twice_with_the_same_bytes(self, body_system, walk, tmp_path):
        video = body_system.drive(video=walk, frames=5)
        one, other = (video.save(tmp_path / f"{name}.gif").read_bytes() for name in "ab")
        assert one == other

    @pytest.mark.parametrize("suffix", [".mp4", ".gif", ".png", ".npy", ""])
    def test_videos_are_written_in_all_formats(self, body_system, walk, tmp_path, suffix):
        """37."""
        path = body_system.drive(video=walk, frames=3).save(tmp_path / f"clip{suffix}")
        assert read_clip(path).shape == (3, 16, 16, 3)

    def test_arrays_hold_all_that_a_clip_is_made_of(self, body_system, walk, tmp_path):
        """37: and Eq. 7 holds of them."""
        path = body_system.arrays(video=walk, frames=5).save(tmp_path / "clip.npz")
        with np.load(path) as arrays:
            shapes = {name: values.shape for name, values in arrays.items()}
            composed = arrays["mask"] * arrays["content"] + (1 - arrays["mask"]) * (
                arrays["real"][0].transpose(2, 0, 1) / 127.5 - 1
            )
            drawn = arrays["forecast"].transpose(0, 3, 1, 2) / 127.5 - 1
        assert shapes == {
            **dict.fromkeys(("real", "forecast", "refined"), (5, 16, 16, 3)),
            **{"mask": (5, 1, 16, 16), "content": (5, 3, 16, 16), "maps": (5, 13, 16, 16)},
            **{"joints": (5, 13, 2), "visible": (5, 13)},
        }
        np.testing.assert_allclose(composed, drawn, atol=1 / 127)

    def test_a_sheet_of_layers_has_a_row_for_each(self, body_system, walk):
        sheet = body_system.layers(video=walk, columns=4)
        assert (sheet.rows, sheet.columns) == (7, 4)


class TestVariants:
    """Systems that lack something, as they can be told to."""

    @pytest.mark.parametrize(
        "variant",
        [{"residual": "diff"}, {"residual": "none"}, {"refine": False}, {"channels": 1}, {"structure": "limbs"}],
        ids=str,
    )
    def test_all_that_they_can_do_they_do(self, small_frgan, walk, variant):
        system = small_frgan(**variant).eval()
        system.trained += 1
        assert len(system.drive(video=walk, frames=3).frames) == 3
        assert system.layers(video=walk, columns=3).columns == 3
        assert "forecast" in system.arrays(video=walk, frames=3).arrays
        assert len(system.forecast(video=walk, frames=3).frames) == 6
        assert system.retarget_sheet(picture=walk, video=walk).columns == 7

    @pytest.mark.parametrize("control", ["drive", "forecast", "layers", "arrays", "fidelity"])
    def test_what_was_not_learned_is_not_done(self, small_frgan, walk, control):
        system = small_frgan().eval()
        with pytest.raises(InputError, match=r"^forecast: this system has not learned to"):
            next(iter(getattr(system, control)(video=walk)))

    @pytest.mark.parametrize(("control", "flags"), [("refine", {}), ("drive", {"refine": True}), ("before_after", {})])
    def test_what_cannot_refine_says_so_at_once(self, small_frgan, walk, control, flags):
        name = "clips" if control == "refine" else "video"
        with pytest.raises(InputError, match=r"^refine: this system has not learned to refine"):
            getattr(small_frgan().eval(), control)(**{name: walk}, **flags)


class TestMeasuring:
    def test_clips_are_followed_from_what_is_given(self, body_system, people):
        for given in (1, 3):
            made = list(body_system.outputs(Conditions.of(people, given)))
            assert [clip.shape for clip in made] == [(6, 16, 16, 3)] * 2
            assert all(np.array_equal(clip[:given], people[i].frames[:given]) for i, clip in enumerate(made))

    def test_clips_without_a_frame_to_follow_are_refused(self, body_system, people):
        with pytest.raises(InputError, match=r"has 6 frames \(expected more than 6\)"):
            list(body_system.outputs(Conditions.of(people, 6)))

    def test_fewer_rows_give_the_same_and_so_do_more_frames(self, body_system, people):
        """Of one clip, and of the beginning of both; what is drawn without refining depends on no later frame."""
        made = list(body_system.outputs(Conditions.of(people, 3)))
        (alone,) = body_system.outputs(Conditions.of(people.subset([1]), 3))
        assert np.array_equal(alone, made[1])
        assert [len(clip) for clip in body_system.outputs(Conditions.of(people, 3, frames=5))] == [5, 5]

    @pytest.mark.parametrize(
        ("columns", "says"),
        [
            ({}, r"^frgan: starts from frames \(expected some"),
            ({"frames": [np.zeros((1, 16, 16, 3), np.uint8)]}, r"^row 0: has no joints \(expected those of penn13"),
            (
                {"frames": [np.zeros((1, 16, 16, 3), np.uint8)], "joints": [np.zeros((4, 13, 2), np.float32)]},
                r"^row 0: has structure of 4 frames \(expected 5\)$",
            ),
        ],
        ids=["noise", "pictures", "too little structure"],
    )
    def test_frames_are_wanted_and_the_structure_of_all(self, body_system, columns, says):
        with pytest.raises(InputError, match=says):
            list(body_system.outputs(Conditions(1, 5, columns)))

    def test_windows_of_real_clips_are_measured_with_their_structure(self, body_system, people):
        figures = Evaluator(people, extractors=[], clips=4, frames=4, resamples=0, pairing="start").measure(body_system)
        assert figures["samples[clips]"].value == 4
        assert 0 < figures["psnr"].value < 60

    def test_what_it_is_asked_itself(self, body_system, people):
        measures = body_system.measure(people)
        assert {"psnr", "psnr_coarse", "psnr_copy", "psnr_predicted", "pose_error", "pose_error_copy"} <= set(measures)
        assert {"mask_moving", "mask_standing"} <= set(measures)
        assert measures == body_system.measure(people)

    @pytest.fixture(scope="class")
    @classmethod
    def people(cls) -> Clips:
        return open_clips("stick_people", size=16, max_clips=2, frames=6, seed=3)


def test_kinds_of_structure_name_their_numbers(body_system, face_system):
    assert isinstance(body_system.structure, Joints)
    assert isinstance(face_system.structure, Face)
    for system, width in ((body_system, 39), (face_system, face_system.structure.model.n_parameters)):
        names = system.structure.columns()
        assert len(names) == len(set(names)) == width
