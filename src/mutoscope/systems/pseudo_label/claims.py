"""The paper's claims: the twin's criteria (section 12 of the specification), Tables 3, 4 and 5 on other data."""

from mutoscope.systems.claim import Arm, Claim, Experiment

ABLATIONS = (
    Arm("full"),
    Arm("w_c=0", {"w_c": 0.0}),
    Arm("w_d=0", {"w_d": 0.0}),
)
TABLE_3 = ((5, 2), (5, 5), (10, 5), (20, 10), (20, 20))
SIZES = tuple(Arm(f"({n_d},{n_c})", {"n_d": n_d, "n_c": n_c}) for n_d, n_c in TABLE_3)
# what the paper prints: Fréchet distances on the Basel Face Model (small) and on CelebA (large)
TABLE_3_SMALL = {"(5,2)": 4.24, "(5,5)": 2.33, "(10,5)": 3.65, "(20,10)": 4.07, "(20,20)": 5.86}
TABLE_3_LARGE = {"(5,2)": 11.24, "(5,5)": 10.55, "(10,5)": 9.42, "(20,10)": 6.67, "(20,20)": 17.10}

SPRITES_TEST = {"seed": 1000, "clips_per_type": 10, "frames": 10}

EXPERIMENTS = (
    Experiment(
        "sprites",
        "Sprite clips, 32 x 32 (the twin)",
        data="sprites",
        preset="tiny",
        arms=(*ABLATIONS, Arm("plain GAN", {"w_d": 0.0, "w_c": 0.0}), Arm("(20,20)", {"n_d": 20, "n_c": 20})),
        options={"held_out": 0.0},
        test=SPRITES_TEST,
        sequence=10,
    ),
    Experiment(
        "table3_small",
        "Table 3 in our terms, a small set: Weizmann, 5,290 frames, 32 x 32",
        data="weizmann_actions",
        preset="tiny",
        arms=SIZES,
        options={"split_by": "subject", "held_out": 1, "max_steps": 800},
        sequence=10,
        published={arm: {"FID": fid} for arm, fid in TABLE_3_SMALL.items()},
    ),
    Experiment(
        "table3_large",
        "Table 3 in our terms, a large set: 2-D shapes, 256,000 frames, 32 x 32",
        data="shapes",
        preset="tiny",
        arms=SIZES,
        options={"held_out": 400, "max_steps": 800},
        sequence=10,
        published={arm: {"FID": fid} for arm, fid in TABLE_3_LARGE.items()},
    ),
    Experiment(
        "table4",
        "Table 4 in our terms: Weizmann, 64 x 64, the ninth person held out, equal processor time",
        data="weizmann_actions",
        preset="tuned",
        arms=(
            Arm("ours"),
            Arm("MoCoGAN", {"categories": 4}, system="mocogan"),
        ),
        options={"split_by": "subject", "held_out": 1, "precision": "bf16"},
        budget="7m cpu",
        sequence=10,
        published={
            "ours": {"PSNR": 18.92, "SSIM": 0.68, "FID": 5.22, "score": 33.29},
            "MoCoGAN": {"PSNR": 17.36, "SSIM": 0.54, "FID": 423.87, "score": 27.1},
        },
    ),
    Experiment(
        "table5",
        "Table 5 in our terms: Moving MNIST, 32 x 32, equal processor time",
        data="mnist",
        preset="tiny",
        arms=(
            Arm("TGAN (z1)", {"latents": "fast", "precision": "bf16"}, system="tgan"),
            Arm("TGAN (z1,z2)", {"precision": "bf16"}, system="tgan"),
            Arm("ours (20,10)", {"n_d": 20, "n_c": 10}),
            Arm("ours (20,20)", {"n_d": 20, "n_c": 20}),
        ),
        options={"split_by": "published", "max_clips": 5000, "channels": 1},
        budget="150s cpu",
        sequence=10,
        published={
            "TGAN (z1)": {"PSNR": 8.67, "SSIM": 0.48, "FID": 0.41, "score": 20.71},
            "TGAN (z1,z2)": {"PSNR": 9.32, "SSIM": 0.56, "FID": 0.33, "score": 23.52},
            "ours (20,10)": {"PSNR": 9.39, "SSIM": 0.54, "FID": 0.77, "score": 21.49},
            "ours (20,20)": {"PSNR": 10.17, "SSIM": 0.64, "FID": 0.12, "score": 31.30},
        },
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
        sequence=10,
    ),
    Experiment(
        "shapes2d",
        "2-D shapes, 64 x 64; one clip in ten held out",
        data="shapes",
        preset="tuned",
        arms=ABLATIONS,
        options={"max_clips": 1000, "precision": "bf16", "max_steps": 1000},
        sequence=10,
    ),
    Experiment("folder", "A folder of your own", data="", preset="tiny", arms=ABLATIONS, sequence=10),
)


def _more(name: str, text: str, experiment: str, arm: str, measure: str, other: str, published: str = "") -> Claim:
    """The claim that one arm has more of something than another."""
    return Claim(name, text, experiment, arm, measure, ">", other_arm=other, published=published)


def _less(name: str, text: str, experiment: str, arm: str, measure: str, other: str, published: str = "") -> Claim:
    """The claim that one arm has less of something than another."""
    return Claim(name, text, experiment, arm, measure, "<", other_arm=other, published=published)


TWIN = (
    Claim("H1 d", "d recovers the type of real frames: NMI at least 0.5", "sprites", "full", "nmi_label", ">", 0.5),
    Claim("H1 c", "c orders real frames: rank correlation at least 0.6", "sprites", "full", "order_recovery", ">", 0.6),
    Claim("H1 control", "c steers the phase drawn: at least 0.7", "sprites", "full", "controllability", ">", 0.7),
    Claim("H1 range", "a sweep covers half of the motion", "sprites", "full", "coverage", ">", 0.5),
    Claim("H1 smooth", "a sweep is continuous: at most 0.35", "sprites", "full", "continuity", "<", 0.35),
    Claim("H2", "d changes more than c: E_d > E_c", "sprites", "full", "E_d", ">", other_measure="E_c"),
    _more("H5", "a code among 20 moves less", "sprites", "full", "E_c_mean", "(20,20)"),
    Claim("H8", "far out of range c changes less than near it", "sprites", "full", "saturation", "<", 1.0),
    Claim("H9", "no 3-D and no recurrent layer", "sprites", "full", "layers_in_time", "<", 1.0),
    Claim("H10 d", "D tells the type of real frames: NMI at least 0.5", "sprites", "full", "nmi_label", ">", 0.5),
    Claim("H10 c", "D sorts real frames: Kendall's tau above 0.5", "sprites", "full", "kendall", ">", 0.5),
    _more("w_c", "without w_c the motion is not steered", "sprites", "full", "controllability", "w_c=0"),
    _more("w_c range", "without w_c a sweep covers less", "sprites", "full", "coverage", "w_c=0"),
    _more("w_c order", "without w_c nothing is ordered", "sprites", "full", "order_recovery", "w_c=0"),
    _more("w_d", "without w_d clips are not told apart", "sprites", "full", "nmi_label", "w_d=0"),
    _more("plain", "a plain GAN's codes cover less of the motion", "sprites", "full", "coverage", "plain GAN"),
    _more("score", "(4,2) looks better than (20,20)", "sprites", "full", "animation_score[pca64-pixels]", "(20,20)"),
    Claim("read d", "d is read back from drawn frames: at least 0.95", "sprites", "full", "d_accuracy", ">", 0.95),
    Claim("read c", "c is read back from drawn frames: R2 at least 0.8", "sprites", "full", "c_r2", ">", 0.8),
)

SMALL, LARGE = "fid[resnet64-weizmann_actions]", "fid[resnet64-shapes]"
SMALL_CLIPS, LARGE_CLIPS = "fvd[r2plus1d64-weizmann_actions]", "fvd[r2plus1d64-shapes]"
SEEN = {"small": f"{SMALL} to seen clips", "large": f"{LARGE} to seen clips"}


def _prefers(name: str, text: str, size: str, arm: str, other: str, published: str) -> Claim:
    """The claim that on a set of this size the frames of one arm are nearer to those seen than another's (Table 3)."""
    return _less(name, text, f"table3_{size}", arm, SEEN[size], other, published)


TABLE_3_CLAIMS = (
    _prefers("H3", "a small set prefers (5,5) to (20,10)", "small", "(5,5)", "(20,10)", "2.33 < 4.07"),
    _prefers("H3 order", "a small set prefers (10,5) to (20,10)", "small", "(10,5)", "(20,10)", "3.65 < 4.07"),
    _prefers("H5 small", "(20,20) is worse than (5,5)", "small", "(5,5)", "(20,20)", "2.33 < 5.86"),
    _more("H5 inert", "a code among 20 moves less", "table3_small", "(5,2)", "E_c_mean", "(20,20)"),
    _less("H5 clips", "clips of (20,20) are less like real ones", "table3_small", "(5,5)", SMALL_CLIPS, "(20,20)"),
    _prefers("H4", "a large set prefers (20,10) to (5,5)", "large", "(20,10)", "(5,5)", "6.67 < 10.55"),
    _prefers("H4 most", "a large set prefers (20,10) to (20,20)", "large", "(20,10)", "(20,20)", "6.67 < 17.10"),
    _prefers("H5 large", "(20,20) is worse than (5,5)", "large", "(5,5)", "(20,20)", "10.55 < 17.10"),
    _more("H5 inert", "a code among 20 moves less", "table3_large", "(5,2)", "E_c_mean", "(20,20)"),
    _less("H5 clips", "clips of (20,20) are less like real ones", "table3_large", "(5,5)", LARGE_CLIPS, "(20,20)"),
)

SCORE_4 = "animation_score[resnet64-weizmann_actions]"
TABLE_4_CLAIMS = (
    _more("H6 PSNR", "PSNR with a real window: above MoCoGAN", "table4", "ours", "psnr", "MoCoGAN", "18.92 > 17.36"),
    _more("H6 SSIM", "SSIM with a real window: above MoCoGAN", "table4", "ours", "ssim", "MoCoGAN", "0.68 > 0.54"),
    _less(
        "H6 FID",
        "Fréchet distance to clips seen: below MoCoGAN",
        "table4",
        "ours",
        SEEN["small"],
        "MoCoGAN",
        "5.22 < 423.87",
    ),
    _less("H6 FID held out", "and to those of the held-out person", "table4", "ours", SMALL, "MoCoGAN"),
    _less("H6 FVD", "and of clips, to those trained on", "table4", "ours", f"{SMALL_CLIPS} to seen clips", "MoCoGAN"),
    _more("H6 score", "Animation Score: above MoCoGAN", "table4", "ours", SCORE_4, "MoCoGAN", "33.29 > 27.1"),
)

SCORE_5 = "animation_score[resnet64-mnist]"
OURS, OURS_10, TGAN_2, TGAN_1 = "ours (20,20)", "ours (20,10)", "TGAN (z1,z2)", "TGAN (z1)"
TABLE_5_CLAIMS = (
    _more("H7 first", "(20,20) scores higher than TGAN(z1,z2)", "table5", OURS, SCORE_5, TGAN_2, "31.30 > 23.52"),
    _more("H7 second", "TGAN(z1,z2) scores higher than (20,10)", "table5", TGAN_2, SCORE_5, OURS_10, "23.52 > 21.49"),
    _more("H7 third", "(20,10) scores higher than TGAN(z1)", "table5", OURS_10, SCORE_5, TGAN_1, "21.49 > 20.71"),
    _more("H7 PSNR", "(20,20) has a higher PSNR than TGAN(z1,z2)", "table5", OURS, "psnr", TGAN_2, "10.17 > 9.32"),
    _more("H7 SSIM", "(20,20) has a higher SSIM than TGAN(z1,z2)", "table5", OURS, "ssim", TGAN_2, "0.64 > 0.56"),
)

REAL_CLIPS = tuple(
    claim
    for experiment, tells in (("weizmann", "nmi_label"), ("shapes2d", "nmi_clip"), ("folder", "nmi_clip"))
    for claim in (
        _more("motion", "c moves what one sees, more than w_c=0", experiment, "full", "E_c", "w_c=0"),
        _more("clips", "d tells clips, better than w_d=0", experiment, "full", tells, "w_d=0"),
        _more("order", "c orders a clip, better than w_c=0", experiment, "full", "order_recovery", "w_c=0"),
    )
)

CLAIMS = (*TWIN, *TABLE_3_CLAIMS, *TABLE_4_CLAIMS, *TABLE_5_CLAIMS, *REAL_CLIPS)
