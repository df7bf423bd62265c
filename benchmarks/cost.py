"""What a generated frame costs, `pseudo_label` against the baselines that draw whole clips, in one run.

    python benchmarks/cost.py [--rounds 7] [--threads 1] [--write]

Table 6 of Yu et al. (2020) in figures: which kinds of layers, how many weights, how many multiply-adds a frame, how
many milliseconds. All systems as in their `paper` presets, with random weights: speed does not depend on these.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import report
import timing
import torch
from torch import Tensor, nn

from mutoscope.baselines.mocogan import MoCoGAN
from mutoscope.baselines.tgan import TGAN
from mutoscope.baselines.vgan import VGAN
from mutoscope.baselines.video_gan import VideoGAN
from mutoscope.metrics import compute_report
from mutoscope.systems.draws import Draws, Random
from mutoscope.systems.pseudo_label import PseudoLabel
from mutoscope.training.options import preset, resolve

SYSTEMS: dict[str, type[PseudoLabel] | type[VideoGAN]] = {
    "pseudo_label": PseudoLabel,
    "mocogan": MoCoGAN,
    "tgan": TGAN,
    "vgan": VGAN,
}
CLIP_LENGTHS = {"pseudo_label": 16, "mocogan": 16, "tgan": 16, "vgan": 32}  # VGAN draws 32 frames or none
BATCHES = (1, 8)
LENGTHS = (1, 16, 200)
FRAMES_AT_ONCE = 32
TABLE_6 = {
    ("pseudo_label", "G"): "C2D",
    ("pseudo_label", "D"): "C2D",
    ("mocogan", "G"): "RNN + C2D",
    ("mocogan", "D_V"): "C3D",
    ("tgan", "G"): "C2D",
    ("tgan", "D"): "C3D",
}

NETWORK_COLUMNS = ("system", "network", "layers found", "layers in Table 6", "million weights", "million MACs a frame")
DRAWING_COLUMNS = ("system", "frames a clip", "clips", "ms a frame", "× pseudo_label, clock", "× pseudo_label, work")
LENGTH_COLUMNS = (
    "T",
    "million MACs a frame",
    "ms a frame, one at a time",
    f"ms a frame, up to {FRAMES_AT_ONCE} at once",
)


class Drawing(nn.Module):
    """All that a system draws with, as one network."""

    def __init__(self, draw: Callable[[], Tensor], *networks: nn.Module) -> None:
        super().__init__()
        self.draw, self.networks = draw, nn.ModuleList(networks)

    def forward(self) -> Tensor:
        return self.draw()


def build(name: str) -> Any:
    """A system of the `paper` preset, in evaluation mode."""
    _, config = resolve(name, preset(name, "paper"))
    return SYSTEMS[name].untrained(config).eval()


def drawing(system: Any, clips: int, frames: int) -> Drawing:
    """The generator of a system, ready to draw clips from noise, as floats in [-1, 1]."""
    if isinstance(system, PseudoLabel):
        codes = system.noise(clips * frames, Random(0, 0))
        return Drawing(lambda: system.draw(codes), system.G)
    networks = (system.G_0, system.G_1) if isinstance(system, TGAN) else (system.G,)
    return Drawing(lambda: system.draw(clips, frames, Draws(torch.Generator().manual_seed(0))), *networks)


def discriminators(system: Any, frames: int) -> dict[str, tuple[nn.Module, Tensor, int]]:
    """Each discriminator, an example of what it reads, and how many frames that is."""
    frame = torch.zeros(1, system.config.channels, *system.config.size)
    clip = frame[:, :, None].repeat(1, 1, frames, 1, 1)
    if isinstance(system, PseudoLabel):
        return {"D": (system.D, frame, 1)}
    if isinstance(system, MoCoGAN):
        return {"D_I": (system.D_I, frame, 1), "D_V": (system.D_V, clip, frames)}
    return {"D": (system.D, clip, frames)}


def count(name: str, system: Any) -> dict[str, Any]:
    """What each network of a system is made of and costs."""
    frames = CLIP_LENGTHS[name]
    found = {"G": compute_report(drawing(system, 1, frames), frames=frames)}
    for which, (network, example, read) in discriminators(system, frames).items():
        found[which] = compute_report(network, example, frames=read)
    return found


@torch.inference_mode()
def measure_drawing(systems: dict[str, Any], clips: int, rounds: int) -> dict[str, Any]:
    """Milliseconds a frame, and how many times that of `pseudo_label`."""
    variants = {name: drawing(system, clips, CLIP_LENGTHS[name]) for name, system in systems.items()}
    timings = {
        name: [per_frame(t, clips * CLIP_LENGTHS[name]) for t in times]
        for name, times in timing.alternate(variants, rounds).items()
    }
    return {
        name: {
            "milliseconds": milliseconds(times),
            "times_pseudo_label": timing.speedup(times, timings["pseudo_label"]),
        }
        for name, times in timings.items()
    }


@torch.inference_mode()
def measure_lengths(system: PseudoLabel, rounds: int) -> dict[str, Any]:
    """What a frame of `pseudo_label` costs in clips of several lengths, by how many frames are drawn at once."""
    variants = {
        f"{length} {batch}": partial(draw_clips, system, length, batch)
        for length in LENGTHS
        for batch in (1, FRAMES_AT_ONCE)
    }
    timings = timing.alternate(variants, rounds)
    measured: dict[str, Any] = {}
    for length in LENGTHS:
        frames = max(LENGTHS) // length * length
        macs = compute_report(drawing(system, 1, length), frames=length)["macs_per_frame"]
        times = {batch: [per_frame(t, frames) for t in timings[f"{length} {batch}"]] for batch in (1, FRAMES_AT_ONCE)}
        measured[str(length)] = {"macs_per_frame": macs, **{str(b): milliseconds(t) for b, t in times.items()}}
    return measured


def draw_clips(system: PseudoLabel, length: int, batch: int) -> None:
    """As many clips of `length` frames as make about one of the longest, so that all runs take about as long."""
    c = torch.linspace(-1, 1, length)[:, None].repeat(1, system.config.n_c)
    for clip in range(max(LENGTHS) // length):
        for _ in system.draw_frames(system.noise_of(1, seed=clip), system.one_hot(0), c, batch=batch):
            pass


def per_frame(run: timing.Timing, frames: int) -> timing.Timing:
    return timing.Timing(run.wall / frames, run.cpu / frames)


def milliseconds(timings: list[timing.Timing]) -> timing.Spread:
    return timing.spread([1000 * t.wall for t in timings])


# The page.


def network_rows(results: dict[str, Any]) -> report.Rows:
    return [
        (
            name,
            which,
            found["layers"],
            TABLE_6.get((name, which), "not there"),
            f"{found['parameters'] / 1e6:.2f}",
            f"{found['macs_per_frame'] / 1e6:.1f}",
        )
        for name, networks in results["networks"].items()
        for which, found in networks.items()
    ]


def drawing_rows(results: dict[str, Any]) -> report.Rows:
    return [
        (
            name,
            str(CLIP_LENGTHS[name]),
            clips,
            report.spread(found["milliseconds"]),
            report.spread(found["times_pseudo_label"]["wall"]),
            report.spread(found["times_pseudo_label"]["cpu"]),
        )
        for clips, measured in results["drawing"].items()
        for name, found in measured.items()
    ]


def length_rows(results: dict[str, Any]) -> report.Rows:
    return [
        (
            length,
            f"{found['macs_per_frame'] / 1e6:.1f}",
            *(report.spread(found[str(batch)]) for batch in (1, FRAMES_AT_ONCE)),
        )
        for length, found in results["lengths"].items()
    ]


def page(results: dict[str, Any]) -> Iterator[str]:
    """The paragraphs of reports/benchmarks_cost.md."""
    yield "# What a frame costs"
    yield (
        "Table 6 of Yu et al. (2020) compares methods by the kinds of layers they are made of. Here are the same "
        "kinds, found in the networks, and what they cost; all systems as in their `paper` presets (64×64, RGB)."
    )
    yield "## Networks"
    yield (
        "C2D and C3D are convolutions over space, and over space and time, RNN is a recurrent network. MACs are the "
        "multiply-adds of convolutions and matrix products for one frame drawn (*G*) or read (others). TGAN's G has "
        "1-D deconvolutions over time too, which Table 6 has no name for; MoCoGAN's D_I, which reads single frames, "
        "and VGAN are not in it."
    )
    yield report.markdown(NETWORK_COLUMNS, network_rows(results))
    yield what_networks_show(results)
    yield "## Drawing"
    yield (
        "Clips from noise, as floats, with every system's own clip length; VGAN draws 32 frames or none. The systems "
        "took turns (A B C D A B C D …): medians, smallest and largest in brackets. *Clock* is elapsed time, *work* is "
        "processor time of all threads."
    )
    yield report.markdown(DRAWING_COLUMNS, drawing_rows(results))
    yield what_drawing_shows(results)
    yield "## Length"
    yield "Frames of `pseudo_label` as uint8 arrays, in clips of T frames, one at a time and in batches."
    yield report.markdown(LENGTH_COLUMNS, length_rows(results))
    yield what_lengths_show(results)
    yield report.how(results)


def what_networks_show(results: dict[str, Any]) -> str:
    """The first table in words."""
    networks = results["networks"]
    agreeing = sum(networks[name][which]["layers"] == layers for (name, which), layers in TABLE_6.items())
    own = networks["pseudo_label"]["G"]["macs_per_frame"]
    generators = ", ".join(
        f"{found['G']['macs_per_frame'] / own:.2f} ({name})"
        for name, found in networks.items()
        if name != "pseudo_label"
    )
    own_reading = networks["pseudo_label"]["D"]["macs_per_frame"]
    readers = ", ".join(
        f"{networks[name][which]['macs_per_frame'] / own_reading:.2f} ({name})"
        for name, which in (("mocogan", "D_V"), ("tgan", "D"), ("vgan", "D"))
    )
    return (
        f"{agreeing} of the {len(TABLE_6)} entries of Table 6 for these methods are found. In multiply-adds, a frame "
        f"drawn costs {generators} times that of `pseudo_label`; a frame read by the discriminator of clips {readers} "
        "times. The kind of layer does not explain this alone: TGAN's and MoCoGAN's generators draw each frame by 2-D "
        "convolutions as well, but wider ones."
    )


def what_drawing_shows(results: dict[str, Any]) -> str:
    """The second table in words."""
    verdicts: dict[str, list[str]] = {"more work": [], "less work": [], "sometimes more, sometimes less work": []}
    for clips, measured in results["drawing"].items():
        for name, found in measured.items():
            work = found["times_pseudo_label"]["cpu"]
            verdict = "more" if work["low"] > 1 else "less" if work["high"] < 1 else "sometimes more, sometimes less"
            if name != "pseudo_label":
                verdicts[f"{verdict} work"].append(f"{name} ({clips} at once)")
    said = [f"{verdict} for {', '.join(who)}" for verdict, who in verdicts.items() if who]
    return f"In all rounds a frame took, compared with one of `pseudo_label`: {'; '.join(said)}."


def what_lengths_show(results: dict[str, Any]) -> str:
    """The third table in words."""
    first, last = (results["lengths"][str(length)] for length in (min(LENGTHS), max(LENGTHS)))
    alone, together = (last[str(b)]["median"] / first[str(b)]["median"] for b in (1, FRAMES_AT_ONCE))
    return (
        "A frame is drawn from its own codes alone, so its multiply-adds are the same for any T. A frame of the "
        f"longest clips took {alone:.2f} times as long as one of the shortest when drawn one at a time, "
        f"{together:.2f} times in batches, which read the weights once for many frames."
    )


def show(results: dict[str, Any]) -> None:
    console = report.wide_console()
    report.show(console, "Networks", NETWORK_COLUMNS, network_rows(results))
    report.show(console, "Drawing", DRAWING_COLUMNS, drawing_rows(results))
    report.show(console, "Length of a clip of pseudo_label", LENGTH_COLUMNS, length_rows(results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--write", action="store_true", help="write reports/benchmarks_cost.md and its data")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    systems = {name: build(name) for name in SYSTEMS}
    results = {
        "machine": timing.machine(),
        "networks": {name: count(name, system) for name, system in systems.items()},
        "drawing": {str(clips): measure_drawing(systems, clips, options.rounds) for clips in BATCHES},
        "lengths": measure_lengths(systems["pseudo_label"], options.rounds),
    }
    show(timing.plain(results))
    if options.write:
        timing.save("cost", results)
        report.write_page("cost", page(timing.plain(results)))


if __name__ == "__main__":
    main()
