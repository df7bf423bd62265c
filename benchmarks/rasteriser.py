"""Faces a second of the rasteriser and of normal maps, against a plain loop over triangles, in one run.

    python benchmarks/rasteriser.py [--rounds 5] [--threads 1] [--write]

The loop is a z-buffer as one writes it first: for each triangle, numpy inside its bounding box. Both draw the same
meshes, and must see the same triangle at every pixel.
"""

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import report
import timing
import torch
import torch.nn.functional as F
from torch import Tensor

from mutoscope.geometry.face_maps import normal_maps
from mutoscope.geometry.morphable_face import project
from mutoscope.geometry.rasteriser import rasterise
from mutoscope.geometry.toy_face import COLUMNS, ROWS, toy_face

CASES = {
    "toy face, 32 px": {"size": 32, "side": 24, "faces": 64, "by loop": 4},
    "toy face, 64 px": {"size": 64, "side": 24, "faces": 64, "by loop": 4},
    "34,969 vertices, 128 px": {"size": 128, "side": 187, "faces": 16, "by loop": 1},
}
"""Side of the picture, vertices along each side of the mesh's grid, how many faces each way draws at once."""
COLUMNS_OF_PAGE = ("mesh and picture", "way", "× loop, clock", "× loop, work", "faces a second")


def by_loop(vertices: np.ndarray, triangles: np.ndarray, size: int) -> np.ndarray:
    """The nearest triangle at every pixel of one mesh, -1 where there is none."""
    depths, nearest = np.full((size, size), -np.inf, np.float32), np.full((size, size), -1)
    corners = vertices.astype(float)[triangles]
    for number, ((ax, ay, az), (bx, by, bz), (cx, cy, cz)) in enumerate(corners):
        left, top = (max(int(np.ceil(min(along) - 0.5)), 0) for along in ((ax, bx, cx), (ay, by, cy)))
        right, low = (min(int(np.floor(max(along) - 0.5)), size - 1) for along in ((ax, bx, cx), (ay, by, cy)))
        if left > right or top > low:
            continue
        x, y = np.arange(left, right + 1) + 0.5, np.arange(top, low + 1)[:, None] + 0.5
        first = (cx - bx) * (y - by) - (cy - by) * (x - bx)
        second = (ax - cx) * (y - cy) - (ay - cy) * (x - cx)
        third = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        area = first + second + third
        inside = ((first >= 0) & (second >= 0) & (third >= 0)) | ((first <= 0) & (second <= 0) & (third <= 0))
        inside &= area != 0
        if not inside.any():
            continue
        with np.errstate(invalid="ignore", divide="ignore"):
            depth = (first / area * az + second / area * bz + third / area * cz).astype(np.float32)
        box = np.s_[top : low + 1, left : right + 1]
        wins = inside & (depth > depths[box])
        depths[box][wins], nearest[box][wins] = depth[wins], number
    return nearest


def meshes(side: int, size: int, count: int) -> tuple[Tensor, Tensor]:
    """Toy faces of other people in other poses, in pixels; refined to a grid of `side` vertices along each side."""
    model, generator = toy_face(), torch.Generator().manual_seed(0)
    identity = torch.randn(count, model.n_identity, generator=generator) * model.identity_deviations
    faces = model.mesh(identity, torch.zeros(count, model.n_expression))
    scale, rotation = torch.full((count, 1), 0.35 * size), 0.2 * torch.randn(count, 3, generator=generator)
    posed = project(faces, scale, rotation, torch.full((count, 2), size / 2))
    if side == COLUMNS:
        return posed, model.triangles
    coarse = posed.view(count, len(ROWS), COLUMNS, 3).movedim(-1, 1)
    fine = F.interpolate(coarse, (side, side), mode="bicubic", align_corners=True)
    places = torch.arange(side * side).view(side, side)
    a, b, c, d = places[:-1, :-1], places[1:, :-1], places[:-1, 1:], places[1:, 1:]
    triangles = torch.stack([torch.stack([a, b, c], dim=-1), torch.stack([c, b, d], dim=-1)], dim=2)
    return fine.movedim(1, -1).reshape(count, -1, 3), triangles.reshape(-1, 3)


def measure(case: dict[str, int], rounds: int) -> dict[str, Any]:
    """Seconds a face, and speed against the loop, of each way."""
    size, count, few = case["size"], case["faces"], case["by loop"]
    vertices, triangles = meshes(case["side"], size, count)
    numbers, corners = vertices[:few].numpy(), triangles.numpy()
    expected = np.stack([by_loop(mesh, corners, size) for mesh in numbers])
    if not np.array_equal(rasterise(vertices[:few], triangles, size).triangle, expected):
        raise SystemExit("the rasteriser and the loop see other triangles")
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "loop": (few, lambda: [by_loop(mesh, corners, size) for mesh in numbers]),
        "ours": (count, lambda: rasterise(vertices, triangles, size)),
    }
    if case["side"] == COLUMNS:
        model, pose = toy_face(), torch.tensor([0.35 * size, 0.1, 0.2, 0.0, size / 2, size / 2])
        deviations = torch.cat([model.identity_deviations, model.expression_deviations])
        coefficients = torch.randn(count, len(deviations), generator=torch.Generator().manual_seed(1)) * deviations
        parameters = torch.cat([coefficients, pose.expand(count, -1)], dim=-1)
        ways["normal maps"] = count, lambda: normal_maps(model, parameters, size)
    together = timing.alternate({name: run for name, (_, run) in ways.items()}, rounds)
    timings = {
        name: [timing.Timing(run.wall / ways[name][0], run.cpu / ways[name][0]) for run in runs]
        for name, runs in together.items()
    }
    return {
        name: {
            "speedup": timing.speedup(timings["loop"], timings[name]),
            "per_second": timing.spread([1 / run.wall for run in timings[name]]),
        }
        for name in ways
    }


def rows(results: dict[str, Any]) -> report.Rows:
    return [
        (
            case,
            name,
            report.spread(found["speedup"]["wall"]),
            report.spread(found["speedup"]["cpu"]),
            report.whole(found["per_second"])
            if found["per_second"]["low"] > 10
            else report.spread(found["per_second"]),
        )
        for case, measured in results["cases"].items()
        for name, found in measured.items()
    ]


def page(results: dict[str, Any]) -> Iterator[str]:
    """The paragraphs of reports/benchmarks_rasteriser.md."""
    yield "# Benchmarks of the rasteriser"
    yield report.INTRODUCTION
    yield (
        "*Loop* is a z-buffer as one writes it first: for each triangle, numpy inside its bounding box. *Ours* draws "
        f"the same meshes, {CASES['toy face, 32 px']['faces']} toy faces or "
        f"{CASES['34,969 vertices, 128 px']['faces']} large meshes at once; a run stops where the two see another "
        "triangle at any pixel. *Normal maps* is all from face parameters to maps."
    )
    yield report.markdown(COLUMNS_OF_PAGE, rows(results))
    yield report.how(results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch")
    parser.add_argument("--write", action="store_true", help="write reports/benchmarks_rasteriser.md and its data")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results = {
        "machine": timing.machine(),
        "cases": {name: measure(case, options.rounds) for name, case in CASES.items()},
    }
    report.show(report.wide_console(), "Rasteriser", COLUMNS_OF_PAGE, rows(timing.plain(results)))
    if options.write:
        timing.save("rasteriser", results)
        report.write_page("rasteriser", page(timing.plain(results)))


if __name__ == "__main__":
    main()
