"""Checks shapes and types at run time while testing, keeps every test on one thread, and says where real data lies."""

import os
from pathlib import Path

from jaxtyping import install_import_hook

hook = install_import_hook("mutoscope", "beartype.beartype")  # must come before the package is imported

import pytest  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the subprocesses of the command-line tests


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
