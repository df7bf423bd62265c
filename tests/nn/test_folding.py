"""A folded network draws what the network draws in eval mode."""

import copy

import pytest
import torch
from torch import Tensor, nn

from mutoscope.nn import (
    BatchNorm2d,
    BatchNorm3d,
    FoldedCopy,
    SNConv2d,
    SNConvTranspose2d,
    SNConvTranspose3d,
    folded,
    settle_spectral_norms,
)
from mutoscope.systems.g3an import G3ANConfig, Generator

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def as_if_trained(network: nn.Module) -> nn.Module:
    """Batch normalisation as far from neutral as training makes it, attention that adds something."""
    torch.manual_seed(1)
    for name, value in [*network.named_parameters(), *network.named_buffers()]:
        with torch.no_grad():
            if name.endswith("running_var"):
                value.uniform_(0.2, 3)
            elif name.endswith(("running_mean", "gamma")) or (name.endswith("bias") and value.ndim == 1):
                value.normal_(0, 0.5)
    return network


NETWORKS = {
    "spectral": (lambda: nn.Sequential(SNConv2d(3, 4, 3), BatchNorm2d(4), nn.ReLU()), (2, 3, 6, 6)),
    "transposed": (lambda: nn.Sequential(SNConvTranspose2d(3, 4, 4, 2, 1), BatchNorm2d(4), nn.ReLU()), (2, 3, 6, 6)),
    "one pixel": (lambda: nn.Sequential(SNConvTranspose2d(3, 4, 1), BatchNorm2d(4)), (2, 3, 6, 6)),
    "3-D": (lambda: nn.Sequential(SNConvTranspose3d(3, 4, 4, 2, 1), BatchNorm3d(4), nn.ReLU()), (2, 3, 2, 6, 6)),
    "torch's layers": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)), (2, 3, 6, 6)),
    "two in a row": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), BatchNorm2d(4), nn.Conv2d(4, 5, 3), BatchNorm2d(5)),
        (2, 3, 6, 6),
    ),
    "normalised first": (lambda: nn.Sequential(BatchNorm2d(3), nn.ReLU(), SNConv2d(3, 4, 3)), (2, 3, 6, 6)),
}


@pytest.mark.parametrize("kind", NETWORKS)
class TestLayers:
    def test_a_folded_network_draws_the_same(self, kind):
        make, shape = NETWORKS[kind]
        network, x = as_if_trained(make()), torch.randn(shape)
        torch.testing.assert_close(folded(network)(x), network.eval()(x), rtol=1e-5, atol=1e-5)

    def test_a_network_in_training_mode_is_folded_as_in_eval_mode_and_left_alone(self, kind):
        make, shape = NETWORKS[kind]
        network = as_if_trained(make()).train()
        before = copy.deepcopy(network.state_dict())
        x = torch.randn(shape)
        first, second = folded(network)(x), folded(network)(x)
        assert torch.equal(first, second)
        assert network.training
        assert all(weight.requires_grad for weight in network.parameters())
        assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
        torch.testing.assert_close(first, network.eval()(x), rtol=1e-5, atol=1e-5)


def test_normalisation_is_folded_only_into_a_convolution_before_it():
    network = folded(nn.Sequential(nn.Conv2d(3, 4, 3), BatchNorm2d(4), nn.ReLU(), BatchNorm2d(4)))
    assert [type(layer) for layer in network] == [nn.Conv2d, nn.Identity, nn.ReLU, BatchNorm2d]


def test_a_folded_network_can_be_folded_again():
    x = torch.randn(2, 3, 6, 6)
    once = folded(as_if_trained(nn.Sequential(SNConv2d(3, 4, 3), BatchNorm2d(4))))
    assert torch.equal(folded(once)(x), once(x))


class TestGenerator:
    """The generator of G³AN, which is what it is for."""

    @pytest.fixture(params=[{}, {"conv": "2p1d", "fsa_level": None}, {"conv": "3d", "use_S": False}, {"use_T": False}])
    def generator(self, request: pytest.FixtureRequest) -> Generator:
        torch.manual_seed(0)
        choices = {"d_a": 4, "d_m": 3, "image_size": 32, "ch": 8, "fsa_level": 2} | request.param
        return as_if_trained(Generator(G3ANConfig(**choices)))

    def draw(self, network: nn.Module) -> Tensor:
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            return network(torch.randn(2, 4, generator=generator), torch.randn(2, 3, generator=generator), None)

    def test_the_same_clips(self, generator):
        clips = self.draw(folded(generator))
        assert clips.std() > 0.1
        torch.testing.assert_close(clips, self.draw(generator.eval()), rtol=1e-5, atol=1e-5)

    def test_nothing_is_left_to_normalise_or_to_train(self, generator):
        network = folded(generator)
        assert not [layer for layer in network.modules() if isinstance(layer, NORMS)]
        assert not [weight for weight in network.parameters() if weight.requires_grad]
        assert not network.training


class TestKeptCopies:
    def test_the_copy_is_kept_while_nothing_changes(self):
        network, kept = nn.Sequential(SNConv2d(3, 4, 3), BatchNorm2d(4)), FoldedCopy()
        assert kept.of(network) is kept.of(network)

    def test_weights_are_stored_as_asked(self):
        network, kept = nn.Sequential(SNConv2d(3, 4, 3), BatchNorm2d(4)), FoldedCopy()
        settle_spectral_norms(network)  # else outputs are as large as chance has it
        x = torch.randn(2, 3, 6, 6)
        coarse = kept.of(network, torch.bfloat16)
        assert {weight.dtype for weight in coarse.parameters()} == {torch.bfloat16}
        torch.testing.assert_close(coarse(x.bfloat16()).float(), kept.of(network)(x), rtol=0.02, atol=0.05)
        assert next(network.parameters()).dtype == torch.float32

    @pytest.mark.parametrize("change", ["optimizer", "statistics", "state", "another network"])
    def test_it_follows_every_change(self, change):
        network, kept = nn.Sequential(SNConv2d(3, 4, 3), BatchNorm2d(4)), FoldedCopy()
        before, x = kept.of(network), torch.randn(2, 3, 6, 6)
        if change == "optimizer":
            network(x).square().sum().backward()
            torch.optim.Adam(network.parameters(), lr=0.1, fused=True).step()
        elif change == "statistics":
            network.train()(x + 5)
        elif change == "state":
            network.load_state_dict({name: value + 1 for name, value in network.state_dict().items()})
        else:
            network = nn.Sequential(SNConv2d(3, 4, 3), BatchNorm2d(4))
        after = kept.of(network)
        assert after is not before
        torch.testing.assert_close(after(x), network.eval()(x), rtol=1e-5, atol=1e-5)
