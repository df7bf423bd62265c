"""One entry for all synthetic sets: repeatable, extensible by count, and clear about what it cannot do."""

import numpy as np
import pytest
import torch

from mutoscope.data.synthetic import NAMES, make_clips
from mutoscope.errors import InputError

each_set = pytest.mark.parametrize("name", NAMES)


@each_set
def test_same_seed_same_bytes_other_seed_others(name):
    first, again, other = (make_clips(name, seed=seed, max_clips=6, frames=4) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first.clips, again.clips, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first.clips, other.clips, strict=True))


@each_set
def test_smaller_set_is_the_beginning_of_a_larger_one(name):
    few, many = (make_clips(name, max_clips=count, frames=4) for count in (3, 9))
    assert len(few.clips) == 3
    assert all(np.array_equal(a, b) for a, b in zip(few.clips, many.clips[:3], strict=True))
    assert few.labels == many.labels[:3]


@each_set
def test_global_generators_are_left_alone(name):
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    make_clips(name, max_clips=2, frames=2)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


@each_set
@pytest.mark.parametrize(("size", "channels"), [(8, 3), (33, 1), (64, 3)])
def test_any_size_and_one_or_three_channels(name, size, channels):
    rendered = make_clips(name, size=size, channels=channels, max_clips=5, frames=3)
    assert {clip.shape for clip in rendered.clips} == {(3, size, size, channels)}
    assert all(frame.max() > 0 for clip in rendered.clips for frame in clip)
    assert len(rendered.clips) == len(rendered.labels) == 5
    assert all([len(values) for values in per_clip] == [3] * 5 for per_clip in rendered.factors.values())
    assert set(rendered.labels) <= set(range(len(rendered.label_names)))


@each_set
def test_a_single_frame_is_a_clip(name):
    assert make_clips(name, max_clips=1, frames=1).clips[0].shape[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "sprits"},
            f"sprits: no such synthetic set (expected one of {', '.join(NAMES)})",
        ),
        ({"name": "shapes", "flavour": 1}, "shapes: unknown argument 'flavour' (expected some of clips, frames)"),
        ({"name": "sprites", "size": 4}, "sprites: size is 4 (expected at least 8)"),
        ({"name": "sprites", "channels": 4}, "sprites: channels is 4 (expected 1 or 3)"),
        ({"name": "sprites", "seed": -1}, "sprites: seed is -1 (expected at least 0)"),
        ({"name": "shapes", "max_clips": 0}, "shapes: max_clips is 0 (expected at least 1)"),
        ({"name": "shapes", "frames": 0}, "shapes: frames is 0 (expected at least 1)"),
    ],
)
def test_bad_arguments_are_named_in_one_line(arguments, message):
    with pytest.raises(InputError) as raised:
        make_clips(**arguments)
    assert str(raised.value) == message
