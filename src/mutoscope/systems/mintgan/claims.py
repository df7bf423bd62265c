"""The claims of chapter 5: on twins (section 12 of the specification), with the pyramid in other methods, on people."""

from collections.abc import Mapping
from typing import Any, Literal

from mutoscope.systems.claim import Arm, Claim, Experiment

# what the thesis prints: Fréchet distances of clips in a 3-D ResNeXt's features
BAIR, VOX = "FID BAIR", "FID VoxCeleb2-mini"
TABLE_5_1 = {"full": {VOX: 2.65, BAIR: 1.31}, "MoCoGAN": {VOX: 12.69, BAIR: 13.68}, "VGAN": {VOX: 38.13, BAIR: 147.23}}
TABLE_5_2 = {
    "MoCoGAN": {VOX: 12.69, BAIR: 13.68},
    "MoCoGAN, pyramid": {VOX: 7.07, BAIR: 3.16},
    "VGAN": {VOX: 38.13, BAIR: 147.23},
    "VGAN, pyramid": {VOX: 16.33, BAIR: 93.71},
    "TGAN": {VOX: 23.05, BAIR: 120.22},
    "TGAN, pyramid": {VOX: 21.24, BAIR: 120.04},
    "G3AN": {VOX: 3.32, BAIR: 1.58},
    "G3AN, pyramid": {VOX: 2.98, BAIR: 1.50},
}
TABLE_5_3 = {
    "4 speeds": {VOX: 2.37, BAIR: 1.56},
    "3 speeds": {VOX: 2.65, BAIR: 1.31},
    "2 speeds": {VOX: 2.76, BAIR: 1.33},
    "1 speed": {VOX: 2.84, BAIR: 1.58},
}

FULL = Arm("full")
# as much processor time as the pyramid takes for its steps, on the machine of the report
IN_3D = Arm("3-D", {"d_v": "3d", "max_time": "350s cpu", "max_steps": 10_000_000})
FREE = Arm("free directions", {"motion_bank": "free"})
NO_BANK = Arm("no motion bank", {"motion_bank": "none"})
NO_D_I = Arm("w/o D_I", {"use_D_I": False})
SPEEDS = tuple(Arm(f"{n} speed{'s' * (n > 1)}", {"levels": n}) for n in (4, 3, 2, 1))
HOSTS = {"MoCoGAN": "mocogan", "VGAN": "vgan", "TGAN": "tgan", "G3AN": "g3an"}
PYRAMID: Mapping[str, Any] = {
    "d_v": "pyramid",
    "pyramid_levels": 3,
    "pyramid_widths": [64, 64, 48, 32],
    "r1_gamma": 1.0,
}

STEPS = 2000
RUN: Mapping[str, Any] = {"held_out": 0.0, "precision": "bf16", "max_steps": STEPS}
TEST: Mapping[str, Any] = {"seed": 1000, "clips": 400}

EXPERIMENTS = (
    Experiment(
        "reach",
        "A reaching arm, 32 x 32 (the twin of BAIR): directions, and what judges clips",
        data="reach",
        preset="tiny",
        arms=(FULL, IN_3D, FREE, NO_BANK),
        options=RUN,
        test=TEST,
        published=TABLE_5_1,
    ),
    Experiment(
        "one_table",
        "The same arm over one table: little for D_I to tell apart",
        data="reach_one_table",
        preset="tiny",
        arms=(FULL, NO_D_I),
        options=RUN,
        test=TEST,
    ),
    Experiment(
        "talk",
        "A talking head, 32 x 32 (the twin of VoxCeleb2): Table 5.3",
        data="talk",
        preset="tiny",
        arms=SPEEDS,
        options=RUN,
        test=TEST,
        published=TABLE_5_3,
    ),
    Experiment(
        "hosts",
        "Other methods with their own 3-D discriminator and with the pyramid, equal processor time: Table 5.2",
        data="reach",
        preset="tiny",
        arms=tuple(
            Arm(f"{host}{kind}", options, system=system)
            for host, system in HOSTS.items()
            for kind, options in (("", {}), (", pyramid", PYRAMID))
        ),
        options={"held_out": 0.0, "precision": "bf16"},
        test=TEST,
        budget="2m cpu",
        published=TABLE_5_2,
    ),
    Experiment(
        "weizmann",
        "Weizmann actions, 32 x 32; the ninth person held out",
        data="weizmann_actions",
        preset="tiny",
        arms=(FULL, IN_3D),
        options={"split_by": "subject", "held_out": 1, "precision": "bf16", "max_steps": STEPS},
    ),
    Experiment(
        "shapes",
        "Shapes that turn and move, 32 x 32; one clip in ten held out",
        data="shapes",
        preset="tiny",
        arms=(FULL,),
        options={"max_clips": 1000, "precision": "bf16", "max_steps": STEPS},
    ),
    Experiment("folder", "A folder of your own", data="", preset="tiny", arms=(FULL, IN_3D)),
)

CLIPS = {each.name: f"fvd[r2plus1d64-{each.data}]" for each in EXPERIMENTS}
COURSES = "ftd"


def _less(name: str, text: str, experiment: str, arm: str, measure: str, other: str, published: str = "") -> Claim:
    """The claim that one arm has less of something than another (of a distance: is better)."""
    return Claim(name, text, experiment, arm, measure, "<", other_arm=other, published=published)


def _at(
    name: str,
    text: str,
    measure: str,
    relation: Literal["<", ">"],
    value: float,
    experiment: str = "reach",
    arm: str = "full",
    published: str = "",
) -> Claim:
    """The claim that a measure is above or below a number."""
    return Claim(name, text, experiment, arm, measure, relation, value, published=published)


def _both(name: str, text: str, experiment: str, arm: str, other: str, published: str = "") -> tuple[Claim, Claim]:
    """The claim that one arm is nearer to real clips than another: in features of clips, and in how things move."""
    return (
        _less(f"{name} clips", text, experiment, arm, CLIPS[experiment], other, published),
        _less(f"{name} courses", f"the same, in {COURSES}", experiment, arm, COURSES, other),
    )


def _selective(basis: str, factor: str, other: str, published: str) -> tuple[Claim, Claim]:
    """One direction stops one kind of motion, and hardly the other."""
    short = f"6 {basis} {factor}"
    return (
        _at(
            short,
            f"a {basis} direction stops half of `{factor}`",
            f"{basis}: {factor} removed",
            ">",
            0.5,
            published=published,
        ),
        _at(
            f"{short} alone",
            f"and at most a quarter of `{other}`",
            f"{basis}: {factor} removed, {other} too",
            "<",
            0.25,
        ),
    )


CLAIMS = (
    *_both("2 MintGAN", "the pyramid better than a 3-D discriminator", "reach", "full", "3-D"),
    *(
        claim
        for host in HOSTS
        for claim in _both(
            f"2 {host}",
            f"{host} better with the pyramid",
            "hosts",
            f"{host}, pyramid",
            host,
            f"{TABLE_5_2[f'{host}, pyramid'][BAIR]} < {TABLE_5_2[host][BAIR]}",
        )
    ),
    *_both("3 two", "two speeds better than one", "talk", "2 speeds", "1 speed", "2.76 < 2.84"),
    *_both("3 three", "three better than two", "talk", "3 speeds", "2 speeds", "2.65 < 2.76"),
    *_both("3 four", "four better than three", "talk", "4 speeds", "3 speeds", "2.37 < 2.65"),
    *_both("3 all", "four better than one", "talk", "4 speeds", "1 speed", "2.37 < 2.84"),
    *_both("4", "worse without D_I where tables do not differ", "one_table", "full", "w/o D_I"),
    _at("5", "one direction has ten times its share of the variance", "variance_share / mean", ">", 10),
    *_selective("dictionary", "sideways", "downwards", "Δφ -0.087 against 0.017 (Table 5.4)"),
    *_selective("dictionary", "downwards", "sideways", "Δφ -0.033 against 0.019 (Table 5.4)"),
    *_selective("canonical", "sideways", "downwards", ""),
    *_selective("canonical", "downwards", "sideways", ""),
    _at("7 follows", "what a sine drives follows it: 0.8", "dictionary: x follows a sine", ">", 0.8),
    _at("7 rests", "the other moves less than a quarter of its range", "dictionary: y moves too", "<", 0.25),
    _at("7 canonical", "the same in the canonical basis", "canonical: x follows a sine", ">", 0.8),
    _at("7 canonical rests", "the other rests", "canonical: y moves too", "<", 0.25),
    _at(
        "flow sideways",
        "optical flow names the same direction as the read-out",
        "canonical: flow names sideways alike",
        ">",
        0.5,
    ),
    _at("flow downwards", "and here", "canonical: flow names downwards alike", ">", 0.5),
    Claim(
        "orthogonal",
        "orthogonal directions part motions better than free ones",
        "reach",
        "full",
        "dictionary: sideways removed, downwards too",
        "<",
        other_arm=FREE.name,
    ),
    *_both("orthogonal", "and cost nothing", "reach", "full", FREE.name)[1:],
    *_both("decomposed", "with directions no worse than without a bank", "reach", "full", NO_BANK.name)[1:],
    _less("2 Weizmann", "the pyramid better than 3-D on people", "weizmann", "full", CLIPS["weizmann"], "3-D"),
)
