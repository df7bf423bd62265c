from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data import TrainingBatches
from mutoscope.errors import InputError


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    """A dataset's length and a batch size that fits."""
    length = draw(st.integers(1, 60))
    return length, draw(st.integers(1, length))


@given(sizes(), st.integers(0, 2**32), st.integers(0, 5))
def test_every_epoch_is_a_permutation_without_its_tail(size: tuple[int, int], seed: int, epoch: int) -> None:
    length, batch_size = size
    batches = TrainingBatches(length, batch_size, seed=seed)
    per_epoch = length // batch_size
    seen = np.concatenate([batches.indices(epoch * per_epoch + i) for i in range(per_epoch)])
    assert len(seen) == per_epoch * batch_size
    assert len(set(seen.tolist())) == len(seen)
    assert set(seen.tolist()) <= set(range(length))


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 30))
def test_the_shares_of_all_processes_make_up_the_batch_of_one(world: int, share: int, iteration: int) -> None:
    length, batch_size = 3 * world * share + 1, world * share
    shares = [TrainingBatches(length, batch_size, rank=rank, world=world).indices(iteration) for rank in range(world)]
    np.testing.assert_array_equal(np.concatenate(shares), TrainingBatches(length, batch_size).indices(iteration))


@given(sizes(), st.integers(0, 20))
def test_resuming_equals_the_tail(size: tuple[int, int], start: int) -> None:
    whole = list(islice(TrainingBatches(*size, seed=3), start + 5))
    assert list(islice(TrainingBatches(*size, seed=3, start=start), 5)) == whole[start:]


def test_epochs_and_seeds_differ() -> None:
    batches = TrainingBatches(100, 100, seed=0)
    assert batches.indices(0).tolist() != batches.indices(1).tolist()
    assert batches.indices(0).tolist() != TrainingBatches(100, 100, seed=1).indices(0).tolist()


def test_the_global_generator_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the very thing that must not move
    TrainingBatches(10, 2).indices(7)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(("length", "batch_size", "world"), [(3, 4, 1), (0, 1, 1), (8, 0, 1), (8, 3, 2)])
def test_batches_that_cannot_be_made_are_refused(length: int, batch_size: int, world: int) -> None:
    with pytest.raises(InputError, match="batch size"):
        TrainingBatches(length, batch_size, world=world)
