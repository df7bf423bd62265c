"""Checks shapes and types at run time while testing, keeps every test on one thread, and says where real data lies."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

# the hook finds its checker by name; an int is a float, as everywhere in Python's typing (PEP 484)
sys.modules["type_checker"] = ModuleType("type_checker")
sys.modules["type_checker"].check = beartype(conf=BeartypeConf(is_pep484_tower=True))
hook = install_import_hook("mutoscope", "type_checker.check")  # must come before the package is imported

import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import settings  # noqa: E402

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite started in the background ignores Ctrl-C

torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the subprocesses of the command-line tests

# a busy machine and a first import are no failure
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

# a run of seconds: four clips of 40 frames, a quarter of the published widths
TINY_RUN = {
    "data": "sprites",
    "max_clips": 4,
    "held_out": 0,
    "image_size": 16,
    "width": 0.25,
    "n_z": 4,
    "n_d": 4,
    "n_c": 2,
    "batch_size": 16,
    "accelerator": "cpu",
}


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real samples, `MUTOSCOPE_DATA`; the test is skipped, with the reason, where there is none."""
    folder = os.environ.get("MUTOSCOPE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("MUTOSCOPE_DATA is not set to a folder of real samples")
    return Path(folder)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or leaves anything in the user's cache."""
    monkeypatch.setenv("MUTOSCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def run_options() -> dict[str, object]:
    """Options with which a training run takes seconds."""
    return dict(TINY_RUN)


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of 40 iterations, to read from only."""
    from mutoscope.training import train

    out = tmp_path_factory.mktemp("runs") / "trained"
    return train("pseudo_label", out=out, quiet=True, max_steps=40, log_every=10, **TINY_RUN)


@pytest.fixture(scope="session")
def shell() -> Callable[..., subprocess.Popen[str]]:
    """Starts `mutoscope ARGUMENTS` as a user's shell does, in a process of its own."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mutoscope", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture(scope="session")
def as_flags() -> Callable[[dict[str, object]], list[str]]:
    """Options as the command line takes them."""
    return lambda options: [text for name, value in options.items() for text in (f"--{name}", str(value))]
