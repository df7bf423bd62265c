"""Weights that the authors' code (github.com/wyhsirius/g3an-project) saves as G_*.pth, VD_*.pth and ID_*.pth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.nn import SNConv2d, read_state
from mutoscope.systems.conversion import Converted, fill, older_names
from mutoscope.systems.g3an.config import Conv, G3ANConfig
from mutoscope.systems.g3an.system import G3AN

FSA_LEVEL = 3
# what no tensor tells of the authors' code
RELEASE: dict[str, Any] = {"d_v": "2p1d", "frame_step": (2, 3)}
# the kernel of G_V's first layer, to the order of its convolutions
CONVS: dict[tuple[int, ...], Conv] = {(4, 1, 1): "1p2d", (1, 4, 4): "2p1d", (4, 4, 4): "3d"}
# our networks: what they are, their names where one file holds several, and the first tensor by which they are known
NETWORKS = {
    "G": ("generator", ("G",), "block1.conv_v.0.weight_orig", 5),
    "D_V": ("video discriminator", ("D_V", "VD"), "net.0.weight_orig", 5),
    "D_I": ("image discriminator", ("D_I", "ID"), "net.0.weight_orig", 4),
}


def convert(
    file: str | Path,
    D_V: str | Path | None = None,
    D_I: str | Path | None = None,
    attention: Literal["release", "equations"] = "release",
) -> Converted:
    """Read weights that the authors' code of G³AN saved.

    Args:
        file: Checkpoint of the generator (G_*.pth).
        D_V: Checkpoint of the video discriminator (VD_*.pth), if there is one.
        D_I: Checkpoint of the image discriminator (ID_*.pth), if there is one.
        attention: How attention worked in training: as the authors' code runs it, or as the equations say.

    Raises:
        InputError: a file cannot be read, or is not what it should be.
    """
    files = {name: path for name, path in {"G": file, "D_V": D_V, "D_I": D_I}.items() if path is not None}
    states = {name: read_network(path, name) for name, path in files.items()}
    arguments = generator_arguments(states["G"], file) | discriminator_arguments(states, files)
    if arguments["fsa_level"] is not None:
        arguments["legacy_attention"] = attention == "release"
    try:
        config = G3ANConfig.from_dict(RELEASE | arguments)
    except InputError as error:
        raise InputError(f"{file}: is not the generator of a G3AN ({error})") from error
    system = G3AN.untrained(config)
    for name, state in states.items():
        network = getattr(system, name)
        fill(network, generator_layers(config) if name == "G" else discriminator_layers(network), state, files[name])
    missing = " and ".join(name for name in NETWORKS if name not in files)
    notes = [f"{missing}: untrained, for no file of theirs was given"] if missing else []
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
        raise InputError(f"{file}: is not the {what} of a G3AN ({first} {fault})")
    if found != name:
        raise InputError(f"{file}: is the {NETWORKS[found][0]} of a G3AN (expected its {what})")
    return state


def generator_arguments(state: Mapping[str, Tensor], file: str | Path) -> dict[str, Any]:
    """The choices of the system that these tensors are the generator of.

    Raises:
        InputError: a layer is missing, or has a kernel that no G3AN has.
    """

    def shape(key: str) -> tuple[int, ...]:
        if key not in state or state[key].ndim != 5:
            fault = "is missing" if key not in state else f"has {state[key].ndim} axes (expected 5)"
            raise InputError(f"{file}: is not the generator of a G3AN: {key} {fault}")
        return tuple(state[key].shape)

    kernel = shape("block1.conv_v.0.weight_orig")[2:]
    if kernel not in CONVS:
        raise InputError(
            f"{file}: is not the generator of a G3AN: its first kernel is {kernel} (expected one of {[*CONVS]})"
        )
    return {
        "d_a": shape("block1.conv_s.0.weight_orig")[0],
        "d_m": shape("block1.conv_t.0.weight_orig")[0],
        "ch": shape("block5.conv_s.0.weight_orig")[1],
        "channels": shape("to_rgb.0.weight")[0],
        "conv": CONVS[kernel],
        "fsa_level": FSA_LEVEL if any(key.startswith("fsa.") for key in state) else None,
    }


def discriminator_arguments(states: Mapping[str, Mapping[str, Tensor]], files: Mapping[str, Any]) -> dict[str, Any]:
    """The choices that the discriminators decide, where there are any.

    Raises:
        InputError: they are not equally wide.
    """
    widths = [len(states[name]["net.0.weight_orig"]) for name in ("D_V", "D_I") if name in states]
    if len(set(widths)) > 1:
        raise InputError(f"{files['D_I']}: is {widths[1]} channels wide (expected {widths[0]}, as {files['D_V']})")
    return {"ch_D": widths[0]} if widths else {}


def generator_layers(config: G3ANConfig) -> dict[str, str]:
    """The layers of our generator, and what the authors' code calls them."""
    layers = {"to_rgb": "to_rgb.0"}
    for n in range(config.levels):
        ours, theirs = f"G3.{n}", f"block{n + 1}"
        for i in (0, 1):  # a convolution, and the normalisation after it
            layers[f"{ours}.G_S.layers.{i}"] = f"{theirs}.conv_s.{i}"
            layers[f"{ours}.G_T.layers.{i}"] = f"{theirs}.conv_t.{i}"
            if config.conv == "3d":
                layers[f"{ours}.G_V.{i}"] = f"{theirs}.conv_v.{i}"
            else:
                layers[f"{ours}.G_V.0.layers.{i}"] = f"{theirs}.conv_v.{i}"
                layers[f"{ours}.G_V.1.layers.{i}"] = f"{theirs}.conv_v.{i + 3}"
    if config.fsa_level is not None:
        for ours, theirs in (("F_SA.T_SA", "fsa.tsa"), ("F_SA.S_SA", "fsa.ssa")):
            layers[ours] = theirs  # for γ
            for f, conv in (("f", "k_conv"), ("g", "q_conv"), ("h", "v_conv")):
                layers[f"{ours}.{f}"] = f"{theirs}.{conv}"
    return layers


def discriminator_layers(network: nn.Module) -> dict[str, str]:
    """The layers of one of our discriminators, and what the authors' code calls them: every other of a list."""
    ours = [name for name, layer in network.named_modules() if isinstance(layer, SNConv2d)]
    return {name: f"net.{2 * i}" for i, name in enumerate(ours)}
