"""What a network costs: parameters, multiply-adds, and which kinds of layers it is made of."""

from typing import TypedDict

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

LAYER_KINDS: dict[str, tuple[type[nn.Module], ...]] = {
    "RNN": (nn.RNNBase, nn.RNNCellBase),
    "C2D": (nn.Conv2d, nn.ConvTranspose2d),
    "C3D": (nn.Conv3d, nn.ConvTranspose3d),
}


class ComputeReport(TypedDict):
    """The cost of a network.

    Attributes:
        parameters: number of weights, frozen ones included.
        macs_per_frame: multiply-adds of the convolutions and matrix products for one frame.
        layers: what it is built of in the terms of Yu et al. 2020, Table 6: "C2D", "C3D", "RNN" or several joined by
            " + "; empty if none.
    """

    parameters: int
    macs_per_frame: int
    layers: str


def compute_report(module: nn.Module, *inputs: object, frames: int = 1, **named_inputs: object) -> ComputeReport:
    """Calls a network once on example inputs and counts.

    The call is made in evaluation mode and without gradients; the module is left as it was.

    Args:
        module: the network.
        inputs: its positional inputs.
        frames: how many frames this one call makes or reads (batch × time).
        named_inputs: its keyword inputs.
    """
    was_training = [part for part in module.modules() if part.training]
    counter = FlopCounterMode(display=False, custom_mapping={torch.ops.aten.mkldnn_rnn_layer: _lstm_flops})
    try:
        # cuDNN would compute a recurrent layer in one operation that the counter does not know.
        with torch.no_grad(), torch.backends.cudnn.flags(enabled=False), counter:
            module.eval()(*inputs, **named_inputs)
    finally:
        for part in was_training:
            part.training = True
    layers = [kind for kind, types in LAYER_KINDS.items() if any(isinstance(part, types) for part in module.modules())]
    return ComputeReport(
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        macs_per_frame=round(counter.get_total_flops() / 2 / frames),
        layers=" + ".join(layers),
    )


def _lstm_flops(
    inputs: torch.Size, input_weights: torch.Size, state_weights: torch.Size, *_: object, **__: object
) -> int:
    """Of one LSTM layer on the CPU, which oneDNN computes in one fused operation (inputs `t b i`)."""
    return 2 * inputs[0] * inputs[1] * (input_weights.numel() + state_weights.numel())
