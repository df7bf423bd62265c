"""Runs a batch-normalisation layer on two processes, half of the batch each, and saves what each of them got.

python global_batch.py FOLDER
"""

import multiprocessing
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from mutoscope.nn import BatchNorm1d, BatchNorm2d

SHAPES = {"BatchNorm1d": (8, 5), "BatchNorm2d": (8, 5, 3, 2)}
LAYERS = {"BatchNorm1d": BatchNorm1d, "BatchNorm2d": BatchNorm2d}


def two_passes(layer: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
    """Outputs, gradients and running statistics after two batches; the loss is a sum, so that gradients add up."""
    inputs = inputs.clone().requires_grad_(True)
    outputs = torch.stack([layer(batch) for batch in inputs])
    (outputs * targets).sum().backward()
    gradients = {f"{name}.grad": weight.grad for name, weight in layer.named_parameters()}
    return {"outputs": outputs.detach(), "inputs.grad": inputs.grad, **gradients, **layer.state_dict()}


def problem(name: str) -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    """A layer that is not neutral, and two batches far from mean 0 and variance 1."""
    generator = torch.Generator().manual_seed(0)
    inputs, targets = (torch.randn(2, *SHAPES[name], generator=generator) for _ in range(2))
    layer = LAYERS[name](5)
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(0.5, 2, 5))
        layer.bias.copy_(torch.linspace(-1, 1, 5))
    return layer, inputs * 3 + 2, targets


def one_process(folder: Path, rank: int) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    found = {}
    for name in LAYERS:
        layer, inputs, targets = problem(name)
        found[name] = two_passes(layer, inputs.chunk(2, 1)[rank], targets.chunk(2, 1)[rank])
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=one_process, args=(Path(sys.argv[1]), rank)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    sys.exit(any(process.exitcode for process in processes))
