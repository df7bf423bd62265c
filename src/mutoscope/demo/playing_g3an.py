"""Second part of the demo: appearance and motion chosen apart."""

from pathlib import Path

from mutoscope.demo.exhibits import Exhibit, Player, Section
from mutoscope.systems.g3an import G3AN
from mutoscope.systems.loading import load


def play_g3an(folder: Path, weights: str, seed: int) -> Section:
    """Plays shipped weights of G³AN; files go to `folder/g3an_<data>`."""
    system = load(weights)
    assert isinstance(system, G3AN)
    data = weights.split("/")[-1]
    player = Player(system, weights, folder, f"g3an_{data}")
    exhibits = [wall(player, seed), long(player, seed), *walks(player, seed), inside(player, seed)]
    lead = (
        f"Trained on clips of {data.replace('_', ' ')}, without labels. Every clip is drawn from two noises, one for "
        "the look and one for the course. No loss asks for that; a stream without time and one without space do it."
    )
    return Section(f"Playing {weights}", lead, tuple(exhibits))


def wall(player: Player[G3AN], seed: int) -> Exhibit:
    """Appearances against motions, playing."""
    return player.play(
        "wall",
        "wall.mp4",
        title="Appearance and motion apart",
        caption="One appearance a row, one motion a column.",
        alt="a grid of small animations; looks change from row to row, courses from column to column",
        span=6,
        appearances=4,
        motions=6,
        fps=8,
        seed=seed,
    )


def long(player: Player[G3AN], seed: int) -> Exhibit:
    """Clips longer than those trained on."""
    return player.play(
        "long",
        "long.mp4",
        title="Longer than trained on",
        caption=f"96 frames in one pass of the network, which has seen clips of {player.system.config.frames}.",
        alt="animations of moving shapes side by side",
        span=6,
        frames=96,
        clips=4,
        walk="smooth",
        scale=3,
        seed=seed,
    )


def walks(player: Player[G3AN], seed: int) -> list[Exhibit]:
    """From one noise to another, for either code."""
    return [
        player.play(
            "interpolate",
            f"interpolate_{which}.png",
            title=f"From one {which} to another",
            caption=f"One clip a row; only the {which} noise moves, along an arc.",
            alt=f"a sheet of frames: the {which} changes from row to row",
            span=6,
            which=which,
            start=seed,
            stop=seed + 1,
            steps=6,
        )
        for which in ("appearance", "motion")
    ]


def inside(player: Player[G3AN], seed: int) -> Exhibit:
    """What the streams hold."""
    return player.play(
        "streams",
        "streams.png",
        title="The three streams",
        caption="Level by level: appearance without time, motion without space, the video stream, and the three fused.",
        alt="maps of features, a row for each level of the generator",
        span=12,
        seed=seed,
    )
