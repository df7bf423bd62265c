"""The paper's claims: its tables and figures on the twins (section 12 of the specification) and on real people.

Variants of refining, and refining of other methods, start from the clips of another arm, so that all refine the same.
"""

from functools import partial
from typing import Literal

from mutoscope.systems.claim import Arm, Claim, Experiment

TABLES_4_8 = {
    "G_M plain": {"ACD-I MUG": 0.459, "ACD-C MUG": 0.155, "MSE Penn": 0.027},
    "G_M dense": {"ACD-I MUG": 0.252, "ACD-C MUG": 0.140, "MSE Penn": 0.014},
    "G_M dense + G_R": {"ACD-I MUG": 0.184, "ACD-C MUG": 0.107, "MSE Penn": 0.011, "PSNR-120 H3.6M": 22.6},
    "Villegas-like": {"ACD-I MUG": 0.683, "ACD-C MUG": 0.130, "MSE Penn": 0.025},
    "next frame": {"PSNR-120 H3.6M (Li 2018)": 16.4},
}

# forecasting
DENSE = Arm("G_M dense", {"refine": False})
PLAIN = Arm("G_M plain", {"refine": False, "dense": False})
WIDE = Arm("G_M plain, wider", {"refine": False, "dense": False, "ch": 17, "max_ch": 66})
VILLEGAS = Arm("Villegas-like", {"refine": False, "dense": False, "skips": "none", "residual": "none"})
DIFFERENCE = Arm("difference", {"refine": False, "residual": "diff"})
FRAMES = Arm("whole frames", {"refine": False, "residual": "none"})
IMAGE_SKIPS = Arm("skips of the picture", {"refine": False, "skips": "image"})
NEXT = Arm("next frame", {"max_steps": 3000}, system="next_frame")


def _refining(name: str, of: Arm, **options: object) -> Arm:
    """An arm that refines what another one makes."""
    return Arm(name, {"coarse": f"arm:{of.name}", "pose_steps": 0, "max_steps": 1200, **options})


REFINED = Arm("G_M dense + G_R", {"forecast_steps": 800, "max_steps": 2600})
SKIPS_DEEP, SKIPS_NONE = (
    _refining("G_R, deep skips", DENSE, skips_R="deep"),
    _refining("G_R, no skips", DENSE, skips_R="none"),
)
NO_RANK, NO_D_I = _refining("G_R, no ranking", DENSE, gamma=0.0), _refining("G_R, no D_I", DENSE, use_D_I=False)
REFINED_VILLEGAS, REFINED_NEXT = _refining("Villegas-like + G_R", VILLEGAS), _refining("next frame + G_R", NEXT)

# faces
FULL_FACE = Arm("G_M dense + G_R", {"forecast_steps": 1000, "max_steps": 1400})
PLAIN_FACE = Arm("G_M plain", {"dense": False, "refine": False, "max_steps": 1000})
VILLEGAS_FACE = Arm("Villegas-like", {**VILLEGAS.options, "max_steps": 1000})

EXPERIMENTS = (
    Experiment(
        "stick_people",
        "Stick people, 32 x 32 (twin A): Tables 6 to 8, Figs. 9, 10 and 12; people not seen in training",
        data="stick_people",
        preset="tiny",
        arms=(
            *(DENSE, PLAIN, VILLEGAS, REFINED, NEXT, REFINED_VILLEGAS, REFINED_NEXT, DIFFERENCE, WIDE),
            *(NO_RANK, SKIPS_DEEP, SKIPS_NONE, NO_D_I, FRAMES, IMAGE_SKIPS),
        ),
        options={"held_out": 0.0, "max_steps": 1400},
        test={"seed": 1000, "subjects": 10},
        published=TABLES_4_8,
    ),
    Experiment(
        "morphable_faces",
        "Toy morphable faces, 32 x 32 (twin B): Tables 4 and 8; people not seen in training",
        data="morphable_faces",
        preset="tiny_face",
        arms=(FULL_FACE, PLAIN_FACE, VILLEGAS_FACE),
        options={"held_out": 0.0},
        test={"seed": 1000, "subjects": 10},
        published=TABLES_4_8,
    ),
    Experiment(
        "weizmann",
        "Weizmann actions, 32 x 32, joints by an estimator: Table 7; three of nine people held out",
        data="weizmann_actions",
        preset="tiny",
        arms=(DENSE, VILLEGAS, NEXT, REFINED),
        options={"split_by": "subject", "held_out": 3, "max_steps": 1600},
    ),
    Experiment("folder", "A folder of your own", data="", preset="tiny", arms=(DENSE, PLAIN, VILLEGAS, REFINED)),
)


def _compared(
    relation: Literal["<", ">"],
    name: str,
    text: str,
    arm: Arm,
    measure: str,
    other: Arm,
    other_measure: str = "",
    published: str = "",
    on: str = "stick_people",
) -> Claim:
    """The claim that an arm has less or more of something than another arm, or than itself of something else."""
    return Claim(name, text, on, arm.name, measure, relation, None, other.name, other_measure or measure, published)


_less, _more = partial(_compared, "<"), partial(_compared, ">")


def _at(name: str, text: str, arm: Arm, measure: str, relation: Literal["<", ">"], value: float) -> Claim:
    """The claim that a measure of an arm is above or below a number."""
    return Claim(name, text, "stick_people", arm.name, measure, relation, value)


TABLE_8 = (
    _less("1 dense", "dense connections lower the error", DENSE, "mse", PLAIN, published="0.014 < 0.027"),
    _less("1 equal", "the same against a plain network of as many weights", DENSE, "mse", WIDE),
    _less("1 refining", "refining lowers it again", REFINED, "mse", REFINED, "mse_coarse", "0.011 < 0.014"),
    _less("1 flicker", "refined clips flicker less", REFINED, "flicker", REFINED, "flicker_coarse"),
)
TABLE_7 = (
    _less("2 true", "by true poses better than by predicted", DENSE, "mse", DENSE, "mse_predicted", "0.011 < 0.023"),
    _less("2 gap", "and by less so in the baseline", VILLEGAS, "gap_predicted", DENSE, published="0.005 < 0.012"),
    _less("2 LSTM", "predicted poses better than the last one held", DENSE, "pose_error", DENSE, "pose_error_copy"),
    _less("3 true", "better than the baseline, true poses", REFINED, "mse", VILLEGAS, published="0.011 < 0.025"),
    _less("3 predicted", "the same, predicted poses", DENSE, "mse_predicted", VILLEGAS, published="0.023 < 0.030"),
)
TABLE_6 = (
    _more("4 last", "better than recursion in the last frame", DENSE, "psnr_last", NEXT),
    _more("4 horizon", "better than recursion over the horizon", REFINED, "psnr", NEXT, published="22.6 > 16.4"),
    _less("4 drop", "it loses less from the next frame to the last", DENSE, "psnr_drop", NEXT),
)
FIGURE_9 = (
    _more("5 still", "where little moves, no worse than copying", DENSE, "psnr_still", DENSE, "psnr_still_copy"),
    _more("5 moving", "where much moves, better than copying", DENSE, "psnr_moving", DENSE, "psnr_moving_copy"),
    _less("5 baseline", "the baseline loses to copying", VILLEGAS, "psnr_still", VILLEGAS, "psnr_still_copy"),
)
FIGURE_12 = (
    _less("6 Villegas", "refining helps the baseline", REFINED_VILLEGAS, "mse", REFINED_VILLEGAS, "mse_coarse"),
    _less("6 next", "and recursion without structure", REFINED_NEXT, "mse", REFINED_NEXT, "mse_coarse"),
)
FIGURE_5 = (
    _less("7 mask", "a mask better than a difference", DENSE, "mse", DIFFERENCE),
    _less("7 frames", "a mask better than whole frames", DENSE, "mse", FRAMES),
    _at("7 moving", "the mask is open where things move", DENSE, "mask_moving", ">", 0.5),
    _at("7 standing", "and closed where not", DENSE, "mask_standing", "<", 0.2),
    _less("7 background", "the background is copied", DENSE, "background", FRAMES),
)
SECTION_6 = (
    _less("8 skips", "deep skips better than all", SKIPS_DEEP, "mse", REFINED),
    _less("8 some", "deep skips better than none", SKIPS_DEEP, "mse", SKIPS_NONE),
    _less("8 ranking", "without the ranking loss less is changed", NO_RANK, "change", REFINED),
    _less("8 rank MSE", "the ranking loss lowers the error", REFINED, "mse", NO_RANK),
    _less("8 D_I", "the critic of frames helps", REFINED, "mse", NO_D_I),
)
FACES = "acd_i[resnet64-morphable_faces-subjects]"
SPREAD = "acd_c[resnet64-morphable_faces-subjects]"
ON = "morphable_faces"
TABLE_4 = (
    _less("1 face", "refining lowers the error", FULL_FACE, "mse", FULL_FACE, "mse_coarse", on=ON),
    _less("1 face dense", "and dense connections", FULL_FACE, "mse_coarse", PLAIN_FACE, "mse", on=ON),
    _less("9 identity", "the face is kept", FULL_FACE, FACES, VILLEGAS_FACE, published="0.184 < 0.683", on=ON),
    _less(
        "9 consistent", "and the same throughout", FULL_FACE, SPREAD, VILLEGAS_FACE, published="0.107 < 0.130", on=ON
    ),
    _less("9 plain", "better than plain", FULL_FACE, FACES, PLAIN_FACE, published="0.184 < 0.459", on=ON),
    _less(
        "9 carried",
        "carried expressions come nearer to the truth than the picture at rest",
        FULL_FACE,
        "mse_retargeted",
        FULL_FACE,
        "mse_retargeted_copy",
        on=ON,
    ),
    _less("9 better", "and nearer than the baseline's", FULL_FACE, "mse_retargeted", VILLEGAS_FACE, on=ON),
)
WEIZMANN = (
    _less("3 Weizmann", "better than the baseline", DENSE, "mse", VILLEGAS, published="0.011 < 0.025", on="weizmann"),
    _less("2 Weizmann", "by true poses better than by predicted", DENSE, "mse", DENSE, "mse_predicted", on="weizmann"),
    _more("4 Weizmann", "better than recursion in the last frame", DENSE, "psnr_last", NEXT, on="weizmann"),
    _less("1 Weizmann", "refining lowers the error", REFINED, "mse", REFINED, "mse_coarse", on="weizmann"),
    _less("0 Weizmann", "nearer than the last frame at rest", DENSE, "mse", DENSE, "mse_copy", on="weizmann"),
)

CLAIMS = (
    *TABLE_8,
    *TABLE_7,
    *TABLE_6,
    *FIGURE_9,
    *FIGURE_12,
    *FIGURE_5,
    *SECTION_6,
    *TABLE_4,
    *WEIZMANN,
)
