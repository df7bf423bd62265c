"""C3D (Tran et al. 2015) fine-tuned on UCF101: the Inception score and Fréchet distance of TGAN's and TGANv2's tables.

M. Saito, S. Saito, M. Koyama and S. Kobayashi, "Train sparsely, generate densely", IJCV 2020 (TGANv2). The layers are
named as in the weights that its authors publish, `conv3d_deepnetA_ucf.npz` beside `mean2.npz`; what is done to clips is
what their evaluation does (github.com/pfnet-research/tgan2).
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.metrics.extractors.base import Kind, centre_window, in_batches, with_channels
from mutoscope.metrics.extractors.published import find_file, load_state, read_weights

NAME = "c3d-ucf101"
USUAL_FILES = ("conv3d_deepnetA_ucf.npz",)
MEAN_FILE, MEAN = "mean2.npz", "mean"
SIZE, FRAMES, CLASSES = 112, 16, 101
MEAN_SHAPE = (3, FRAMES, 128, 171)
MEAN_MARGIN = 8
"""Rows and columns of the published mean video before those that TGANv2 uses (TGAN takes the 112 central columns)."""
MEAN_COLOUR = (90.2516, 97.6570, 101.4083)
"""Blue, green and red of an average frame, 0 to 255, where there is no mean video."""
CLIPS_AT_ONCE = 4


class C3D(nn.Module):
    """Clips `n 3 16 112 112`, BGR from 0 to 255 less the mean video, to features: eight convolutions, two full layers.

    Pooling keeps what is left over at the border (Caffe's rule): 7 × 7 positions become 4 × 4.

    Args:
        classes: of the last layer.
        base: channels of the first convolution; the last four have eight times as many.
        width: of the full layers.
    """

    def __init__(self, classes: int = CLASSES, base: int = 64, width: int = 4096) -> None:
        super().__init__()
        self.conv1a = nn.Conv3d(3, base, 3, padding=1)
        self.conv2a = nn.Conv3d(base, 2 * base, 3, padding=1)
        self.conv3a = nn.Conv3d(2 * base, 4 * base, 3, padding=1)
        self.conv3b = nn.Conv3d(4 * base, 4 * base, 3, padding=1)
        self.conv4a = nn.Conv3d(4 * base, 8 * base, 3, padding=1)
        self.conv4b = nn.Conv3d(8 * base, 8 * base, 3, padding=1)
        self.conv5a = nn.Conv3d(8 * base, 8 * base, 3, padding=1)
        self.conv5b = nn.Conv3d(8 * base, 8 * base, 3, padding=1)
        self.fc6 = nn.Linear(8 * base * 4 * 4, width)
        self.fc7 = nn.Linear(width, width)
        self.fc8 = nn.Linear(width, classes)

    def forward(self, clips: Float[Tensor, "n 3 16 112 112"]) -> Float[Tensor, "n k"]:
        """The outputs of `fc7` after the ReLU; `fc8` makes logits of them."""
        x = F.max_pool3d(self.conv1a(clips).relu_(), (1, 2, 2))
        x = F.max_pool3d(self.conv2a(x).relu_(), 2)
        x = F.max_pool3d(self.conv3b(self.conv3a(x).relu_()).relu_(), 2)
        x = F.max_pool3d(self.conv4b(self.conv4a(x).relu_()).relu_(), 2)
        x = F.max_pool3d(self.conv5b(self.conv5a(x).relu_()).relu_(), 2, ceil_mode=True)
        return self.fc7(self.fc6(x.flatten(1)).relu_()).relu_()


class C3DExtractor:
    """4,096 features of clips of at least 16 frames, and the probabilities of UCF101's 101 classes.

    Protocol: the 16 centre frames, grey replicated, 112 × 112 by the bilinear filter between the centres of the corner
    pixels (no antialiasing), BGR, 0 to 255 less the mean video. TGANv2 scales what a network draws by 128 where frames
    have 127.5: its white is 256.

    Attributes:
        name: `c3d-ucf101`; `c3d-ucf101-mean-colour` without a mean video, for these are other features.
        kind: "clip".
        classes: "0" to "100", in the order of UCF101's `classInd.txt`.
        score_splits: in how many parts the Inception score is taken: 1.

    Args:
        file: the weights: TGANv2's `.npz`, or a safetensors or PyTorch file with `conv1a.weight`, `conv1a.bias` and so
            on to `fc8.bias`, and possibly `mean`, the mean video. None looks for `conv3d_deepnetA_ucf.npz` among
            torch.hub's checkpoints. Without `mean` in it, `mean2.npz` is looked for beside it.
        device: where to compute.
        base: of `C3D`, for narrow networks.
        width: of `C3D`, for narrow networks.

    Raises:
        InputError: the file is missing or holds other weights, or the mean video has another shape.
    """

    kind: Kind = "clip"
    score_splits = 1

    def __init__(
        self, file: str | Path | None = None, device: str = "cpu", *, base: int = 64, width: int = 4096
    ) -> None:
        path = find_file(NAME, file, USUAL_FILES)
        state = {
            key.replace("/W", ".weight").replace("/b", ".bias"): value for key, value in read_weights(path).items()
        }
        mean = state.pop(MEAN, None)
        beside = path.with_name(MEAN_FILE)
        if mean is None and beside.is_file():
            mean = read_weights(beside).get(MEAN)
        self.name = NAME if mean is not None else f"{NAME}-mean-colour"
        self.classes = [str(index) for index in range(CLASSES)]
        with torch.device("meta"):  # weights are not drawn only to be overwritten
            self.network = C3D(base=base, width=width)
        self.network.to_empty(device=device)
        load_state(self.network, state, path, "C3D for UCF101")
        self.network.eval()
        self._mean = mean_video(mean, path).to(device)

    def __call__(self, clips: UInt8[np.ndarray, "n t h w c"], /) -> Float32[np.ndarray, "n k"]:
        """Features of each clip, at least 0.

        Raises:
            InputError: the clips are shorter than 16 frames.
        """
        return in_batches(self._features, centre_window(clips, FRAMES, NAME), CLIPS_AT_ONCE)

    def probabilities(self, clips: UInt8[np.ndarray, "n t h w c"], /) -> Float32[np.ndarray, "n classes"]:
        """The softmax over the classes.

        Raises:
            InputError: the clips are shorter than 16 frames.
        """
        return in_batches(
            lambda part: self.network.fc8(self._features(part)).softmax(1),
            centre_window(clips, FRAMES, NAME),
            CLIPS_AT_ONCE,
        )

    def _features(self, clips: UInt8[np.ndarray, "n t h w c"]) -> Float[Tensor, "n k"]:
        pixels = torch.from_numpy(with_channels(clips, 3)).to(self._mean.device).permute(0, 4, 1, 2, 3).flip(1).float()
        frames = F.interpolate(pixels.transpose(1, 2).flatten(0, 1), (SIZE, SIZE), mode="bilinear", align_corners=True)
        return self.network(frames.unflatten(0, (-1, FRAMES)).transpose(1, 2) - self._mean)


def mean_video(mean: Tensor | None, file: Path) -> Float[Tensor, "3 t h w"]:
    """What is subtracted from a clip: BGR, 0 to 255, a whole video, or one colour where there is none.

    Args:
        mean: of `MEAN_SHAPE`, of which TGANv2's 112 × 112 pixels are taken, or cut to them already.
        file: names it in messages.

    Raises:
        InputError: it has another shape.
    """
    if mean is None:
        return torch.tensor(MEAN_COLOUR)[:, None, None, None]
    cut = (3, FRAMES, SIZE, SIZE)
    if mean.shape == cut:
        return mean.float()
    if mean.numel() != np.prod(MEAN_SHAPE):
        raise InputError(f"{file}: has a mean video of shape {tuple(mean.shape)} (expected {MEAN_SHAPE} or {cut})")
    place = slice(MEAN_MARGIN, MEAN_MARGIN + SIZE)
    return mean.reshape(MEAN_SHAPE)[:, :, place, place].float()
