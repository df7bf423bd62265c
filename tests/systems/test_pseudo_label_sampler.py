"""The codes that training draws, and the frames it is shown. Numbers are those of the acceptance list."""

import numpy as np
import pytest
import torch
from scipy import stats

from mutoscope.data import FrameBag, TrainingBatches, clips_from_arrays, open_clips
from mutoscope.media.images import write_image
from mutoscope.systems.draws import Random
from mutoscope.systems.pseudo_label import PseudoLabel

DRAWS = 10_000
RARE = 1e-3  # significance at which a fair sampler would fail once in a thousand seeds; the seed is fixed


@pytest.fixture(scope="module", params=[("normal", (0.0, 1.0)), ("uniform", (-1.0, 1.0))], ids=["paper", "release"])
def sampler(request: pytest.FixtureRequest, small) -> PseudoLabel:
    distribution, c_range = request.param
    return small(z_distribution=distribution, c_range=c_range)


class TestCodes:
    def test_d_is_one_hot_and_every_value_equally_likely(self, sampler):
        """8: χ² over 10,000 draws."""
        codes = sampler.noise(DRAWS, Random(0, 0))
        assert codes["d"].sum(1).eq(1).all()
        assert set(codes["d"].unique().tolist()) == {0.0, 1.0}
        assert torch.equal(codes["d"].argmax(1), codes["k"])
        assert stats.chisquare(codes["d"].sum(0).numpy()).pvalue > RARE

    def test_c_is_uniform_over_its_range(self, sampler):
        """8: each of its values by itself, and none beyond the range."""
        c = sampler.noise(DRAWS, Random(0, 0))["c"].numpy()
        low, high = sampler.config.c_range
        assert c.min() >= low
        assert c.max() <= high
        for column in c.T:
            assert stats.kstest(column, "uniform", args=(low, high - low)).pvalue > RARE
        assert np.abs(np.corrcoef(c.T) - np.eye(c.shape[1])).max() < 0.05

    def test_z_has_the_distribution_of_the_preset(self, sampler):
        """8: N(0, 1) in the paper, U(0, 1) in the authors' code."""
        z = sampler.noise(DRAWS, Random(0, 0))["z"].flatten().numpy()
        if sampler.config.z_distribution == "normal":
            assert abs(z.mean()) < 0.02
            assert z.std() == pytest.approx(1, abs=0.02)
        assert stats.kstest(z, "norm" if sampler.config.z_distribution == "normal" else "uniform").pvalue > RARE

    def test_batches_mix_all_clips(self, sampler):
        """Trap 4: a batch of one d would teach nothing about d."""
        assert sampler.noise(64, Random(0, 0))["d"].any(0).all()

    def test_draws_are_a_function_of_seed_iteration_and_purpose(self, small):
        """18, 19: nothing needs to be replayed on resuming, and the global generator is left alone."""
        system = small()
        before = torch.get_rng_state()

        def z(seed: int = 0, iteration: int = 0) -> list[float]:
            return system.noise(2, Random(seed, iteration))["z"].flatten().tolist()

        assert z() == z()
        different = [z(), z(seed=1), z(iteration=1), Random(0, 0)(1).normal(2, 6).flatten().tolist()]
        assert len({tuple(values) for values in different}) == 4
        assert torch.equal(torch.get_rng_state(), before)


class TestFrames:
    def test_training_is_given_frames_and_nothing_else(self, small):
        """16: neither clip nor time nor label can leak into a system that asks for frames."""
        system = small()
        bag = system.examples(open_clips("sprites", size=16, max_clips=4), system.stage)
        assert set(bag[0]) == {"frame"}
        assert set(bag.__getitems__([3, 1])) == {"frame"}

    def test_the_order_on_disk_does_not_change_what_an_epoch_shows(self, tmp_path):
        """16: the same pictures under other names give the same set of frames per epoch."""
        rng = np.random.default_rng(0)
        pictures = rng.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
        epochs = []
        for folder, order in (("one", range(12)), ("two", rng.permutation(12))):
            for name, index in enumerate(order):
                write_image(tmp_path / folder / f"{name}.png", pictures[index])
            bag = FrameBag(open_clips(tmp_path / folder, size=16))
            batches = TrainingBatches(len(bag), 4)
            shown = [frame for i in range(3) for frame in bag.__getitems__(batches.indices(i))["frame"].numpy()]
            epochs.append(sorted(frame.tobytes() for frame in shown))
        assert epochs[0] == epochs[1] == sorted(picture.tobytes() for picture in pictures)

    def test_frames_of_all_clips_are_shuffled_together(self):
        """16: a batch is not a stretch of one clip."""
        clips = clips_from_arrays([np.full((40, 16, 16, 3), value, np.uint8) for value in range(4)], name="greys")
        bag = FrameBag(clips)
        shown = bag.__getitems__(TrainingBatches(len(bag), 32).indices(0))["frame"][:, 0, 0, 0]
        assert set(shown.tolist()) == {0, 1, 2, 3}


class TestProcesses:
    @pytest.mark.parametrize("world", [2, 4])
    def test_processes_together_draw_what_one_draws_alone(self, small, world):
        """Each its own rows of every number of an iteration."""
        system = small(d_noise=0.3, d_noise_levels="uniform")
        alone = system.noise(8, Random(5, 3))
        parts = [system.noise(8 // world, Random(5, 3, rank=rank, world=world)) for rank in range(world)]
        assert all(torch.equal(torch.cat([part[name] for part in parts]), alone[name]) for name in alone)
