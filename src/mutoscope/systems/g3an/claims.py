"""The chapter's claims: its tables on the twin (section 12 of the specification) and on real people."""

from collections.abc import Mapping
from dataclasses import replace

from mutoscope.systems.claim import Arm, Claim, Experiment

# what the thesis prints, Tables 4.1 and 4.3 to 4.5: Fréchet distances of clips in a 3-D ResNeXt's features
DATA = ("FID MUG", "FID UvA-NEMO", "FID Weizmann", "FID UCF101", "IS UCF101")
FULL = (67.12, 119.22, 86.01, 91.21, 3.62)
TABLE_4_1 = {
    "full": FULL,
    "MoCoGAN": (87.11, 197.32, 92.18, 104.14, 3.06),
    "TGAN": (97.07, 216.41, 99.85, 110.58, 2.74),
    "VGAN": (160.76, 235.01, 158.04, 115.06, 2.94),
}
TABLE_4_3 = {
    "full": FULL,
    "w/o G_T": (82.07, 121.87, 94.64, 96.47, 3.16),
    "w/o F-SA": (85.11, 128.14, 97.54, 98.37, 3.44),
    "w/o G_S": (109.87, 129.84, 141.06, 117.19, 3.05),
    "w/o G_S, G_T": (113.44, 159.54, 176.73, 120.17, 3.16),
    "w/o G_S, G_T, F-SA": (117.10, 164.04, 252.97, 127.09, 2.78),
}
TABLE_4_4 = {
    "(1+2)D": (69.42, 140.42, 87.04, 96.79, 3.07),
    "(2+1)D": (73.08, 141.35, 95.01, 98.70, 3.36),
    "3D": (93.51, 149.98, 154.21, 117.61, 2.88),
}
TABLE_4_5 = {
    "full": FULL,
    "F-SA a level earlier": (69.02, 160.12, 97.53, 112.36, 3.03),
    "F-SA two earlier": (72.54, 178.64, 99.66, 126.12, 2.74),
}


def _printed(*tables: Mapping[str, tuple[float, ...]]) -> dict[str, dict[str, float]]:
    return {arm: dict(zip(DATA, row, strict=True)) for table in tables for arm, row in table.items()}


ABLATIONS = (
    Arm("full"),
    Arm("w/o G_T", {"use_T": False}),
    Arm("w/o F-SA", {"fsa_level": None}),
    Arm("w/o G_S", {"use_S": False}),
    Arm("w/o G_S, G_T", {"use_S": False, "use_T": False}),
    Arm("w/o G_S, G_T, F-SA", {"use_S": False, "use_T": False, "fsa_level": None}),
)
METHODS = (Arm("MoCoGAN", system="mocogan"), Arm("TGAN", system="tgan"), Arm("VGAN", system="vgan"))
# (1+2)D with all weights of 3-D convolutions, as Table 4.4 compares them
CONVOLUTIONS = (
    Arm("(1+2)D", {"match_params": True}),
    Arm("(2+1)D", {"conv": "2p1d", "match_params": True}),
    Arm("3D", {"conv": "3d"}),
)
PLACES = (Arm("F-SA a level earlier", {"fsa_level": 1}), Arm("F-SA two earlier", {"fsa_level": 0}))
LABELS = Arm("with labels", {"label_names": ["horizontal", "vertical", "circle", "grow-shrink"]})

# so many steps take a free core about as long as the other methods are given
STEPS, TIME = {"max_steps": 1000}, {"max_time": "340s cpu", "max_steps": 10_000_000}
SPRITES = {"held_out": 0.0, "precision": "bf16"}
SPRITES_TEST = {"seed": 1000, "clips": 400}

EXPERIMENTS = (
    Experiment(
        "sprites",
        "Moving sprites, 32 x 32 (the twin): Tables 4.1 and 4.3",
        data="moving_sprites",
        preset="tiny",
        arms=(
            *(replace(arm, options={**arm.options, **STEPS}) for arm in (*ABLATIONS, LABELS)),
            *(replace(arm, options=TIME) for arm in METHODS),
        ),
        options=SPRITES,
        test=SPRITES_TEST,
        published=_printed(TABLE_4_1, TABLE_4_3),
    ),
    Experiment(
        "sprites_details",
        "Moving sprites, 32 x 32: Tables 4.4 and 4.5",
        data="moving_sprites",
        preset="tiny",
        arms=(Arm("full"), *PLACES, *CONVOLUTIONS),
        options={**SPRITES, **STEPS},
        test=SPRITES_TEST,
        published=_printed(TABLE_4_4, TABLE_4_5),
    ),
    Experiment(
        "weizmann",
        "Weizmann actions, 32 x 32: Tables 4.1 and 4.3, equal processor time; the ninth person held out",
        data="weizmann_actions",
        preset="tiny",
        arms=(*ABLATIONS, *METHODS),
        options={"split_by": "subject", "held_out": 1, "precision": "bf16"},
        budget="6m cpu",
        published=_printed(TABLE_4_1, TABLE_4_3),
    ),
    Experiment("folder", "A folder of your own", data="", preset="tiny", arms=ABLATIONS),
)


def _better(name: str, text: str, experiment: str, arm: str, other: str, distance: str, published: str = "") -> Claim:
    """The claim that the clips of one arm are nearer to real ones than those of another."""
    return Claim(name, text, experiment, arm, distance, "<", other_arm=other, published=published)


def _more(name: str, text: str, arm: str, measure: str, other: str, experiment: str = "sprites") -> Claim:
    """The claim that one arm has more of something than another."""
    return Claim(name, text, experiment, arm, measure, ">", other_arm=other)


TWIN_FRAMES = "fid[resnet64-moving_sprites]"
TWIN_CLIPS, WEIZMANN_CLIPS = "fvd[r2plus1d64-moving_sprites]", "fvd[r2plus1d64-weizmann_actions]"
NONE, ALONE = "w/o G_S, G_T, F-SA", "w/o G_S, G_T"


def _table_4_3(experiment: str, distance: str, of: str = "") -> tuple[Claim, ...]:
    """The order of Table 4.3, in features of clips or, as `of` says, of frames; with the thesis' Weizmann column."""

    def worse(name: str, text: str, other: str, published: str, arm: str = "full") -> Claim:
        return _better(f"Table 4.3 {name}{of}", text, experiment, arm, other, distance, published)

    return (
        worse("G_T", "better than without G_T", "w/o G_T", "86.01 < 94.64"),
        worse("F-SA", "better than without F-SA", "w/o F-SA", "86.01 < 97.54"),
        worse("G_S", "better than without G_S", "w/o G_S", "86.01 < 141.06"),
        worse("both", "better than without both", ALONE, "86.01 < 176.73"),
        worse("all", "better than without all three", NONE, "86.01 < 252.97"),
        worse("largest", "losing G_S costs more than losing G_T", "w/o G_S", "94.64 < 141.06", arm="w/o G_T"),
    )


def _table_4_1(experiment: str, distance: str) -> tuple[Claim, ...]:
    return (
        _better("Table 4.1 MoCoGAN", "better than MoCoGAN", experiment, "full", "MoCoGAN", distance, "86.01 < 92.18"),
        _better("Table 4.1 TGAN", "better than TGAN", experiment, "full", "TGAN", distance, "86.01 < 99.85"),
        _better("Table 4.1 VGAN", "better than VGAN", experiment, "full", "VGAN", distance, "86.01 < 158.04"),
        _better(
            "Table 4.1 second", "MoCoGAN better than TGAN", experiment, "MoCoGAN", "TGAN", distance, "92.18 < 99.85"
        ),
        _better("Table 4.1 third", "TGAN better than VGAN", experiment, "TGAN", "VGAN", distance, "99.85 < 158.04"),
    )


def _detail(name: str, text: str, arm: str, other: str, published: str) -> Claim:
    """A claim of Table 4.4 or 4.5."""
    return _better(f"Table {name}", text, "sprites_details", arm, other, TWIN_CLIPS, published)


TABLE_4_4_CLAIMS = (
    _detail("4.4 order", "(1+2)D better than (2+1)D", "(1+2)D", "(2+1)D", "87.04 < 95.01"),
    _detail("4.4 3D", "(2+1)D better than 3D", "(2+1)D", "3D", "95.01 < 154.21"),
)
TABLE_4_5_CLAIMS = (
    _detail(
        "4.5 late",
        "F-SA better at the second-last level than one before",
        "full",
        "F-SA a level earlier",
        "86.01 < 97.53",
    ),
    _detail("4.5 early", "and than two before", "full", "F-SA two earlier", "86.01 < 99.66"),
)
DISENTANGLEMENT = (
    Claim("look", "z_a decides the look: at least 0.8", "sprites", "full", "appearance_of_look", ">", 0.8),
    Claim("motion", "z_m decides the motion: at least 0.6", "sprites", "full", "motion_of_motion", ">", 0.6),
    Claim("look varies", "looks vary half as much as real ones", "sprites", "full", "look_of_real", ">", 0.5),
    Claim("motion varies", "motions vary half as much as real ones", "sprites", "full", "motion_of_real", ">", 0.5),
    _more("G_T look", "without G_T motion varies less with z_m", "full", "motion_by_motion_code", "w/o G_T"),
    _more("G_T share", "without G_T z_m decides less of the motion", "full", "motion_of_motion", "w/o G_T"),
    _more("G_S share", "without G_S z_a decides less of the look", "full", "appearance_of_look", "w/o G_S"),
    _more("both look", "without both z_a decides less of the look", "full", "appearance_of_look", ALONE),
    _more("both motion", "without both z_m decides less of the motion", "full", "motion_of_motion", ALONE),
    _more("MoCoGAN", "MoCoGAN's motion varies less with its code", "full", "motion_by_motion_code", "MoCoGAN"),
    Claim(
        "labels", "a label is shown: at least 0.5 where chance is 0.25", "sprites", LABELS.name, "label_shown", ">", 0.5
    ),
    Claim("label swap", "a label leaves the look as it is", "sprites", LABELS.name, "look_by_label", "<", 0.1),
)
WEIZMANN_CLAIMS = (
    *_table_4_1("weizmann", WEIZMANN_CLIPS),
    *_table_4_3("weizmann", WEIZMANN_CLIPS),
    _more(
        "G_T look", "without G_T motion varies less with z_m", "full", "motion_by_motion_code", "w/o G_T", "weizmann"
    ),
    _more("G_S share", "without G_S z_a decides less of the look", "full", "appearance_of_look", "w/o G_S", "weizmann"),
)

CLAIMS = (
    *_table_4_3("sprites", TWIN_CLIPS),
    *_table_4_3("sprites", TWIN_FRAMES, ", frames"),
    *TABLE_4_5_CLAIMS,
    *DISENTANGLEMENT,
    *_table_4_1("sprites", TWIN_CLIPS),
    *TABLE_4_4_CLAIMS,
    *WEIZMANN_CLAIMS,
)
