"""From a name or a folder to a system ready to use."""

from importlib import resources
from pathlib import Path

from mutoscope.errors import InputError
from mutoscope.systems import SYSTEMS, system_class
from mutoscope.systems.base import CONFIG_FILE, SYSTEM_KEY, WEIGHTS_FILE, System, read_config


def shipped_weights() -> dict[str, Path]:
    """The weights that come with the package, as `<system>/<data>`, and their folders."""
    root = Path(str(resources.files("mutoscope") / "weights"))
    return {
        f"{file.parent.parent.name}/{file.parent.name}": file.parent for file in sorted(root.glob(f"*/*/{CONFIG_FILE}"))
    }


def load(weights: str | Path, device: str = "cpu") -> System:
    """Loads a trained system, in eval mode.

    Args:
        weights: shipped weights (`pseudo_label/sprites`; `pseudo_label` for the first of that system), a folder with
            `config.json` and `model.safetensors`, or the folder of a training run.
        device: where to put it, as torch names devices.

    Raises:
        InputError: there is nothing of that name, or what is there cannot be loaded.
    """
    folder = _folder(weights)
    values = read_config(folder)
    name = values.pop(SYSTEM_KEY, None)
    if not isinstance(name, str) or name not in SYSTEMS:
        raise InputError(f"{folder / CONFIG_FILE}: {SYSTEM_KEY} is {name!r} (expected one of {', '.join(SYSTEMS)})")
    system = system_class(name).from_folder(folder, values)
    try:
        return system.to(device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device: {device!r} cannot be used ({str(error).splitlines()[0]})") from error


def _folder(weights: str | Path) -> Path:
    """The folder that holds `config.json`."""
    path = Path(weights)
    for folder in (path, path / "weights"):
        if (folder / CONFIG_FILE).is_file():
            return folder
    shipped = shipped_weights()
    for name, folder in shipped.items():
        if str(weights) in (name, name.split("/")[0]):
            return folder
    if path.exists():
        raise InputError(
            f"{path}: holds no weights (expected a folder with {CONFIG_FILE} and {WEIGHTS_FILE}, or a run)"
        )
    raise InputError(f"{weights}: no such weights (expected a folder, or one of {', '.join(shipped)})")
