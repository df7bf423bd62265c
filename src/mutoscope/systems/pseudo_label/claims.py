"""The twin's criteria (section 12 of the specification) and the same arms on real frames."""

from mutoscope.systems.claim import Arm, Claim, Experiment

ABLATIONS = (
    Arm("full"),
    Arm("w_c=0", {"w_c": 0.0}),
    Arm("w_d=0", {"w_d": 0.0}),
)

TABLE_3 = ((5, 2), (5, 5), (10, 5), (20, 10), (20, 20))

EXPERIMENTS = (
    Experiment(
        "sprites",
        "Sprite clips, 32 x 32 (the twin)",
        data="sprites",
        preset="tiny",
        arms=(*ABLATIONS, Arm("plain GAN", {"w_d": 0.0, "w_c": 0.0}), Arm("(20,20)", {"n_d": 20, "n_c": 20})),
        options={"held_out": 0.0},
        test={"seed": 1000, "clips_per_type": 10, "frames": 10},
    ),
    Experiment(
        "weizmann",
        "Weizmann actions, 64 x 64; the ninth person held out",
        data="weizmann_actions",
        preset="tuned",
        arms=(
            *ABLATIONS,
            Arm("paper preset", {"max_steps": 600}, preset="paper"),
            Arm("release preset", {"max_steps": 600}, preset="release"),
        ),
        options={"split_by": "subject", "held_out": 1, "precision": "bf16"},
    ),
    Experiment(
        "shapes2d",
        "2-D shapes, 64 x 64; one clip in ten held out",
        data="shapes",
        preset="tuned",
        arms=ABLATIONS,
        options={"max_clips": 1000, "precision": "bf16", "max_steps": 1000},
    ),
    Experiment(
        "code_sizes",
        "Sizes of the codes, on the sprites (Table 3 of the paper)",
        data="sprites",
        preset="tiny",
        arms=tuple(Arm(f"({n_d},{n_c})", {"n_d": n_d, "n_c": n_c}) for n_d, n_c in TABLE_3),
        options={"held_out": 0.0},
        test={"seed": 1000, "clips_per_type": 10, "frames": 10},
    ),
)

CLAIMS = (
    Claim("H1 d", "d recovers the type of real frames: NMI at least 0.5", "sprites", "full", "nmi_label", ">", 0.5),
    Claim("H1 c", "c orders real frames: rank correlation at least 0.6", "sprites", "full", "order_recovery", ">", 0.6),
    Claim("H1 control", "c steers the phase drawn: at least 0.7", "sprites", "full", "controllability", ">", 0.7),
    Claim("H1 range", "a sweep covers half of the motion", "sprites", "full", "coverage", ">", 0.5),
    Claim("H1 smooth", "a sweep is continuous: at most 0.35", "sprites", "full", "continuity", "<", 0.35),
    Claim("H2", "d changes more than c: E_d > E_c", "sprites", "full", "E_d", ">", other_measure="E_c"),
    Claim("w_c", "without w_c the motion is not steered", "sprites", "full", "controllability", ">", other_arm="w_c=0"),
    Claim("w_c range", "without w_c a sweep covers less", "sprites", "full", "coverage", ">", other_arm="w_c=0"),
    Claim("w_c order", "without w_c nothing is ordered", "sprites", "full", "order_recovery", ">", other_arm="w_c=0"),
    Claim("w_d", "without w_d clips are not told apart", "sprites", "full", "nmi_label", ">", other_arm="w_d=0"),
    Claim("H5", "a code among 20 moves less", "sprites", "full", "E_c_mean", ">", other_arm="(20,20)"),
    Claim("score", "(4,2) looks better than (20,20)", "sprites", "full", "animation_score", ">", other_arm="(20,20)"),
    Claim("read d", "d is read back from drawn frames: at least 0.95", "sprites", "full", "d_accuracy", ">", 0.95),
    Claim("read c", "c is read back from drawn frames: R2 at least 0.8", "sprites", "full", "c_r2", ">", 0.8),
    Claim("motion", "c moves what one sees, more than w_c=0", "weizmann", "full", "E_c", ">", other_arm="w_c=0"),
    Claim("clips", "d tells clips, better than w_d=0", "weizmann", "full", "nmi_label", ">", other_arm="w_d=0"),
    Claim("order", "c orders a clip, better than w_c=0", "weizmann", "full", "order_recovery", ">", other_arm="w_c=0"),
    Claim("motion", "c moves what one sees, more than w_c=0", "shapes2d", "full", "E_c", ">", other_arm="w_c=0"),
    Claim("clips", "d tells clips, better than w_d=0", "shapes2d", "full", "nmi_clip", ">", other_arm="w_d=0"),
    Claim("order", "c orders a clip, better than w_c=0", "shapes2d", "full", "order_recovery", ">", other_arm="w_c=0"),
)
