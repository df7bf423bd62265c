"""Fifth part of the demo: pictures of people the system has never seen, moved by the structure of others."""

from pathlib import Path

from mutoscope.data.rendering import render
from mutoscope.demo.exhibits import Exhibit, Player, Section
from mutoscope.systems.frgan import FRGAN
from mutoscope.systems.loading import load

CLIPS, UNSEEN = 18, 1000
"""Clips rendered, six motions of three people, and the seed of people who were not in training."""


def play_frgan(folder: Path, weights: str, seed: int) -> Section:
    """Plays shipped weights of FRGAN; files go to `folder/frgan_<data>`."""
    system = load(weights)
    assert isinstance(system, FRGAN)
    data = weights.split("/")[-1]
    place, size = f"frgan_{data}", system.config.image_size
    clips = render(data, folder / place / "clips", clips=CLIPS, size=size, seed=UNSEEN).relative_to(folder)
    made = f"mutoscope data render {data} --clips {CLIPS} --size {size} --seed {UNSEEN} -o {clips}"
    videos = sorted((path.relative_to(folder).as_posix() for path in (folder / clips).glob("*/*.mp4")), key=_number)
    player = Player(system, weights, folder, place)
    exhibits = [taken_apart(player, videos[5]), carried_over(player, videos[5], videos[6]), chained(player, videos)]
    if system.can_predict:
        exhibits.append(foretold(player, videos[1]))
    lead = (
        f"Trained on clips of {data}, which are rendered by this package. From one picture of someone it has not seen, "
        "and from where things will be, it draws the frames to come, and then refines the clip."
    )
    return Section(f"Playing {weights}", lead, tuple(exhibits), commands=(made,))


def taken_apart(player: Player[FRGAN], video: str) -> Exhibit:
    """What a forecast is made of."""
    return player.play(
        "layers",
        "layers.png",
        title="A picture, and where things will be",
        caption="Each frame is drawn from the first one: the mask says what is new, the content what it is.",
        alt="rows of frames: real ones, forecasts, masks, contents, structure, refined ones",
        span=6,
        inputs={"video": video},
    )


def carried_over(player: Player[FRGAN], video: str, picture: str) -> Exhibit:
    """The motion of one person on another's picture."""
    return player.play(
        "retarget_sheet",
        "carried.png",
        title="Moved as somebody else",
        caption="Blue leads, green is the picture, red is what becomes of it.",
        alt="three rows of frames: a person who moves, another who is moved alike, the structure",
        span=6,
        inputs={"video": video, "picture": picture},
        every=4,
    )


def chained(player: Player[FRGAN], videos: list[str]) -> Exhibit:
    """One picture through several motions."""
    return player.play(
        "chain",
        "chain.mp4",
        title="One motion after the other",
        caption="All frames come from one picture, so errors do not add up.",
        alt="an animation of one person who moves in several ways",
        span=6,
        inputs={"picture": videos[2], "videos": Path(videos[2]).parent.as_posix()},
        scale=6,
    )


def foretold(player: Player[FRGAN], video: str) -> Exhibit:
    """What follows the first frames."""
    return player.play(
        "poses",
        "poses.png",
        title="Poses foretold",
        caption="Ten poses were observed; those that follow are foretold, and below them are the true ones.",
        alt="three rows of heat maps of joints",
        span=6,
        inputs={"video": video},
    )


def _number(video: str) -> int:
    return int(Path(video).stem)
