"""The networks against Tables 1 and 2 of the paper. Numbers in docstrings are those of the acceptance list."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.nn.init import LINEAR_LAYERS
from mutoscope.systems.pseudo_label import Discriminator, Generator, PseudoLabel, PseudoLabelConfig
from mutoscope.systems.pseudo_label.networks import Reading

SIZES = [(5, 2), (5, 5), (10, 5), (20, 10), (20, 20)]
# published sizes, (n_d, n_c) -> parameters of G and D, in colour and in grey
PARAMETERS = {
    (5, 2): (8_691_491, 8_565_736, 8_690_465, 8_564_712),
    (5, 5): (8_694_563, 8_568_811, 8_693_537, 8_567_787),
    (10, 5): (8_699_683, 8_573_936, 8_698_657, 8_572_912),
    (20, 10): (8_715_043, 8_589_311, 8_714_017, 8_588_287),
    (20, 20): (8_725_283, 8_599_561, 8_724_257, 8_598_537),
}


def codes(n: int, n_z: int = 6, n_d: int = 4, n_c: int = 3) -> dict[str, Tensor]:
    """Random codes of the small system."""
    generator = torch.Generator().manual_seed(1)
    return {
        "z": torch.randn(n, n_z, generator=generator),
        "d": torch.eye(n_d)[torch.arange(n) % n_d],
        "c": torch.rand(n, n_c, generator=generator),
    }


def parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def output_shapes(network: nn.Module, run: Callable[[], object]) -> list[tuple[int, ...]]:
    """Shapes (without the batch) of what every linear and convolution layer gives, in order."""
    shapes: list[tuple[int, ...]] = []
    hooks = [
        layer.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
        for layer in network.modules()
        if isinstance(layer, LINEAR_LAYERS)
    ]
    run()
    for hook in hooks:
        hook.remove()
    return shapes


class TestShapes:
    @pytest.mark.parametrize("channels", [1, 3])
    @pytest.mark.parametrize("mode", ["train", "eval"])
    def test_frames_have_the_size_asked_for_and_lie_in_the_unit_range(self, small, channels, mode):
        """1: any n from 1 in eval mode, from 2 in training mode."""
        G = small(channels=channels).G.train(mode == "train")
        for n in (2, 5) if mode == "train" else (1, 2, 5):
            frames = G(**codes(n))
            assert frames.shape == (n, channels, 16, 16)
            assert frames.min() >= -1
            assert frames.max() <= 1

    def test_readings_are_a_disjoint_split_of_all_outputs(self, small):
        """2: score, d, c, in this order, and nothing left over."""
        D = small().D.eval()
        outputs: list[Tensor] = []
        D.readout.register_forward_hook(lambda _, __, out: outputs.append(out))
        reading = D(torch.zeros(5, 3, 16, 16))
        assert [tuple(part.shape) for part in reading] == [(5, 1), (5, 4), (5, 3)]
        assert torch.equal(torch.cat(reading, dim=1), outputs[0])

    def test_layers_have_the_published_shapes(self):
        """4: from 1024 and 8192 units over 8, 16, 32 to 64 pixels, and back; 38: 64 pixels, width 1 by default."""
        system = PseudoLabel(PseudoLabelConfig())
        o = system.config
        assert (o.n_z, o.n_d, o.n_c, o.image_size) == (100, 20, 10, 64)
        drawn = output_shapes(system.G, lambda: system.G(**codes(2, 100, 20, 10)))
        assert drawn == [(1024,), (8192,), (64, 16, 16), (32, 32, 32), (3, 64, 64)]
        assert system.G.unflatten(torch.zeros(1, 8192)).shape == (1, 128, 8, 8)
        read = output_shapes(system.D, lambda: system.D(torch.zeros(2, 3, 64, 64)))
        assert read == [(32, 32, 32), (64, 16, 16), (128, 8, 8), (1024,), (31,)]

    @pytest.mark.parametrize(("image_size", "width"), [(32, 0.5), (8, 0.25), (24, 0.5), (128, 0.25)])
    def test_other_sizes_and_widths(self, small, image_size, width):
        """38: any multiple of 8, any width."""
        system = small(image_size=image_size, width=width).eval()
        frames = system.G(**codes(2))
        assert frames.shape == (2, 3, image_size, image_size)
        assert system.D(frames).score.shape == (2, 1)

    @pytest.mark.parametrize("image_size", [0, 4, 60, -8])
    def test_a_size_that_cannot_be_halved_three_times_is_refused(self, small, image_size):
        with pytest.raises(InputError, match=r"image_size: .*(multiple of 8|out of range)"):
            small(image_size=image_size)


class TestTables:
    @pytest.mark.parametrize("sizes", SIZES)
    def test_parameter_counts_are_the_published_ones(self, sizes):
        """3: exactly, biases and batch normalisation included."""
        n_d, n_c = sizes
        with torch.device("meta"):
            configs = [PseudoLabelConfig(n_d=n_d, n_c=n_c, channels=channels) for channels in (3, 1)]
            counts = [parameters(network(config)) for config in configs for network in (Generator, Discriminator)]
        assert tuple(counts) == PARAMETERS[sizes]

    def test_literal_table_2_has_as_many_scores_as_noise(self):
        """37: `score_dim=n_z` gives the last width that Table 2 prints."""
        with torch.device("meta"):
            assert parameters(Discriminator(PseudoLabelConfig(n_d=5, n_c=2, score_dim=100))) == 8_667_211

    def test_nothing_is_three_dimensional_or_recurrent(self, small):
        """5: a frame costs the same wherever it stands in an animation."""
        forbidden = (nn.Conv3d, nn.ConvTranspose3d, nn.RNNBase, nn.RNNCellBase)
        assert not [layer for layer in small().modules() if isinstance(layer, forbidden)]

    def test_batch_normalisation_is_where_the_text_puts_it(self, small):
        """6: in G after every layer but the last; in D after the last convolution and the hidden linear layer."""
        kinds = {
            name: [type(layer).__name__ for layer in network.modules() if not list(layer.children())]
            for name, network in (("G", small().G), ("D", small().D))
        }
        assert kinds["G"] == [
            *("Linear", "BatchNorm1d", "ReLU", "Linear", "BatchNorm1d", "ReLU", "Unflatten"),
            *("ConvTranspose2d", "BatchNorm2d", "ReLU", "ConvTranspose2d", "BatchNorm2d", "ReLU"),
            *("ConvTranspose2d", "Tanh"),
        ]
        assert kinds["D"] == [
            *("Conv2d", "LeakyReLU", "Conv2d", "LeakyReLU", "Conv2d", "BatchNorm2d", "LeakyReLU"),
            *("Linear", "BatchNorm1d", "LeakyReLU", "Linear"),
        ]

    @pytest.mark.parametrize(("choice", "count"), [("last", 1), ("all", 3), ("none", 0)])
    def test_normalised_convolutions_of_d_can_be_chosen(self, small, choice, count):
        """6: the paper's code, the later release, and the ablation."""
        layers = list(small(d_conv_bn=choice).D.conv.modules())
        assert sum(isinstance(layer, nn.BatchNorm2d) for layer in layers) == count

    def test_leaks_and_strides(self, small):
        system = small()
        assert {layer.negative_slope for layer in system.D.modules() if isinstance(layer, nn.LeakyReLU)} == {0.2}
        for layer in system.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                assert (layer.kernel_size, layer.stride, layer.padding) == ((4, 4), (2, 2), (1, 1))

    def test_first_weights(self, small):
        """7: N(0, 0.02²), biases zero, batch normalisation neutral."""
        for layer in small(width=1.0, image_size=64, n_z=100).modules():
            if isinstance(layer, LINEAR_LAYERS):
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
                assert abs(layer.weight.mean().item()) < 4 * 0.02 / math.sqrt(layer.weight.numel())
                assert not layer.bias.any()
            elif isinstance(layer, nn.modules.batchnorm._BatchNorm):
                assert layer.weight.eq(1).all()
                assert not layer.bias.any()
                assert (layer.momentum, layer.eps) == (0.1, 1e-5)


class TestCodesCannotBeConfused:
    """9 and trap 2: the authors' training called `G(z, c, d)` on a `forward(z, d, c)`, and nothing complained."""

    def test_codes_are_keyword_only(self, small):
        given = codes(2)
        with pytest.raises(TypeError):
            small().G(given["z"], given["d"], given["c"])

    @pytest.mark.parametrize("wrong", ["swapped", "z", "d", "c"])
    def test_codes_of_other_widths_are_refused_by_name(self, small, wrong):
        """Checked by G itself: also where nobody checks annotations at run time."""
        given = codes(2)
        if wrong == "swapped":
            given["d"], given["c"] = given["c"], given["d"]
        else:
            given[wrong] = torch.zeros(2, 9)
        forward = Generator.forward
        while hasattr(forward, "__wrapped__"):  # without the run-time check of annotations
            forward = forward.__wrapped__
        with pytest.raises(InputError, match=r"has \d columns, the generator was made for \d"):
            forward(small().G, **given)

    def test_a_d_that_is_no_one_hot_is_doubted_where_widths_cannot_tell(self, small):
        """9: with n_d = n_c the shapes agree, so the values are looked at, unless `allow_soft_d` says it is meant."""
        G = small(n_d=3, n_c=3).G.eval()
        given = codes(2, n_d=3, n_c=3)
        swapped = {"z": given["z"], "d": given["c"], "c": given["d"]}
        with pytest.warns(UserWarning, match="are d and c swapped"):
            G(**swapped)

    @pytest.mark.filterwarnings("error")
    def test_one_hot_and_declared_soft_codes_are_not_doubted(self, small):
        G = small(n_d=3, n_c=3).G.eval()
        given = codes(2, n_d=3, n_c=3)
        G(**given)
        G(**(given | {"d": 20 * given["d"]}), allow_soft_d=True)

    def test_d_and_c_have_slots_of_their_own(self, small):
        """Trap 2: the first linear layer sees z, then d, then c (Eq. 8)."""
        G = small().G
        seen: list[Tensor] = []
        G.linear.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        given = codes(3)
        G(**given)
        assert torch.equal(seen[0], torch.cat([given["z"], given["d"], given["c"]], dim=1))


class TestColumns:
    """10 and trap 1: each loss reaches the rows of the last layer that are its own."""

    @staticmethod
    def rows_reached(D: Discriminator, loss: Callable[[Reading], Tensor]) -> list[int]:
        D.zero_grad()
        loss(D(torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)))).backward()
        return D.readout.weight.grad.abs().sum(1).nonzero().flatten().tolist()

    @pytest.mark.parametrize("score_dim", [1, 6])
    def test_each_output_has_its_own_rows(self, small, score_dim):
        """10: score, d and c share the trunk and nothing else."""
        D = small(score_dim=score_dim).D
        assert self.rows_reached(D, lambda reading: reading.score.sum()) == list(range(score_dim))
        assert self.rows_reached(D, lambda reading: reading.d.log_softmax(1)[:, 0].sum()) == [
            score_dim + i for i in range(4)
        ]
        assert self.rows_reached(D, lambda reading: reading.c.square().sum()) == [score_dim + 4 + i for i in range(3)]

    def test_the_authors_column_bug_is_there_on_request(self, small):
        """37 and trap 1: with `compat_bug` realism fights with the first clip, and column 0 is dead."""
        D = small(compat_bug=True).D
        assert self.rows_reached(D, lambda reading: reading.score.sum()) == [1]
        reading = D(torch.randn(4, 3, 16, 16))
        assert torch.equal(reading.score, reading.d[:, :1])


class TestBatchNormalisationTraps:
    """Traps 4 and 8: training-mode batch normalisation removes whatever the whole batch shares."""

    def test_a_d_shared_by_the_batch_is_cancelled_in_training_mode_only(self, small):
        """26 and trap 4: why batches mix all d in training, and why drawing is done in eval mode."""
        G = small().G
        given = codes(8)
        first, second = (given | {"d": torch.eye(4)[[k] * 8]} for k in (0, 1))

        def first_layer(codes: dict[str, Tensor]) -> Tensor:
            return G.linear[:2](torch.cat([codes["z"], codes["d"], codes["c"]], dim=1))

        G.train()
        assert torch.allclose(first_layer(first), first_layer(second), atol=1e-3)
        G.eval()
        assert (first_layer(first) - first_layer(second)).abs().mean() > 0.01

    def test_what_all_fakes_share_is_invisible_to_d_unless_real_frames_are_in_the_batch(self, small):
        """Trap 8: a pattern common to all fakes shifts their features by a constant."""
        trunk = small().D.linear.train()
        features = torch.randn(2, 8, trunk[0].in_features, generator=torch.Generator().manual_seed(0))
        real, fake = features
        shift = torch.linspace(-3, 3, fake.shape[1])
        assert torch.allclose(trunk(fake + shift), trunk(fake), atol=1e-3)
        joint, joint_shifted = (trunk(torch.cat([real, seen]))[8:] for seen in (fake, fake + shift))
        assert (joint_shifted - joint).abs().mean() > 0.1

    def test_joint_batches_let_d_compare_and_separate_ones_do_not(self, small):
        """Trap 8: what D reads from fakes depends on the real frames with `d_batch="joint"` alone."""
        noise = torch.Generator().manual_seed(0)
        dark, bright, fake = (torch.rand(8, 3, 16, 16, generator=noise) + shift for shift in (-1, 0, -0.5))
        for d_batch, depends in (("joint", True), ("separate", False)):
            system = small(d_batch=d_batch)
            readings = [system.read_both(real, fake, None)[1].score for real in (dark, bright)]
            assert torch.equal(*readings) is not depends
