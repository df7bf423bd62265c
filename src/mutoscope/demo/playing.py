"""First part of the demo: everything one can do with weights that ship with the package."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from mutoscope.data import open_clips
from mutoscope.data.synthetic import NAMES
from mutoscope.demo.exhibits import Exhibit, Player, Section, load_pseudo_label
from mutoscope.media.results import Video
from mutoscope.systems.pseudo_label import PseudoLabel
from mutoscope.systems.pseudo_label.codes import Segment
from mutoscope.systems.pseudo_label.measures import strongest_codes, sweeps_of_all_codes

HELD_OUT_SEED = 1000  # of synthetic clips that no training has seen; the seed that `mutoscope evaluate` takes by itself
SHOWN_CLIPS = 4


def play_shipped(folder: Path, weights: str, seed: int) -> Section:
    """Plays shipped weights by all controls whose results one can look at; files go to `folder/<data>`."""
    data = weights.split("/")[-1]
    player = Player(load_pseudo_label(weights), weights, folder, data)
    system = player.system
    codes = strongest_codes(sweeps_of_all_codes(system, seed)).tolist()
    exhibits = [wall(player, codes, seed), *loops(player, codes, seed), *sheets(player, codes, seed)]
    if data in NAMES:
        exhibits += sort(player, write_shuffled(folder / data, data, system, seed))
    exhibits += [switch(player, codes, seed), walk(player, seed)]
    lead = (
        f"Trained on shuffled, unlabelled frames of {data}. It was never told which frames belong together or "
        f"which comes first; its {system.config.n_d} clips and {system.config.n_c} motion codes are its own discovery."
    )
    return Section(f"Playing {weights}", lead, tuple(exhibits))


def main_code(codes: list[int]) -> int:
    """The code that moves most in most clips."""
    return int(np.bincount(codes).argmax())


def wall(player: Player[PseudoLabel], codes: list[int], seed: int) -> Exhibit:
    """All clips in one video."""
    system = player.system
    columns = system.config.n_d if system.config.n_d <= 6 else 10
    return player.play(
        "wall",
        "wall.mp4",
        title="All clips at once",
        caption="Every clip the system has found, in motion: one code runs back and forth, the noise stands still.",
        alt=f"{system.config.n_d} small animations side by side",
        span=12,
        code=main_code(codes),
        columns=columns,
        frames=32,
        fps=12,
        scale=max(1, 768 // (columns * system.config.image_size)),
        seed=seed,
    )


def loops(player: Player[PseudoLabel], codes: list[int], seed: int) -> list[Exhibit]:
    """A few clips, each along the code that moves it most."""
    return [
        player.play(
            "path",
            f"clip_{clip}.mp4",
            f"clip_{clip}.gif",
            title=f"Clip {clip}",
            caption=f"Code {code} there and back, slowing down at the ends.",
            alt=f"clip {clip} moving back and forth",
            clip=clip,
            points=[[0] * code + [-1], [0] * code + [1]],
            play="ping-pong",
            smooth=True,
            frames=36,
            fps=12,
            seed=seed,
        )
        for clip, code in enumerate(codes[:SHOWN_CLIPS])
    ]


def styles(player: Player[PseudoLabel], code: int, seed: int) -> Exhibit:
    """One clip under several draws of the noise."""
    return player.play(
        "styles",
        "styles.png",
        title="Other noise, same motion",
        caption=f"Clip 0 along code {code} under four draws of the noise.",
        alt="a sheet of frames: four variants of one clip",
        span=6,
        clip=0,
        code=code,
        rows=4,
        columns=8,
        seed=seed,
    )


def sheets(player: Player[PseudoLabel], codes: list[int], seed: int) -> list[Exhibit]:
    """The paper's figures: clips against codes, noise, and codes out of range."""
    columns = 16 if player.system.config.image_size <= 32 else 10
    code = main_code(codes)
    return [
        player.play(
            "grid",
            "grid.png",
            title="Clips and codes",
            caption="A row for each clip; from left to right, one code crosses the range it was trained on.",
            alt="a sheet of frames: one row a clip, the motion going on from left to right",
            span=12,
            code=code,
            columns=columns,
            seed=seed,
        ),
        styles(player, codes[0], seed),
        player.play(
            "saturation",
            "saturation.png",
            title="End stops",
            caption="The code runs to twenty times its range, far beyond what training has seen.",
            alt="a sheet of frames: one row a clip, ordinary in the middle, extreme towards both sides",
            span=6,
            code=code,
            amplitude=20,
            columns=9,
            seed=seed,
        ),
    ]


def switch(player: Player[PseudoLabel], codes: list[int], seed: int) -> Exhibit:
    """Clips in a row, in one video."""
    segments = [Segment(clip, code=code) for clip, code in enumerate(codes[:SHOWN_CLIPS])]
    return player.play(
        "clip_switch",
        "switch.mp4",
        title="One clip after another",
        caption="The clip label switches, the code moves: a small programme of motions.",
        alt="an animation that changes its subject now and then",
        segments=segments,
        fps=12,
        seed=seed,
    )


def walk(player: Player[PseudoLabel], seed: int) -> Exhibit:
    """Through all clips, neighbours looking alike."""
    return player.play(
        "index_walk",
        "walk.mp4",
        title="A walk over the clips",
        caption="One index after another, in the order in which neighbours look most alike.",
        alt="an animation that visits every clip for a moment",
        over="d",
        ordered=True,
        hold=4,
        fps=8,
        seed=seed,
    )


def write_shuffled(folder: Path, data: str, system: PseudoLabel, seed: int) -> Path:
    """Saves frames of four held-out clips in random order, as a strip and as a video beside it."""
    clips = open_clips(
        data, size=system.config.image_size, channels=system.config.channels, seed=HELD_OUT_SEED, max_clips=4, frames=8
    )
    shuffled = np.random.default_rng(seed).permutation(clips.pixels)
    Video(shuffled).save(folder / "shuffled.mp4")
    return Video(shuffled).save(folder / "shuffled.png")


def sort(player: Player[PseudoLabel], strip: Path) -> list[Exhibit]:
    """Real frames brought into order, as pictures and in motion."""
    strip_name = strip.relative_to(player.folder).as_posix()
    sorted_strip = player.play(
        "sort_frames",
        "sorted.png",
        title="Shuffled frames, sorted",
        caption="Above, real frames that training never saw, shuffled. Below, the same frames as the system orders "
        "them: by the clip it reads, then by its code.",
        alt="two strips of the same frames: above in random order, below grouped and in order of motion",
        span=12,
        inputs={"frames": strip_name},
    )
    played = player.play(
        "sort_frames",
        "sorted.mp4",
        title="… and played",
        caption="Left shuffled, right sorted.",
        alt="the shuffled frames flicker, the sorted ones move",
        span=6,
        inputs={"frames": strip_name},
    )
    shown = [(sorted_strip, strip_name), (played, strip_name.replace(".png", ".mp4"))]
    return [replace(exhibit, files=(before, *exhibit.files)) for exhibit, before in shown]
