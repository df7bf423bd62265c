"""Training steps and frames a second of `pseudo_label`, against the paper's loop written down literally, in one run.

    python benchmarks/pseudo_label.py [--steps 9] [--threads 2] [--compile] [--write]

The literal loop is what one writes first: eager float32, torch's default memory format and optimisers, one optimiser
pass after the other, each with frames drawn anew, gradients of the network that stands still computed and thrown away.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import report
import timing
import torch
import variants
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.systems.draws import Random
from mutoscope.systems.pseudo_label import PseudoLabel
from mutoscope.training.options import preset, presets, resolve

FIRST_STEPS = 3  # whose losses must agree


# The reference: Tables 1 and 2 and the two-stage loop, as published.


class LiteralGenerator(nn.Module):
    """Table 1."""

    def __init__(self, codes: int, channels: int, image_size: int, width: float) -> None:
        super().__init__()
        self.bottom = image_size // 8
        w32, w64, w128, w1024 = (round(n * width) for n in (32, 64, 128, 1024))
        self.linear = nn.Sequential(
            *(nn.Linear(codes, w1024), nn.BatchNorm1d(w1024), nn.ReLU()),
            *(nn.Linear(w1024, w128 * self.bottom**2), nn.BatchNorm1d(w128 * self.bottom**2), nn.ReLU()),
        )
        self.deconv = nn.Sequential(
            *(nn.ConvTranspose2d(w128, w64, 4, 2, 1), nn.BatchNorm2d(w64), nn.ReLU()),
            *(nn.ConvTranspose2d(w64, w32, 4, 2, 1), nn.BatchNorm2d(w32), nn.ReLU()),
            *(nn.ConvTranspose2d(w32, channels, 4, 2, 1), nn.Tanh()),
        )

    def forward(self, z: Tensor, d: Tensor, c: Tensor) -> Tensor:
        h = self.linear(torch.cat([z, d, c], dim=1))
        return self.deconv(h.reshape(len(h), -1, self.bottom, self.bottom))


class LiteralDiscriminator(nn.Module):
    """Table 2, with one score."""

    def __init__(self, n_d: int, n_c: int, channels: int, image_size: int, width: float) -> None:
        super().__init__()
        self.n_d = n_d
        w32, w64, w128, w1024 = (round(n * width) for n in (32, 64, 128, 1024))
        self.conv = nn.Sequential(
            *(nn.Conv2d(channels, w32, 4, 2, 1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(w32, w64, 4, 2, 1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(w64, w128, 4, 2, 1), nn.BatchNorm2d(w128), nn.LeakyReLU(0.2)),
        )
        self.linear = nn.Sequential(
            *(nn.Linear(w128 * (image_size // 8) ** 2, w1024), nn.BatchNorm1d(w1024), nn.LeakyReLU(0.2)),
            nn.Linear(w1024, 1 + n_d + n_c),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        o = self.linear(self.conv(x).flatten(1))
        return o[:, :1], o[:, 1 : 1 + self.n_d], o[:, 1 + self.n_d :]


class Literal:
    """The reference loop: weights of `system`, and `system`'s random numbers, so that losses can be compared."""

    def __init__(self, system: PseudoLabel) -> None:
        self.system, o = system, system.config
        self.iteration = 0
        shape = {"channels": o.channels, "image_size": o.image_size, "width": o.width}
        self.G = LiteralGenerator(o.n_z + o.n_d + o.n_c, **shape)
        self.D = LiteralDiscriminator(o.n_d, o.n_c, **shape)
        for mine, theirs in ((self.G, system.G), (self.D, system.D)):
            with torch.no_grad():
                for own, given in zip(mine.parameters(), theirs.parameters(), strict=True):
                    own.copy_(given)
        self.average = [p.detach().clone() for p in self.G.parameters()]

        def adam(lr: float, betas: tuple[float, float], *networks: nn.Module) -> torch.optim.Optimizer:
            weights = [p for network in networks for p in network.parameters()]
            return torch.optim.Adam(weights, lr=lr, betas=betas, amsgrad=o.amsgrad)

        self.opt_G = adam(o.lr_G, o.betas_G, self.G)
        self.opt_D = adam(o.lr_D, o.betas_D, self.D)
        self.opt_I = adam(o.lr_I, o.betas_I, self.G, self.D)

    def step(self, frames: Tensor) -> dict[str, Tensor]:
        o, merged = self.system.config, self.system.config.schedule == "merged"
        x = frames.permute(0, 3, 1, 2).contiguous().to(torch.get_default_dtype()) / 127.5 - 1
        noise = self.system.noise(len(x), Random(0, self.iteration))
        z, d, k, c = (noise[name] for name in ("z", "d", "k", "c"))
        real_target, fake_target = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        bce = F.binary_cross_entropy_with_logits

        def label_loss(d_read: Tensor, c_read: Tensor) -> Tensor:
            losses["lambda_d"], losses["lambda_c"] = F.cross_entropy(d_read, k), F.mse_loss(c_read, c)
            return o.w_d * losses["lambda_d"] + o.w_c * losses["lambda_c"]

        losses: dict[str, Tensor] = {}
        # stage 1
        self.opt_D.zero_grad()
        real, fake = self.read(x, self.G(z, d, c).detach(), noise.get("noise_D"))
        losses["loss_D"] = bce(real[0], real_target) + bce(fake[0], fake_target)
        (losses["loss_D"] + label_loss(*fake[1:]) if merged else losses["loss_D"]).backward()
        self.opt_D.step()
        # stage 2
        self.opt_G.zero_grad()
        fake = self.read_fake(x, self.G(z, d, c), noise.get("noise_G"))
        losses["loss_G"] = bce(fake[0], real_target)
        (losses["loss_G"] + label_loss(*fake[1:]) if merged else losses["loss_G"]).backward()
        self.opt_G.step()
        # label step
        if not merged:
            self.opt_I.zero_grad()
            label_loss(*self.read_fake(x, self.G(z, d, c), noise.get("noise_label_d"))[1:]).backward()
            self.opt_I.step()
        for average, weight in zip(self.average, self.G.parameters(), strict=True) if o.ema else ():
            average.mul_(o.ema).add_(weight.detach(), alpha=1 - o.ema)
        self.iteration += 1
        return {name: loss.detach() for name, loss in losses.items()}

    def read(self, x: Tensor, fake: Tensor, noise: Tensor | None) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        n = len(x)
        if noise is not None:
            x, fake = x + noise[:, 0], fake + noise[:, 1]
        if self.system.config.d_batch == "separate":
            return self.D(x), self.D(fake)
        both = self.D(torch.cat([x, fake]))
        return tuple(o[:n] for o in both), tuple(o[n:] for o in both)

    def read_fake(self, x: Tensor, fake: Tensor, noise: Tensor | None) -> tuple[Tensor, ...]:
        if self.system.config.d_batch == "joint" or noise is not None:
            return self.read(x, fake, noise)[1]
        return self.D(fake)

    def frame(self, z: Tensor, d: Tensor, c: Tensor) -> Any:
        """One uint8 `h w c` frame of one row of codes."""
        self.G.eval()
        with torch.no_grad():
            drawn = self.G(z, d, c)[0]
        return ((drawn + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()


# Ours, and how both are run.


def build(preset_name: str) -> tuple[PseudoLabel, Tensor]:
    """The system of a preset from fixed first weights, and a batch of random uint8 frames `b h w c`."""
    run, config = resolve("pseudo_label", preset("pseudo_label", preset_name))
    return PseudoLabel.untrained(config), variants.random_clips(run.batch_size, *config.size, config.channels)


def training(variant: str, preset_name: str) -> Callable[[], dict[str, Tensor]]:
    """One training step of "literal", "float32", "bf16", or one of the latter two with " compiled" behind."""
    system, frames = build(preset_name)
    if variant == "literal":
        literal = Literal(system)
        return lambda: literal.step(frames)
    precision, *compiled = variant.split()
    return variants.training(system, {"frame": frames}, precision, bool(compiled))


@contextmanager
def in_float64() -> Iterator[None]:
    """Inside, everything computes in double precision, where training does not amplify rounding beyond recognition."""

    def to_float(frames: Tensor) -> Tensor:
        return frames.movedim(-1, -3).double() / 127.5 - 1

    torch.set_default_dtype(torch.float64)
    try:
        with (
            mock.patch.object(Tensor, "float", Tensor.double),
            mock.patch("mutoscope.systems.pseudo_label.system.uint8_to_float", to_float),
        ):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def disagreement(preset_name: str) -> list[float]:
    """The largest relative difference between our losses and those of the literal loop, in each of the first steps."""
    literal, ours = training("literal", preset_name), training("float32", preset_name)
    differences = []
    for _ in range(FIRST_STEPS):
        expected, found = literal(), ours()
        differences.append(max(float(abs(found[name] / loss - 1)) for name, loss in expected.items()))
    return differences


def measure_steps(preset_name: str, names: list[str], rounds: int, peaks: dict[str, timing.Timing]) -> dict[str, Any]:
    """Speed, share of the limit and peak memory of every variant."""
    agreement = {"float32": disagreement(preset_name)}
    with in_float64():
        agreement["float64"] = disagreement(preset_name)
    timings = timing.alternate({name: training(name, preset_name) for name in names}, rounds)
    counted = {
        "literal": variants.flops(training("literal", preset_name)),
        "ours": variants.flops(training("float32", preset_name)),
    }
    measured = {}
    for name in names:
        peak = peaks["bf16" if name.startswith("bf16") else "float32"]
        measured[name] = {
            "seconds": timing.seconds(timings[name]),
            "speedup": timing.speedup(timings["literal"], timings[name]),
            "share_of_peak": timing.share_of_peak(counted.get(name, counted["ours"]), timings[name], peak),
            "peak_memory": timing.peak_memory("--peak-memory", name, "--preset", preset_name),
        }
    return {"batch_size": len(build(preset_name)[1]), "flops": counted, "disagreement": agreement, "variants": measured}


def measure_frames(preset_name: str, rounds: int, count: int = 64) -> dict[str, Any]:
    """Frames a second, one by one and in batches, against the literal generator drawing one after the other."""
    system, _ = build(preset_name)
    system.eval()
    c = torch.rand(count, system.config.n_c, generator=torch.Generator().manual_seed(0)) * 2 - 1
    z, d = system.noise_of(count, seed=0), system.one_hot(0, count)
    literal = Literal(system)
    ways = {
        "literal": lambda: [literal.frame(z[i : i + 1], d[i : i + 1], c[i : i + 1]) for i in range(count)],
        "batch 1": lambda: list(system.draw_frames(z, d, c, batch=1)),
        "batch 32": lambda: list(system.draw_frames(z, d, c, batch=32)),
    }
    timings = timing.alternate(ways, rounds)
    return {
        name: {
            "per_second": timing.spread([count / t.wall for t in timings[name]]),
            "speedup": timing.speedup(timings["literal"], timings[name]),
        }
        for name in ways
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=9, help="rounds of training steps")
    parser.add_argument("--threads", type=int, help="CPU threads; torch's default if not given")
    parser.add_argument("--compile", action="store_true", help="also time compiled networks")
    parser.add_argument(
        "--preset", nargs="*", default=["paper", "tuned"], help="presets whose training steps are timed"
    )
    parser.add_argument("--write", action="store_true", help="write reports/benchmarks_pseudo_label.md and its data")
    parser.add_argument("--peak-memory", metavar="VARIANT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.peak_memory:
        step = training(options.peak_memory, options.preset[0])
        step()
        step()
        timing.print_peak_memory()
        return
    precisions = variants.PRECISIONS
    names = ["literal", *precisions, *(f"{precision} compiled" for precision in precisions if options.compile)]
    peaks = variants.peaks()
    known = [name for name in options.preset if name in presets("pseudo_label")]
    results = {
        "machine": timing.machine(),
        "teraflops": variants.teraflops(peaks),
        "steps": {name: measure_steps(name, names, options.steps, peaks) for name in known},
        "frames": {name: measure_frames(name, options.steps) for name in ("paper", "tiny")},
    }
    report.show_pseudo_label(timing.plain(results))
    if options.write:
        timing.save("pseudo_label", results)
        report.write()


if __name__ == "__main__":
    main()
