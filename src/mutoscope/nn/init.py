"""How weights start."""

from torch import nn

LINEAR_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def init_he(module: nn.Module) -> None:
    """Draws the same weights so that signals keep their size through ReLUs: N(0, 2 / fan-in) (He et al. 2015)."""
    for layer in module.modules():
        if isinstance(layer, LINEAR_LAYERS):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")


def init_normal(module: nn.Module, std: float = 0.02) -> None:
    """Draws all linear and convolution weights in `module` from N(0, std²) and zeroes the biases (DCGAN, section 4)."""
    for layer in module.modules():
        if isinstance(layer, LINEAR_LAYERS):
            nn.init.normal_(layer.weight, 0.0, std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
