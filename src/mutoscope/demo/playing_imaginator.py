"""Third part of the demo: pictures of people the system has never seen, made to move."""

from pathlib import Path

from mutoscope.data.rendering import render
from mutoscope.demo.exhibits import Exhibit, Player, Section
from mutoscope.systems.imaginator import ImaGINator
from mutoscope.systems.loading import load

PEOPLE, UNSEEN = 12, 1000
"""Clips rendered for their first frames, three people, and the seed of people who were not in training."""


def play_imaginator(folder: Path, weights: str, seed: int) -> Section:
    """Plays shipped weights of ImaGINator; files go to `folder/imaginator_<data>`."""
    system = load(weights)
    assert isinstance(system, ImaGINator)
    data = weights.split("/")[-1]
    place = f"imaginator_{data}"
    pictures = render(data, folder / place / "clips", clips=PEOPLE, seed=UNSEEN).relative_to(folder)
    made = f"mutoscope data render {data} --clips {PEOPLE} --seed {UNSEEN} -o {pictures}"
    first = sorted(path.relative_to(folder).as_posix() for path in (folder / pictures).glob("*/*.mp4"))
    player = Player(system, weights, folder, place)
    exhibits = [
        people(player, Path(first[-1]).parent.as_posix(), seed),
        labels(player, first[0], seed),
        chain(player, first[0], seed),
        comparison(player, first[0], seed),
    ]
    lead = (
        f"Trained on clips of {data}, which are rendered by this package. From one picture of someone it has not seen, "
        "and a label, it draws a clip."
    )
    return Section(f"Playing {weights}", lead, tuple(exhibits), commands=(made,))


def people(player: Player[ImaGINator], pictures: str, seed: int) -> Exhibit:
    """Several people under every label, playing."""
    return player.play(
        "wall",
        "wall.mp4",
        title="Three people, every label",
        caption="A picture a row, a label a column, all with the same noise.",
        alt="faces that smile, frown, are surprised and nod, a person a row",
        span=6,
        inputs={"pictures": pictures},
        scale=3,
        seed=seed,
    )


def labels(player: Player[ImaGINator], picture: str, seed: int) -> Exhibit:
    """One picture under every label, as frames in a row."""
    return player.play(
        "label_sheet",
        "labels.png",
        title="One picture, every label",
        caption="A label a row, time from left to right.",
        alt="a sheet of frames: a face smiles, frowns, is surprised and nods",
        span=6,
        inputs={"picture": picture},
        seed=seed,
    )


def chain(player: Player[ImaGINator], picture: str, seed: int) -> Exhibit:
    """A longer video."""
    return player.play(
        "chain",
        "chain.mp4",
        title="One after the other",
        caption="Each clip begins with the last frame of the one before, and inherits what that got wrong.",
        alt="a face that goes through all expressions",
        span=6,
        inputs={"picture": picture},
        frames=60,
        scale=4,
        seed=seed,
    )


def comparison(player: Player[ImaGINator], video: str, seed: int) -> Exhibit:
    """A real clip and what is made of its first frame."""
    label = Path(video).parent.name
    return player.play(
        "compare",
        "compare.mp4",
        title="Beside the truth",
        caption=f"A real clip ({label}), the one drawn from its first frame, and the difference.",
        alt="two animations of the same face, and their difference, below each other",
        span=6,
        inputs={"video": video},
        label=label,
        scale=3,
        seed=seed,
    )
