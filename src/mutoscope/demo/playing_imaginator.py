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
        labels(player, first[0], seed),
        noises(player, first[-1], system.label_names[-1], seed),
        chain(player, first[0], seed),
        comparison(player, first[0], seed),
    ]
    lead = (
        f"Trained on clips of {data}, which are rendered by this package. From one picture of someone it has not seen, "
        "and a label, it draws a clip."
    )
    return Section(f"Playing {weights}", lead, tuple(exhibits), commands=(made,))


def labels(player: Player[ImaGINator], picture: str, seed: int) -> Exhibit:
    """One picture under every label."""
    return player.play(
        "label_grid",
        "labels.mp4",
        title="One picture, every label",
        caption="The same noise under each label.",
        alt="a face that smiles, frowns, is surprised and nods, side by side",
        span=6,
        inputs={"picture": picture},
        scale=3,
        seed=seed,
    )


def noises(player: Player[ImaGINator], picture: str, label: str, seed: int) -> Exhibit:
    """One picture under one label, with several noises."""
    return player.play(
        "noise_grid",
        "noises.mp4",
        title="One label, several noises",
        caption="What a label leaves open, when it begins and how far it goes, is up to the noise.",
        alt="a face that makes the same movement in slightly different ways",
        span=6,
        inputs={"picture": picture},
        label=label,
        clips=4,
        scale=3,
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
