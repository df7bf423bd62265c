"""Processes, compilation and worker processes change the speed of training and nothing else."""

import csv
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file

from mutoscope.training import train

# A bias in front of a batch normalisation has no effect, and no gradient but rounding errors, which Adam blows up to
# whole steps; the running mean after it follows it.
WITHOUT_EFFECT = {
    *("G.linear.0.bias", "G.linear.3.bias", "G.deconv.0.bias", "G.deconv.3.bias"),
    *("D.conv.4.bias", "D.linear.0.bias"),
}
STEPS = {"max_steps": 4, "log_every": 1, "ema": 0.0}


@pytest.fixture(scope="module")
def alone(tmp_path_factory, run_options) -> Path:
    """The run of one process, uncompiled."""
    out = tmp_path_factory.mktemp("runs") / "alone"
    return train("pseudo_label", out=out, quiet=True, **run_options, **STEPS)


def largest_difference(a: Path, b: Path) -> float:
    """Of all weights that have an effect."""
    first, second = (load_file(run / "weights" / "model.safetensors") for run in (a, b))
    assert first.keys() == second.keys()
    return max(
        (first[name] - second[name]).abs().max().item()
        for name in first
        if name not in WITHOUT_EFFECT and "running" not in name
    )


def losses(run: Path) -> np.ndarray:
    with (run / "metrics.csv").open() as file:
        return np.array(
            [[float(row[f]) for f in ("loss_D", "loss_G", "lambda_d", "lambda_c")] for row in csv.DictReader(file)]
        )


@pytest.mark.slow
def test_two_processes_train_as_one(alone, tmp_path, run_options, shell, as_flags):
    """Half of the same global batch each, from the command line: the same weights and log, one set of files."""
    out = tmp_path / "two"
    flags = as_flags(run_options | STEPS | {"devices": 2})
    process = shell("train", "pseudo_label", "--out", str(out), *flags)
    stdout, stderr = process.communicate(timeout=280)
    assert process.returncode == 0, stderr
    assert stdout.count("done. Next:") == 1
    assert "distributed" not in stderr
    assert largest_difference(alone, out) < 1e-5
    assert np.allclose(losses(alone), losses(out), atol=1e-4)
    assert yaml.safe_load((out / "config.yaml").read_text())["devices"] == 2
    assert [file.name for file in (out / "checkpoints").iterdir()] == ["00000004.ckpt"]


@pytest.mark.slow
def test_two_machines_train_as_one(alone, tmp_path, run_options, as_flags):
    """`--num_nodes 2`: the same command on each, told which it is; here both are this machine."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    out = tmp_path / "two"
    flags = as_flags(run_options | STEPS | {"num_nodes": 2})
    command = [sys.executable, "-m", "mutoscope", "train", "pseudo_label", "--out", str(out), *flags]
    together = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    machines = [
        subprocess.Popen(
            command,
            env=os.environ | together | {"NODE_RANK": str(number)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(2)
    ]
    said = [machine.communicate(timeout=250) for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    assert [stdout.count(b"done. Next:") for stdout, _ in said] == [1, 0]
    assert largest_difference(alone, out) < 1e-5
    assert np.allclose(losses(alone), losses(out), atol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_compiled_networks_train_as_plain_ones(alone, tmp_path, run_options, shell, as_flags):
    """`--compile true`: the same losses to rounding, and weights whose names show nothing of it."""
    out = tmp_path / "compiled"
    flags = as_flags(run_options | STEPS | {"compile": "true", "max_steps": 2})
    process = shell("train", "pseudo_label", "--quiet", "--out", str(out), *flags)
    _, stderr = process.communicate(timeout=880)
    assert process.returncode == 0, stderr
    assert np.allclose(losses(alone)[:2], losses(out), atol=1e-3)
    names = [load_file(run / "weights" / "model.safetensors").keys() for run in (alone, out)]
    assert names[0] == names[1]


def test_worker_processes_read_the_same_batches(alone, tmp_path, run_options):
    run = train("pseudo_label", out=tmp_path / "run", quiet=True, **run_options, **STEPS, workers=1)
    assert (run / "weights" / "model.safetensors").read_bytes() == (
        alone / "weights" / "model.safetensors"
    ).read_bytes()
