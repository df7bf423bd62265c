"""The baselines on the same data: that each of them trains, and what it draws after the same time."""

from mutoscope.systems.claim import Arm, Claim, Experiment

ARMS = (Arm("MoCoGAN", system="mocogan"), Arm("TGAN", system="tgan"), Arm("VGAN", system="vgan"))

EXPERIMENTS = (
    Experiment(
        "sprites",
        "Sprite clips, 32 x 32, equal processor time",
        data="sprites",
        preset="tiny",
        arms=ARMS,
        options={"held_out": 0.0, "precision": "bf16"},
        test={"seed": 1000, "clips_per_type": 10},
        budget="2m cpu",
        sequence=10,
    ),
    Experiment(
        "shapes2d",
        "2-D shapes, 32 x 32, equal processor time; one clip in ten held out",
        data="shapes",
        preset="tiny",
        arms=ARMS,
        options={"max_clips": 1000, "precision": "bf16"},
        budget="2m cpu",
        sequence=10,
    ),
    Experiment(
        "weizmann",
        "Weizmann actions, 64 x 64, equal processor time (MoCoGAN: Table 4 of `pseudo_label`)",
        data="weizmann_actions",
        preset="tuned",
        arms=ARMS[1:],
        options={"split_by": "subject", "held_out": 1, "precision": "bf16"},
        budget="3m cpu",
        sequence=10,
    ),
)

CLAIMS: tuple[Claim, ...] = ()
