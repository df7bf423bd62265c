"""Weights that the authors' code (github.com/wyhsirius/ImaGINator) saves as G_*.pth, VD_*.pth and ID_*.pth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.nn import read_state
from mutoscope.systems.conversion import Converted, fill, older_names
from mutoscope.systems.imaginator.config import ImaGINatorConfig
from mutoscope.systems.imaginator.system import ImaGINator

# what no tensor tells of the authors' code
RELEASE: dict[str, Any] = {
    "image_size": 64,
    "frame_step": (1, 1),
    "deconv_init": "default",
    "wrong_labels": False,
    "image_frames": 1,
    "lambda_rec": 100.0,
    "rec_reduction": "mean",
    "order": "G first",
    "lr_D": 2e-4,
}
# the labels of their model, in the order of its one-hot inputs
MUG_LABELS = ["sadness", "anger", "surprise", "disgust", "happiness", "fear"]
LEVELS = 4
# our networks: what they are, their names where one file holds several, and the first tensor by which they are known
NETWORKS = {
    "G": ("generator", ("G",), "enc.b1.0.weight", 4),
    "D_V": ("video discriminator", ("D_V", "VD"), "net1.0.weight_orig", 5),
    "D_I": ("image discriminator", ("D_I", "ID"), "net.0.weight_orig", 4),
}


def convert(file: str | Path, D_V: str | Path | None = None, D_I: str | Path | None = None) -> Converted:
    """Read weights that the authors' code of ImaGINator saved.

    Args:
        file: Checkpoint of the generator (G_*.pth).
        D_V: Checkpoint of the video discriminator (VD_*.pth), if there is one.
        D_I: Checkpoint of the image discriminator (ID_*.pth), if there is one.

    Raises:
        InputError: a file cannot be read, or is not what it should be.
    """
    files = {name: path for name, path in {"G": file, "D_V": D_V, "D_I": D_I}.items() if path is not None}
    states = {name: read_network(path, name) for name, path in files.items()}
    arguments, categories = generator_arguments(states["G"], file)
    arguments |= discriminator_arguments(states, files, categories)
    names = MUG_LABELS if categories == len(MUG_LABELS) else [str(k) for k in range(categories)]
    system = ImaGINator.untrained(ImaGINatorConfig(**RELEASE, **arguments, label_names=names))
    for name, state in states.items():
        fill(getattr(system, name), LAYERS[name], state, files[name])
    notes = [f"labels: taken for those of the authors' MUG, {', '.join(names)}"] if names == MUG_LABELS else []
    if missing := [name for name in NETWORKS if name not in files]:
        notes.append(f"{' and '.join(missing)}: untrained, for no file of theirs was given")
    return Converted(system.eval(), notes)


def read_network(file: str | Path, name: str) -> dict[str, Tensor]:
    """The tensors of one network, by the names they have in the authors' code.

    Raises:
        InputError: the file cannot be read, or is not of this network.
    """
    what, names, first, _ = NETWORKS[name]
    state = older_names(read_state(file, *names))
    found = next((n for n, (_, _, key, axes) in NETWORKS.items() if key in state and state[key].ndim == axes), None)
    if found is None:
        fault = f"has {state[first].ndim} axes" if first in state else f"is missing, {min(state)} is unexpected"
        raise InputError(f"{file}: is not the {what} of an ImaGINator ({first} {fault})")
    if found != name:
        raise InputError(f"{file}: is the {NETWORKS[found][0]} of an ImaGINator (expected its {what})")
    return state


def generator_arguments(state: Mapping[str, Tensor], file: str | Path) -> tuple[dict[str, Any], int]:
    """The arguments of the system that these tensors are the generator of, and how many labels it takes.

    Raises:
        InputError: a layer is missing, or the widths leave no room for labels and noise.
    """
    ch, channels = shape_of("enc.b1.0.weight", 4, state, file)[:2]
    d_p = shape_of("enc.b5.0.weight", 4, state, file)[0]
    # what is left beside the decoder's features and the picture's map, and beside the label and the picture's code
    categories = shape_of("dec.to_rgb.conv.0.weight", 5, state, file)[0] - 2 * ch
    d_z = shape_of("dec.block1.conv.0.weight", 5, state, file)[0] - categories - d_p
    if categories < 0 or d_z < 1:
        raise InputError(f"{file}: its widths leave {categories} labels and {d_z} noises (expected 0 and 1 at least)")
    return {"d_z": d_z, "d_p": d_p, "ch": ch, "channels": channels}, categories


def discriminator_arguments(
    states: Mapping[str, Mapping[str, Tensor]], files: Mapping[str, str | Path], categories: int
) -> dict[str, Any]:
    """The arguments that the discriminators decide, where there are any.

    Raises:
        InputError: a layer is missing, they are not equally wide, or D_V takes other labels than the generator.
    """
    judges = [name for name in ("D_V", "D_I") if name in states]
    widths = {name: shape_of(*NETWORKS[name][2:], states[name], files[name])[0] for name in judges}
    if "D_V" in states:
        given = shape_of("net2.0.weight_orig", 5, states["D_V"], files["D_V"])[1] - widths["D_V"]
        if given != categories:
            raise InputError(f"{files['D_V']}: is for {given} labels (expected {categories}, as {files['G']})")
    if len(set(widths.values())) > 1:
        raise InputError(
            f"{files['D_I']}: is {widths['D_I']} channels wide (expected {widths['D_V']}, as {files['D_V']})"
        )
    return {"ch_D": min(widths.values())} if widths else {}


def shape_of(key: str, axes: int, state: Mapping[str, Tensor], file: str | Path) -> tuple[int, ...]:
    """The shape of a tensor that decides an argument.

    Raises:
        InputError: it is missing, empty, or has another number of axes.
    """
    if key not in state:
        raise InputError(f"{file}: {key} is missing")
    shape = tuple(state[key].shape)
    if len(shape) != axes or 0 in shape:
        raise InputError(f"{file}: {key} is of shape {shape} (expected {axes} sides, none of them 0)")
    return shape


def generator_layers() -> dict[str, str]:
    """The layers of our generator, and what the authors' code calls them."""
    layers = {"encoder.code.0": "enc.b5.0"}
    for n in range(LEVELS + 1):
        block = f"dec.block{n + 1}" if n < LEVELS else "dec.to_rgb"
        for i in (0, 1):  # a convolution, and the normalisation after it
            layers[f"decoder.blocks.{n}.0.layers.{i}"] = f"{block}.conv.{i}"
            if n < LEVELS:
                layers[f"encoder.maps.{n}.{i}"] = f"enc.b{n + 1}.{i}"
                layers[f"decoder.blocks.{n}.1.layers.{i}"] = f"{block}.conv.{i + 3}"
    return layers | {f"decoder.blocks.{LEVELS}.1.layers.0": "dec.to_rgb.conv.3"}


LAYERS = {
    "G": generator_layers(),
    "D_V": {"first.0": "net1.0", "layers.0": "net2.0", "layers.2": "net2.2", "layers.4": "net2.4", "last": "net2.6"},
    "D_I": {f"layers.{2 * n}": f"net.{2 * n}" for n in range(LEVELS + 1)},
}
