"""Published networks: their layouts, their arithmetic, and what is said when their files are missing or wrong."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.metrics import Classifier, Extractor, PixelPCA, open_extractor
from mutoscope.metrics.extractors.c3d import C3D, C3DExtractor, mean_video
from mutoscope.metrics.extractors.inception import InceptionV3, average, tensorflow_resize
from mutoscope.metrics.extractors.resnext import MEAN, ResNeXt101


def parameters(network: nn.Module) -> int:
    return sum(each.numel() for each in network.parameters())


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="session")
def inception() -> InceptionV3:
    torch.manual_seed(0)
    return InceptionV3().eval()


@pytest.fixture(scope="session")
def inception_file(inception: InceptionV3, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As an older file: without counters of batches."""
    file = tmp_path_factory.mktemp("inception") / "pt_inception-2015-12-05-6726825d.pth"
    torch.save({key: value for key, value in inception.state_dict().items() if "num_batches" not in key}, file)
    return file


@pytest.fixture(scope="session")
def resnext() -> ResNeXt101:
    torch.manual_seed(0)
    return ResNeXt101().eval()


@pytest.fixture(scope="session")
def resnext_file(resnext: ResNeXt101, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As published: under "state_dict", with the prefix of a parallel network."""
    file = tmp_path_factory.mktemp("resnext") / "resnext-101-kinetics.pth"
    state = {f"module.{key}": value for key, value in resnext.state_dict().items()}
    torch.save({"epoch": 10, "arch": "resnext-101", "state_dict": state}, file)
    return file


class FakeI3D(nn.Module):
    """The published file's signature: checks its input and gives 400 numbers a clip."""

    def forward(self, x: Tensor, rescale: bool = False, resize: bool = False, return_features: bool = False) -> Tensor:
        assert rescale
        assert resize
        assert return_features
        assert x.shape[1] == 3
        assert x.dtype == torch.float32
        return x.mean((2, 3, 4)).repeat(1, 134)[:, :400]


class TooFewFeatures(FakeI3D):
    def forward(self, x: Tensor, rescale: bool = False, resize: bool = False, return_features: bool = False) -> Tensor:
        return x.mean((3, 4)).flatten(1)


@pytest.fixture(scope="session")
def i3d_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("i3d") / "i3d_torchscript.pt"
    torch.jit.script(FakeI3D()).save(str(file))
    return file


def test_inception_has_the_ported_layout(inception):
    state = {key: tuple(value.shape) for key, value in inception.state_dict().items() if "num_batches" not in key}
    assert len(state) == 94 * 5 + 2  # 94 convolutions with four tensors of batch normalisation each, and one layer
    assert parameters(inception) == 23_850_960
    assert state["Conv2d_1a_3x3.conv.weight"] == (32, 3, 3, 3)
    assert state["Mixed_5b.branch5x5_2.conv.weight"] == (64, 48, 5, 5)
    assert state["Mixed_6a.branch3x3.conv.weight"] == (384, 288, 3, 3)
    assert state["Mixed_6b.branch7x7dbl_5.conv.weight"] == (192, 128, 1, 7)
    assert state["Mixed_6e.branch7x7_3.bn.running_var"] == (192,)
    assert state["Mixed_7a.branch7x7x3_2.conv.weight"] == (192, 192, 1, 7)
    assert state["Mixed_7b.branch3x3_2b.conv.weight"] == (384, 384, 3, 1)
    assert state["Mixed_7c.branch3x3dbl_1.conv.weight"] == (448, 2048, 1, 1)
    assert state["fc.weight"] == (1008, 2048)


@pytest.mark.parametrize("dims", [64, 192, 768, 2048, None])
def test_inception_gives_features_of_every_depth(inception, dims):
    with torch.inference_mode():
        assert inception(torch.rand(1, 3, 75, 75), dims).shape == (1, dims or 1008)


def test_averages_leave_out_the_padding_and_the_last_block_takes_the_maximum(inception):
    ones = torch.ones(1, 1, 4, 4)
    torch.testing.assert_close(average(ones), ones)
    assert not inception.Mixed_7b.last
    assert inception.Mixed_7c.last


def test_resizing_is_that_of_tensorflow_1():
    images = torch.rand(1, 2, 5, 7)
    torch.testing.assert_close(tensorflow_resize(images, 8)[..., 0, 0], images[..., 0, 0])
    ramp = torch.arange(4.0).expand(1, 1, 4, 4)
    doubled = tensorflow_resize(ramp, 8)[0, 0, 0]
    # pixel i lies at i / 2, the edge is repeated; half-pixel centres would start with 0, 0.25
    torch.testing.assert_close(doubled, torch.tensor([0, 0.5, 1, 1.5, 2, 2.5, 3, 3]))


def test_inception_extractor_scales_pixels_replicates_grey_and_is_a_classifier(inception, inception_file):
    extractor = open_extractor(f"inception2048={inception_file}")
    assert isinstance(extractor, Classifier)
    assert (extractor.name, extractor.kind, len(extractor.classes)) == ("inception2048", "frame", 1008)
    frames = noise(2, 299, 299, 1)
    images = (torch.from_numpy(frames).permute(0, 3, 1, 2).float().repeat(1, 3, 1, 1) - 128) / 128
    with torch.inference_mode():
        expected = inception(images)
    np.testing.assert_allclose(extractor(frames), expected, rtol=1e-3, atol=1e-4)
    probabilities = extractor.probabilities(frames[:1, ::4, ::4])
    assert probabilities.shape == (1, 1008)
    assert probabilities.sum() == pytest.approx(1, abs=1e-4)


def test_resnext_has_the_published_layout(resnext):
    state = {key: tuple(value.shape) for key, value in resnext.state_dict().items() if "num_batches" not in key}
    assert parameters(resnext) == 47_521_216 + 400 * 2049  # and 48.75 M with 600 classes, as published
    assert state["conv1.weight"] == (64, 3, 7, 7, 7)
    assert state["layer1.0.conv1.weight"] == (128, 64, 1, 1, 1)
    assert state["layer1.0.conv2.weight"] == (128, 4, 3, 3, 3)
    assert state["layer1.0.downsample.0.weight"] == (256, 64, 1, 1, 1)
    assert state["layer3.22.conv3.weight"] == (1024, 512, 1, 1, 1)
    assert state["layer4.0.downsample.1.running_mean"] == (2048,)
    assert state["fc.weight"] == (400, 2048)
    assert "layer2.1.downsample.0.weight" not in state


def test_resnext_extractor_takes_16_centre_frames_less_the_mean_colour(resnext, resnext_file):
    extractor = open_extractor(f"resnext101-2048={resnext_file}")
    assert (extractor.name, extractor.kind) == ("resnext101-2048", "clip")
    seen = []
    extractor.network.forward = lambda clips, dims: seen.append(clips) or torch.zeros(len(clips), 2048)
    clips = noise(1, 20, 112, 112, 3)
    extractor(clips)
    expected = clips[:, 2:18].transpose(0, 4, 1, 2, 3) - np.array(MEAN)[:, None, None, None]
    np.testing.assert_allclose(seen[0], expected, atol=1e-4)
    with torch.inference_mode():
        assert resnext(torch.rand(1, 3, 16, 32, 32)).shape == (1, 2048)
    with pytest.raises(InputError, match=r"resnext101-2048: clips have 15 frames .expected at least 16"):
        extractor(clips[:, :15])


def test_resnext_gives_pool2048_or_fc400(resnext, resnext_file):
    clips = torch.rand(1, 3, 4, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(resnext(clips, dims=400), resnext.fc(resnext(clips)))
    extractor = open_extractor(f"resnext101-400={resnext_file}")
    extractor.network.forward = lambda clips, dims: torch.zeros(len(clips), dims)
    assert extractor.name == "resnext101-400"
    assert extractor(noise(1, 16, 8, 8, 3)).shape == (1, 400)


def test_fc400_needs_the_400_classes_of_kinetics(resnext, tmp_path):
    state = {**resnext.state_dict(), "fc.weight": torch.zeros(600, 2048), "fc.bias": torch.zeros(600)}
    torch.save(state, file := tmp_path / "kinetics-600.pth")
    assert open_extractor(f"resnext101-2048={file}").name == "resnext101-2048"
    with pytest.raises(InputError, match=r"tells 600 classes \(expected 400"):
        open_extractor(f"resnext101-400={file}")


def test_c3d_has_the_published_layout():
    with torch.device("meta"):
        network = C3D()
    state = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    convolutions = ("1a", "2a", "3a", "3b", "4a", "4b", "5a", "5b")
    layers = [*(f"conv{name}" for name in convolutions), "fc6", "fc7", "fc8"]
    assert list(state) == [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    assert state["conv1a.weight"] == (64, 3, 3, 3, 3)
    assert state["conv5b.weight"] == (512, 512, 3, 3, 3)
    assert state["fc6.weight"] == (4096, 8192)
    assert state["fc8.weight"] == (101, 4096)
    assert parameters(network) == 27_655_936 + 8193 * 4096 + 4097 * 4096 + 4097 * 101


@pytest.fixture
def c3d() -> C3D:
    """A sixteenth as wide as the published one, of weights that keep activations near 1."""
    torch.manual_seed(0)
    network = C3D(base=4, width=16).eval()
    for weight in (p for p in network.parameters() if p.ndim > 1):
        nn.init.kaiming_normal_(weight)
    return network


def c3d_file(network: C3D, file: Path, **more: Tensor) -> Path:
    """As the authors of TGANv2 publish it, or as PyTorch or safetensors keep it."""
    state = {key: value.detach() for key, value in network.state_dict().items()} | more
    if file.suffix == ".npz":
        named = {key.replace(".weight", "/W").replace(".bias", "/b"): value.numpy() for key, value in state.items()}
        np.savez(file, **named)
    elif file.suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save(state, file)
    return file


@pytest.mark.parametrize("name", ["conv3d_deepnetA_ucf.npz", "c3d.safetensors", "c3d.pth"])
def test_c3d_extractor_is_bgr_less_the_mean_video_and_a_classifier(c3d, tmp_path, name):
    mean = 255 * torch.rand(3, 16, 128, 171)
    np.savez(tmp_path / "mean2.npz", mean=mean.numpy())
    extractor = C3DExtractor(c3d_file(c3d, tmp_path / name), base=4, width=16)
    assert isinstance(extractor, Classifier)
    assert (extractor.name, extractor.kind, len(extractor.classes)) == ("c3d-ucf101", "clip", 101)
    clips = noise(2, 18, 112, 112, 3)
    blue_first = torch.from_numpy(clips[:, 1:17, ..., ::-1].copy()).permute(0, 4, 1, 2, 3)
    with torch.inference_mode():
        expected = c3d(blue_first - mean[:, :, 8:120, 8:120])
        probabilities = c3d.fc8(expected).softmax(1)
    assert expected.shape == (2, 16)
    np.testing.assert_allclose(extractor(clips), expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(extractor.probabilities(clips), probabilities, rtol=1e-3, atol=1e-5)
    with pytest.raises(InputError, match=r"c3d-ucf101: clips have 15 frames .expected at least 16"):
        extractor(clips[:, :15])


def test_c3d_resizes_between_the_corner_pixels(c3d, tmp_path):
    extractor = C3DExtractor(c3d_file(c3d, tmp_path / "c3d.pth", mean=torch.zeros(3, 16, 112, 112)), base=4, width=16)
    seen = []
    extractor.network.forward = lambda clips: seen.append(clips) or torch.zeros(len(clips), 16)
    ramp = np.repeat(np.arange(0, 250, 10, dtype=np.uint8)[:, None], 25, axis=1)
    extractor(np.broadcast_to(ramp[..., None], (1, 16, 25, 25, 3)))
    torch.testing.assert_close(seen[0][0, 0, 0, :, 0], torch.linspace(0, 240, 112), atol=1e-3, rtol=0)


def test_c3d_without_a_mean_video_gives_other_features_and_says_so(c3d, tmp_path):
    extractor = C3DExtractor(c3d_file(c3d, tmp_path / "c3d.pth"), base=4, width=16)
    assert extractor.name == "c3d-ucf101-mean-colour"
    assert mean_video(None, tmp_path).flatten().tolist() == pytest.approx([90.2516, 97.6570, 101.4083])
    with pytest.raises(InputError, match=r"mean video of shape \(3, 2\)"):
        C3DExtractor(c3d_file(c3d, tmp_path / "c3d.pth", mean=torch.zeros(3, 2)), base=4, width=16)


@pytest.mark.parametrize("name", ["c3d.npz", "c3d.safetensors", "c3d.pth"])
def test_damaged_weights_of_c3d_are_told_in_one_line(c3d, tmp_path, name):
    file = c3d_file(c3d, tmp_path / name)
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(InputError, match=name) as told:
        open_extractor(f"c3d-ucf101={file}")
    assert "\n" not in str(told.value)


def test_i3d_extractor_calls_the_file_as_published(i3d_file):
    extractor = open_extractor("i3d400", file=i3d_file)
    assert isinstance(extractor, Extractor)
    assert (extractor.name, extractor.kind) == ("i3d400", "clip")
    clips = noise(5, 10, 16, 16, 1)
    features = extractor(clips)
    assert features.shape == (5, 400)
    np.testing.assert_allclose(features[:, 0], clips.mean(axis=(1, 2, 3, 4)), rtol=1e-4)
    with pytest.raises(InputError, match=r"clips have 9 frames .expected at least 10"):
        extractor(clips[:, :9])


def test_a_missing_file_says_which_where_and_how_to_name_one(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name, file in (
        ("inception2048", "pt_inception-2015-12-05-6726825d.pth"),
        ("i3d400", "i3d_torchscript.pt"),
        ("resnext101-2048", "resnext-101-kinetics.pth"),
        ("resnext101-400", "resnext-101-kinetics.pth"),
        ("c3d-ucf101", "conv3d_deepnetA_ucf.npz"),
    ):
        with pytest.raises(InputError) as told:
            open_extractor(name)
        assert "\n" not in str(told.value)
        for part in (file, str(tmp_path), f"{name}=FILE"):
            assert part in str(told.value)
    with pytest.raises(InputError, match=r"nowhere.pth: no such file"):
        open_extractor("inception2048=nowhere.pth")


def test_the_usual_folder_is_searched(i3d_file, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    usual = tmp_path / "hub" / "checkpoints" / "i3d_torchscript.pt"
    usual.parent.mkdir(parents=True)
    usual.write_bytes(i3d_file.read_bytes())
    assert open_extractor("i3d400").kind == "clip"


def test_a_wrong_file_gives_one_line(i3d_file, resnext_file, tmp_path):
    junk, numbers, few = tmp_path / "junk.pth", tmp_path / "numbers.pth", tmp_path / "few.pt"
    junk.write_text("no weights")
    torch.save([1, 2], numbers)
    torch.jit.script(TooFewFeatures()).save(str(few))
    attempts = {
        f"inception2048={junk}": "not a checkpoint of PyTorch",
        f"inception64={numbers}": "holds no state_dict",
        f"inception192={resnext_file}": "are not the weights of InceptionV3",
        f"resnext101-2048={numbers}": "holds no state_dict",
        f"i3d400={junk}": "not a TorchScript file",
        f"c3d-ucf101={resnext_file}": "are not the weights of C3D",
    }
    for spec, reason in attempts.items():
        with pytest.raises(InputError, match=reason) as told:
            open_extractor(spec)
        assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="expected 400 a clip"):
        open_extractor(f"i3d400={few}")(noise(1, 10, 16, 16, 3))


def test_specs_name_trained_folders_and_pixels_too(frame_extractor, tmp_path):
    folder = frame_extractor.save(tmp_path / "saved")
    assert open_extractor(folder).name == open_extractor(str(folder)).name == "resnet64-bars"
    assert isinstance(open_extractor("pca64-pixels"), PixelPCA)
    with pytest.raises(
        InputError, match=r"inception2048, .*i3d400, resnext101-2048, resnext101-400, c3d-ucf101, pca64-pixels"
    ):
        open_extractor("vgg")
