"""Fourth part of the demo: motions that can be named, switched off and steered."""

from pathlib import Path

from mutoscope.demo.exhibits import Exhibit, Player, Section
from mutoscope.systems.loading import load
from mutoscope.systems.mintgan import MintGAN


def play_mintgan(folder: Path, weights: str, seed: int) -> Section:
    """Plays shipped weights of MintGAN; files go to `folder/mintgan_<data>`."""
    system = load(weights)
    assert isinstance(system, MintGAN)
    data = weights.split("/")[-1]
    player = Player(system, weights, folder, f"mintgan_{data}")
    exhibits = [wall(player, seed), decomposed(player, seed), driven(player, seed), named(player, seed)]
    lead = (
        f"Trained on clips of {data}, which are rendered by this package, without labels. Every frame is a point in a "
        "space of codes, and every step from frame to frame goes along a few of its learned directions."
    )
    return Section(f"Playing {weights}", lead, tuple(exhibits))


def wall(player: Player[MintGAN], seed: int) -> Exhibit:
    """Appearances against motions, playing."""
    return player.play(
        "wall",
        "wall.mp4",
        title="Clips from noise",
        caption="One appearance a row, one motion noise a column; clips of a row begin with the same frame.",
        alt="a grid of small animations",
        span=6,
        appearances=4,
        motions=6,
        seed=seed,
    )


def decomposed(player: Player[MintGAN], seed: int) -> Exhibit:
    """One clip with all its motion, and with single directions of it."""
    return player.play(
        "decomposed",
        "decomposed.png",
        title="One clip, taken apart",
        caption="All of its motion; the strongest directions alone; what is left without them. Beside, where it moves.",
        alt="rows of frames in which more or less moves",
        span=6,
        directions=[0, 1],
        basis="canonical",
        flow=True,
        columns=6,
        seed=seed,
    )


def driven(player: Player[MintGAN], seed: int) -> Exhibit:
    """Two directions driven by hand: one alone, the other alone, both."""
    return player.play(
        "drive",
        "driven.mp4",
        title="Driven by hand",
        caption="A sine on one direction, a line on another, both together; all other directions rest.",
        alt="three animations side by side",
        span=6,
        direction=0,
        shape="sine",
        second=1,
        second_shape="linear",
        basis="canonical",
        amplitude=2.0,
        appearances=3,
        scale=3,
        seed=seed,
    )


def named(player: Player[MintGAN], seed: int) -> Exhibit:
    """The page that tells what each direction does."""
    return player.play(
        "interpret",
        "directions.html",
        title="What each direction does",
        caption="Measured by optical flow: what comes to rest when a direction is switched off.",
        alt="a page with pictures and figures for each direction",
        span=6,
        basis="canonical",
        clips=16,
        codes=2000,
        seed=seed,
    )
