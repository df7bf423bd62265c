"""First part of the demo: what one can do with the weights that ship with the package, a section for each."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mutoscope.data import open_clips
from mutoscope.data.rendering import render
from mutoscope.data.synthetic import NAMES
from mutoscope.demo.exhibits import Exhibit, Player, Section
from mutoscope.media.results import Video
from mutoscope.systems.loading import load
from mutoscope.systems.pseudo_label.codes import Segment
from mutoscope.systems.pseudo_label.measures import strongest_codes, sweeps_of_all_codes

HELD_OUT_SEED = 1000  # of synthetic clips that no training has seen; the seed that `mutoscope evaluate` takes by itself
SHOWN_CLIPS = 4


def play(folder: Path, weights: str, seed: int) -> Section:
    """Plays shipped weights; files go to a folder below `folder` that is named after them."""
    system, data = weights.split("/")
    place = data if system == "pseudo_label" else f"{system}_{data}"
    return SECTIONS[system](Player(load(weights), weights, folder, place), data, seed)


def pseudo_label(player: Player, data: str, seed: int) -> Section:
    """All controls whose results one can look at."""
    config = player.system.config
    codes = strongest_codes(sweeps_of_all_codes(player.system, seed)).tolist()
    code = main_code(codes)
    exhibits = [
        wall(player, codes, seed),
        *loops(player, codes, seed),
        player.play(
            "grid",
            "grid.png",
            title="Clips and codes",
            caption="A row for each clip; from left to right, one code crosses the range it was trained on.",
            alt="a sheet of frames: one row a clip, the motion going on from left to right",
            span=12,
            arguments={"code": code, "columns": 16 if config.image_size <= 32 else 10, "seed": seed},
        ),
        styles(player, codes[0], seed),
        player.play(
            "saturation",
            "saturation.png",
            title="End stops",
            caption="The code runs to twenty times its range, far beyond what training has seen.",
            alt="a sheet of frames: one row a clip, ordinary in the middle, extreme towards both sides",
            arguments={"code": code, "amplitude": 20, "columns": 9, "seed": seed},
        ),
    ]
    if data in NAMES:
        exhibits += sort(player, write_shuffled(player, data, seed))
    segments = [Segment(clip, code=code) for clip, code in enumerate(codes[:SHOWN_CLIPS])]
    exhibits += [
        player.play(
            "clip_switch",
            "switch.mp4",
            title="One clip after another",
            caption="The clip label switches, the code moves: a small programme of motions.",
            alt="an animation that changes its subject now and then",
            span=3,
            arguments={"segments": segments, "fps": 12, "seed": seed},
        ),
        player.play(
            "index_walk",
            "walk.mp4",
            title="A walk over the clips",
            caption="One index after another, in the order in which neighbours look most alike.",
            alt="an animation that visits every clip for a moment",
            span=3,
            arguments={"over": "d", "ordered": True, "hold": 4, "fps": 8, "seed": seed},
        ),
    ]
    lead = (
        f"Trained on shuffled, unlabelled frames of {data}. It was never told which frames belong together or "
        f"which comes first; its {config.n_d} clips and {config.n_c} motion codes are its own discovery."
    )
    return player.section(lead, exhibits)


def main_code(codes: list[int]) -> int:
    """The code that moves most in most clips."""
    return int(np.bincount(codes).argmax())


def wall(player: Player, codes: list[int], seed: int) -> Exhibit:
    """All clips in one video."""
    config = player.system.config
    columns = config.n_d if config.n_d <= 6 else 10
    scale = max(1, 768 // (columns * config.image_size))
    return player.play(
        "wall",
        "wall.mp4",
        title="All clips at once",
        caption="Every clip the system has found, in motion: one code runs back and forth, the noise stands still.",
        alt=f"{config.n_d} small animations side by side",
        span=12,
        arguments={"code": main_code(codes), "columns": columns, "frames": 32, "fps": 12, "scale": scale, "seed": seed},
    )


def loops(player: Player, codes: list[int], seed: int) -> list[Exhibit]:
    """A few clips, each along the code that moves it most."""
    there_and_back = {"play": "ping-pong", "smooth": True, "frames": 36, "fps": 12, "seed": seed}
    return [
        player.play(
            "path",
            f"clip_{clip}.mp4",
            f"clip_{clip}.gif",
            title=f"Clip {clip}",
            caption=f"Code {code} there and back, slowing down at the ends.",
            alt=f"clip {clip} moving back and forth",
            span=3,
            arguments={"clip": clip, "points": [[0] * code + [-1], [0] * code + [1]], **there_and_back},
        )
        for clip, code in enumerate(codes[:SHOWN_CLIPS])
    ]


def styles(player: Player, code: int, seed: int) -> Exhibit:
    """One clip under several draws of the noise."""
    return player.play(
        "styles",
        "styles.png",
        title="Other noise, same motion",
        caption=f"Clip 0 along code {code} under four draws of the noise.",
        alt="a sheet of frames: four variants of one clip",
        arguments={"clip": 0, "code": code, "rows": 4, "columns": 8, "seed": seed},
    )


def write_shuffled(player: Player, data: str, seed: int) -> Path:
    """Saves frames of four held-out clips in random order, as a video and as a strip beside it, whose path it gives."""
    config = player.system.config
    clips = open_clips(data, size=config.size, channels=config.channels, seed=HELD_OUT_SEED, max_clips=4, frames=8)
    shuffled = Video(np.random.default_rng(seed).permutation(clips.pixels))
    strip = Path(player.place, "shuffled.png")
    for suffix in (".mp4", ".png"):
        shuffled.save(player.folder / strip.with_suffix(suffix))
    return strip


def sort(player: Player, strip: Path) -> list[Exhibit]:
    """Real frames brought into order, as pictures and in motion, each after what `write_shuffled` saved."""
    sorted_strip = player.play(
        "sort_frames",
        "sorted.png",
        title="Shuffled frames, sorted",
        caption="Above, real frames that training never saw, shuffled. Below, the same frames as the system orders "
        "them: by the clip it reads, then by its code.",
        alt="two strips of the same frames: above in random order, below grouped and in order of motion",
        span=12,
        arguments={"frames": strip},
    )
    played = player.play(
        "sort_frames",
        "sorted.mp4",
        title="… and played",
        caption="Left shuffled, right sorted.",
        alt="the shuffled frames flicker, the sorted ones move",
        arguments={"frames": strip},
    )
    shown = [(sorted_strip, strip), (played, strip.with_suffix(".mp4"))]
    return [replace(exhibit, files=(before.as_posix(), *exhibit.files)) for exhibit, before in shown]


def g3an(player: Player, data: str, seed: int) -> Section:
    """Appearance and motion chosen apart."""
    exhibits = [
        player.play(
            "wall",
            "wall.mp4",
            title="Appearance and motion apart",
            caption="One appearance a row, one motion a column.",
            alt="a grid of small animations; looks change from row to row, courses from column to column",
            arguments={"appearances": 4, "motions": 6, "fps": 8, "seed": seed},
        ),
        player.play(
            "long",
            "long.mp4",
            title="Longer than trained on",
            caption=f"96 frames in one pass of the network, which has seen clips of {player.system.config.frames}.",
            alt="animations of moving shapes side by side",
            arguments={"frames": 96, "clips": 4, "walk": "smooth", "scale": 3, "seed": seed},
        ),
        *(
            player.play(
                "interpolate",
                f"interpolate_{which}.png",
                title=f"From one {which} to another",
                caption=f"One clip a row; only the {which} noise moves, along an arc.",
                alt=f"a sheet of frames: the {which} changes from row to row",
                arguments={"which": which, "start": seed, "stop": seed + 1, "steps": 6},
            )
            for which in ("appearance", "motion")
        ),
        player.play(
            "streams",
            "streams.png",
            title="The three streams",
            caption="Level by level: appearance without time, motion without space, the video stream, and the three "
            "fused.",
            alt="maps of features, a row for each level of the generator",
            span=12,
            arguments={"seed": seed},
        ),
    ]
    lead = (
        f"Trained on clips of {data.replace('_', ' ')}, without labels. Every clip is drawn from two noises, one for "
        "the look and one for the course. No loss asks for that; a stream without time and one without space do it."
    )
    return player.section(lead, exhibits)


def imaginator(player: Player, data: str, seed: int) -> Section:
    """Pictures of people the system has never seen, three of them, made to move."""
    made, (picture, *_, last) = rendered(player, data, clips=12)
    label = picture.parent.name
    exhibits = [
        player.play(
            "wall",
            "wall.mp4",
            title="Three people, every label",
            caption="A picture a row, a label a column, all with the same noise.",
            alt="faces that smile, frown, are surprised and nod, a person a row",
            arguments={"pictures": last.parent, "scale": 3, "seed": seed},
        ),
        player.play(
            "label_sheet",
            "labels.png",
            title="One picture, every label",
            caption="A label a row, time from left to right.",
            alt="a sheet of frames: a face smiles, frowns, is surprised and nods",
            arguments={"picture": picture, "seed": seed},
        ),
        player.play(
            "chain",
            "chain.mp4",
            title="One after the other",
            caption="Each clip begins with the last frame of the one before, and inherits what that got wrong.",
            alt="a face that goes through all expressions",
            arguments={"picture": picture, "frames": 60, "scale": 4, "seed": seed},
        ),
        player.play(
            "compare",
            "compare.mp4",
            title="Beside the truth",
            caption=f"A real clip ({label}), the one drawn from its first frame, and the difference.",
            alt="two animations of the same face, and their difference, below each other",
            arguments={"video": picture, "label": label, "scale": 3, "seed": seed},
        ),
    ]
    lead = (
        f"Trained on clips of {data}, which are rendered by this package. From one picture of someone it has not seen, "
        "and a label, it draws a clip."
    )
    return player.section(lead, exhibits, made)


def mintgan(player: Player, data: str, seed: int) -> Section:
    """Motions that can be named, switched off and steered."""
    directions = {"direction": 0, "shape": "sine", "second": 1, "second_shape": "linear", "basis": "canonical"}
    exhibits = [
        player.play(
            "wall",
            "wall.mp4",
            title="Clips from noise",
            caption="One appearance a row, one motion noise a column; clips of a row begin with the same frame.",
            alt="a grid of small animations",
            arguments={"appearances": 4, "motions": 6, "seed": seed},
        ),
        player.play(
            "decomposed",
            "decomposed.png",
            title="One clip, taken apart",
            caption="All of its motion; the strongest directions alone; what is left without them. Beside, where it "
            "moves.",
            alt="rows of frames in which more or less moves",
            arguments={"directions": [0, 1], "basis": "canonical", "flow": True, "columns": 6, "seed": seed},
        ),
        player.play(
            "drive",
            "driven.mp4",
            title="Driven by hand",
            caption="A sine on one direction, a line on another, both together; all other directions rest.",
            alt="three animations side by side",
            arguments=directions | {"amplitude": 2.0, "appearances": 3, "scale": 3, "seed": seed},
        ),
        player.play(
            "interpret",
            "directions.html",
            title="What each direction does",
            caption="Measured by optical flow: what comes to rest when a direction is switched off.",
            alt="a page with pictures and figures for each direction",
            arguments={"basis": "canonical", "clips": 16, "codes": 2000, "seed": seed},
        ),
    ]
    lead = (
        f"Trained on clips of {data}, which are rendered by this package, without labels. Every frame is a point in a "
        "space of codes, and every step from frame to frame goes along a few of its learned directions."
    )
    return player.section(lead, exhibits)


def frgan(player: Player, data: str, seed: int) -> Section:
    """Pictures of people the system has never seen, moved by the structure of others: six motions of three people."""
    made, videos = rendered(player, data, clips=18, size=player.system.config.image_size)
    videos = sorted(videos, key=lambda video: int(video.stem))
    exhibits = [
        player.play(
            "layers",
            "layers.png",
            title="A picture, and where things will be",
            caption="Each frame is drawn from the first one: the mask says what is new, the content what it is.",
            alt="rows of frames: real ones, forecasts, masks, contents, structure, refined ones",
            arguments={"video": videos[5]},
        ),
        player.play(
            "retarget_sheet",
            "carried.png",
            title="Moved as somebody else",
            caption="Blue leads, green is the picture, red is what becomes of it.",
            alt="three rows of frames: a person who moves, another who is moved alike, the structure",
            arguments={"video": videos[5], "picture": videos[6], "every": 4},
        ),
        player.play(
            "chain",
            "chain.mp4",
            title="One motion after the other",
            caption="All frames come from one picture, so errors do not add up.",
            alt="an animation of one person who moves in several ways",
            arguments={"picture": videos[2], "videos": videos[2].parent, "scale": 6},
        ),
    ]
    if player.system.can_predict:
        exhibits.append(
            player.play(
                "poses",
                "poses.png",
                title="Poses foretold",
                caption="Ten poses were observed; those that follow are foretold, and below them are the true ones.",
                alt="three rows of heat maps of joints",
                arguments={"video": videos[1]},
            )
        )
    lead = (
        f"Trained on clips of {data}, which are rendered by this package. From one picture of someone it has not seen, "
        "and from where things will be, it draws the frames to come, and then refines the clip."
    )
    return player.section(lead, exhibits, made)


def rendered(player: Player, data: str, clips: int, **size: Any) -> tuple[str, list[Path]]:
    """Renders people who were not in training; the command for that, and the videos, below the demo's folder."""
    folder = render(data, player.folder / player.place / "clips", clips=clips, seed=HELD_OUT_SEED, **size)
    below = folder.relative_to(player.folder)
    sized = "".join(f"--{option} {value} " for option, value in size.items())
    made = f"mutoscope data render {data} --clips {clips} {sized}--seed {HELD_OUT_SEED} -o {below}"
    return made, sorted(path.relative_to(player.folder) for path in folder.glob("*/*.mp4"))


SECTIONS = {"pseudo_label": pseudo_label, "g3an": g3an, "imaginator": imaginator, "mintgan": mintgan, "frgan": frgan}
