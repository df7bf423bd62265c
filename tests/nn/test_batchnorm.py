"""Batch normalisation over all processes: as torch's with one, as one process with two."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from mutoscope.nn import BatchNorm1d, BatchNorm2d, normalising_parts

SCRIPT = Path(__file__).with_name("global_batch.py")
PAIRS = [(BatchNorm1d, nn.BatchNorm1d), (BatchNorm2d, nn.BatchNorm2d)]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    specification = importlib.util.spec_from_file_location("global_batch", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """What two gloo processes got, half of the batch each."""
    folder = tmp_path_factory.mktemp("processes")
    done = subprocess.run([sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize(("own", "torch_s"), PAIRS)
def test_one_process_is_torch_s_layer(own, torch_s):
    """To the bit, in training and in eval mode, with the same names in the state dictionary."""
    layers = own(5), torch_s(5)
    x = torch.randn(8, 5, *([3, 3] if own is BatchNorm2d else []))
    assert torch.equal(*(layer(x) for layer in layers))
    assert torch.equal(*(layer.eval()(x) for layer in layers))
    states = [layer.state_dict() for layer in layers]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert isinstance(layers[0], torch_s)


def test_parts_of_a_batch_are_normalised_each_by_itself():
    """One pass over two parts is two passes, in outputs and running statistics; eval mode knows no parts."""

    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3), BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 6), BatchNorm1d(6))

    x = torch.cat([torch.randn(8, 3, 4, 4), 3 * torch.randn(8, 3, 4, 4) + 5])
    together, apart = network(), network()
    with normalising_parts(together, 2):
        outputs = together(x)
    assert torch.allclose(outputs, torch.cat([apart(part) for part in x.chunk(2)]), atol=1e-5)
    for name, value in together.state_dict().items():
        assert torch.allclose(value, apart.state_dict()[name], atol=1e-5), name
    assert not torch.allclose(outputs, network()(x), atol=0.1)
    with normalising_parts(together.eval(), 2):
        assert torch.allclose(together(x), apart.eval()(x), atol=1e-5)


@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d"])
class TestTwoProcesses:
    """Against torch's own layer on the whole batch."""

    @staticmethod
    def whole(script: ModuleType, name: str) -> dict[str, torch.Tensor]:
        own, inputs, targets = script.problem(name)
        layer = getattr(nn, name)(5)
        layer.load_state_dict(own.state_dict())
        return script.two_passes(layer, inputs, targets)

    def test_outputs_and_gradients_are_those_of_the_whole_batch(self, script, halves, name):
        """Each process gets its rows; a weight's gradients, which the trainer adds up, add up to the whole."""
        whole = self.whole(script, name)
        for key in ("outputs", "inputs.grad"):
            together = torch.cat([half[name][key] for half in halves], dim=1)
            assert torch.allclose(together, whole[key], atol=1e-4), key
        for key in ("weight.grad", "bias.grad"):
            assert torch.allclose(sum(half[name][key] for half in halves), whole[key], atol=1e-4), key

    def test_running_statistics_are_those_of_the_whole_batch_in_both(self, script, halves, name):
        whole = self.whole(script, name)
        for key in ("running_mean", "running_var", "num_batches_tracked"):
            assert torch.equal(halves[0][name][key], halves[1][name][key])
            assert torch.allclose(halves[0][name][key], whole[key], atol=1e-5), key
