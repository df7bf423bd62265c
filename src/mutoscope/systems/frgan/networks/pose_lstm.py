"""The pose predictor, G_C for bodies (section 4.2)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.systems.frgan.config import FRGANConfig
from mutoscope.systems.frgan.networks.blocks import init_weights


class PosePredictor(nn.Module):
    """An LSTM that watches poses and goes on: `y = tanh(W h)`.

    A pose is x of all joints, then y of all joints, both in [-1, 1]. With feedback each future step takes the pose read
    from the state before it; otherwise zeros, as in the code of Villegas et al. (2017), which the paper follows.
    """

    def __init__(self, config: FRGANConfig) -> None:
        super().__init__()
        self.config = config
        self.lstm = nn.LSTM(2 * config.joints, config.hidden, batch_first=True)
        self.read = nn.Linear(config.hidden, 2 * config.joints)
        init_weights(self.read)

    def forward(self, observed: Float[Tensor, "b t k"], steps: int) -> Float[Tensor, "b steps k"]:
        """The next `steps` poses, in [-1, 1]; any number of them."""
        h, state = self.lstm(observed)
        if not self.config.feedback:
            h, _ = self.lstm(observed.new_zeros(len(observed), steps, observed.shape[2]), state)
            return self.read(h).tanh()
        poses = [self.read(h[:, -1:]).tanh()]
        for _ in range(steps):
            h, state = self.lstm(poses[-1], state)
            poses.append(self.read(h).tanh())
        return torch.cat(poses[1:], 1)
