"""Every picture and video among the real samples can be read, whole."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mutoscope.media.audio import read_audio
from mutoscope.media.frames import open_frames, read_clip
from mutoscope.media.video import probe, write_video


def test_talking_faces_have_75_frames_and_three_seconds_of_sound(real_data: Path) -> None:
    for path in sorted(real_data.glob("grid/*.mpg")):
        info = probe(path)
        assert (info.frames, info.fps, info.width, info.height, info.audio) == (75, Fraction(25), 360, 288, True)
        assert read_clip(path, max_frames=2).shape == (2, 288, 360, 3)
        sound = read_audio(path)
        assert len(sound) / 16_000 == pytest.approx(info.duration, abs=0.04)  # within a frame
        assert 0.01 < np.abs(sound).max() <= 1


def test_a_talking_face_is_copied_with_its_sound(real_data: Path, tmp_path: Path) -> None:
    path = sorted(real_data.glob("grid/*.mpg"))[0]
    source, sound = open_frames(path), read_audio(path)
    copy = write_video(tmp_path / "copy.mp4", source, source.fps, sound)
    assert probe(copy).frames == sum(1 for _ in source) == 75
    assert probe(copy).duration == probe(path).duration == 3.0
    assert np.corrcoef(read_audio(copy)[: len(sound)], sound[: len(read_audio(copy))])[0, 1] > 0.95


def test_driving_videos_give_as_many_frames_as_they_state(real_data: Path) -> None:
    for path in sorted(real_data.glob("human_videos/*/*.mp4")):
        source = open_frames(path)
        assert sum(1 for _ in source) == source.frame_count == probe(path).frames
        assert source.fps in (10, 25)


def test_action_strips_split_into_tiles(real_data: Path) -> None:
    strips = sorted(real_data.glob("weizmann_actions/*/*.jpg"))
    sources = [open_frames(path) for path in strips]
    assert {(source.kind, source.height, source.width) for source in sources} == {("strip", 64, 64)}
    assert sum(source.frame_count for source in sources) == 5290


@pytest.mark.parametrize("folder", ["openpose/images", "face_landmarks/images"])
def test_frame_folders_are_clips_of_five_frames(real_data: Path, folder: str) -> None:
    (clip,) = (real_data / folder).iterdir()
    assert open_frames(clip).frame_count == len(read_clip(clip)) == 5


def test_subjects_are_single_pictures(real_data: Path) -> None:
    for path in real_data.glob("human_videos/*/*.png"):
        assert read_clip(path).shape[0] == 1
