"""Costs of networks against counts by hand."""

import pytest
import torch
from torch import nn

from mutoscope.metrics import compute_report


def published_generator() -> nn.Module:
    """Table 1 of Yu et al. 2020 for n_z + n_d + n_c = 107."""
    return nn.Sequential(
        *(nn.Linear(107, 1024), nn.BatchNorm1d(1024), nn.ReLU()),
        *(nn.Linear(1024, 8192), nn.BatchNorm1d(8192), nn.ReLU(), nn.Unflatten(1, (128, 8, 8))),
        *(nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.ReLU()),
        *(nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.ConvTranspose2d(32, 3, 4, 2, 1), nn.Tanh()),
    )


class Recurrent(nn.Module):
    """Motion from a recurrent layer, frames from a 2-D deconvolution, as in MoCoGAN."""

    def __init__(self, motion: nn.Module):
        super().__init__()
        self.motion = motion
        self.frame = nn.ConvTranspose2d(10, 3, 4)

    def forward(self, noise):
        return self.frame(self.motion(noise)[0][:, 0, :, None, None])


def test_the_published_generator_costs_what_the_paper_s_tables_imply():
    report = compute_report(published_generator(), torch.zeros(1, 107))
    assert report["parameters"] == 8_691_491
    assert report["macs_per_frame"] == pytest.approx(26.9e6, rel=0.005)
    assert report["layers"] == "C2D"


def test_macs_are_per_frame():
    one, four = (compute_report(published_generator(), torch.zeros(n, 107), frames=n) for n in (1, 4))
    assert one == four


@pytest.mark.parametrize(
    ("network", "inputs", "macs", "layers"),
    [
        (nn.Linear(10, 20), torch.zeros(1, 10), 200, ""),
        (nn.Conv2d(3, 8, 4, 2, 1), torch.zeros(1, 3, 8, 8), 4 * 4 * 8 * 3 * 16, "C2D"),
        (nn.Conv3d(3, 8, 4, 2, 1), torch.zeros(1, 3, 8, 8, 8), 4**3 * 8 * 3 * 64, "C3D"),
        (Recurrent(nn.LSTM(10, 10)), torch.zeros(5, 1, 10), 5 * (800 + 480), "RNN + C2D"),
        (Recurrent(nn.GRU(10, 10)), torch.zeros(5, 1, 10), 5 * (600 + 480), "RNN + C2D"),
    ],
)
def test_layers_are_counted_and_named(network, inputs, macs, layers):
    report = compute_report(network, inputs)
    assert report["macs_per_frame"] == macs
    assert report["layers"] == layers


def test_the_module_is_left_as_it_was():
    network = published_generator().train()
    network[1].eval()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    compute_report(network, input=torch.ones(1, 107))
    assert network.training
    assert not network[1].training
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
