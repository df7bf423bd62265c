"""Windows and frames cut from clips, pairs of clips by name, and features asked once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data import clips_from_arrays
from mutoscope.errors import InputError
from mutoscope.evaluation.clips import pairs_by_name, tracks, windows
from mutoscope.evaluation.samples import Examples, evenly, frames_of, stored


def numbered(lengths: list[int], name: str = "numbered"):
    """Clips in which every pixel of frame t of clip i is 10 i + t."""
    frames = [
        np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None] + np.uint8(10 * i), (n, 2, 2, 1)).copy()
        for i, n in enumerate(lengths)
    ]
    return clips_from_arrays(frames, name=name)


@given(count=st.integers(1, 500), wanted=st.integers(1, 600), offset=st.floats(0, 0.999))
def test_places_are_distinct_and_even(count, wanted, offset):
    places = evenly(count, wanted, offset)
    assert len(places) == min(count, wanted)
    assert places.min() >= 0
    assert places.max() < count
    gaps = np.diff(places)
    assert len(gaps) == 0 or (gaps.min() >= 1 and gaps.max() - gaps.min() <= 1)


@given(frames=st.integers(1, 4), step=st.integers(1, 2), wanted=st.integers(1, 30), seed=st.integers(0, 9))
def test_windows_lie_within_one_clip_and_differ(frames, step, wanted, seed):
    clips = numbered([9, 3, 7])
    cut, numbers = windows(clips, wanted, frames, step, seed)
    times = cut[:, :, 0, 0, 0].astype(int) - 10 * numbers[:, None]
    possible = sum(max(n - (frames - 1) * step, 0) for n in (9, 3, 7))
    assert len(cut) == min(wanted, possible)
    assert (np.diff(times, axis=1) == step).all()
    assert len({(i, t) for i, t in zip(numbers, times[:, 0], strict=True)}) == len(cut)
    assert (times.max(axis=1) < np.array([9, 3, 7])[numbers]).all()


def test_too_short_clips_are_told():
    with pytest.raises(InputError, match="numbered: the longest clip has 9 frames \\(expected at least 17"):
        windows(numbered([9, 3]), 4, 9, 2, 0)


def test_frames_are_spread_over_all_clips():
    assert frames_of(numbered([4, 4]), 4)[:, 0, 0, 0].tolist() == [1, 3, 11, 13]
    assert len(frames_of(numbered([4, 4]), 100)) == 8


def test_frames_of_mirrored_clips_are_mirrored():
    pixels = np.random.default_rng(0).integers(256, size=(2, 3, 4, 5, 3), dtype=np.uint8)
    clips = clips_from_arrays(pixels, name="noise")
    frames = frames_of(clips.with_mirrored(), 12)
    np.testing.assert_array_equal(frames[:6], frames_of(clips, 6))
    np.testing.assert_array_equal(frames[6:], frames_of(clips, 6)[:, :, ::-1])


def test_tracks_of_every_second_frame_hold_all_frames():
    found = [track[:, 0, 0, 0].tolist() for track in tracks(numbered([5, 2]), 2)]
    assert found == [[0, 2, 4], [1, 3], [10], [11]]


def test_what_is_stored_is_read_back_and_must_be_of_one_shape():
    arrays = [np.full((3, 2), i, np.uint8) for i in range(5)]
    assert np.array_equal(stored(iter(arrays), "x"), np.stack(arrays))
    with pytest.raises(InputError, match="x: there are none"):
        stored([], "x")
    with pytest.raises(InputError, match="expected one shape"):
        stored([arrays[0], arrays[0][:2]], "x")


def test_pairs_share_their_name_and_as_many_frames_as_both_have():
    generated, real = numbered([3, 6], "made"), numbered([5, 4], "true")
    for clips in (generated, real):
        clips.records[:] = [
            type(record)(f"{clips.name}/{i}.mp4", record.start, record.length, 2, 2)
            for i, record in enumerate(clips.records)
        ]
    pairs = pairs_by_name(generated, real)
    assert [(len(pair.generated), len(pair.real)) for pair in pairs] == [(3, 3), (4, 4)]
    assert pairs[1].real[0, 0, 0, 0] == 10


def test_pairs_need_names_in_common_and_names_of_their_own():
    with pytest.raises(InputError, match="no clip of made is named as one of true \\(expected names such as true"):
        pairs_by_name(numbered([3], "made"), numbered([3], "true"))
    twice = numbered([3, 3])
    twice.records[:] = [type(r)("a/same.mp4", r.start, r.length, 2, 2) for r in twice.records]
    with pytest.raises(InputError, match="has 2 clips named same"):
        pairs_by_name(twice, twice)


def test_features_are_asked_once_and_of_every_frame_of_a_clip():
    class Brightness:
        name, kind, calls = "brightness", "frame", 0

        def __call__(self, batch, /):
            self.calls += 1
            return batch.mean(axis=(1, 2, 3))[:, None]

    extractor = Brightness()
    examples = Examples(numbered([4, 4]).pixels.reshape(2, 4, 2, 2, 1))
    assert np.array_equal(examples.features(extractor)[..., 0], [[0, 1, 2, 3], [10, 11, 12, 13]])
    examples.features(extractor)
    assert extractor.calls == 1
