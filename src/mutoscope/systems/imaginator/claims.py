"""The chapter's claims: its tables on the twin (section 12 of the specification) and on real people."""

from collections.abc import Mapping

from mutoscope.systems.claim import Arm, Claim, Experiment

# what the thesis prints: Fréchet distances of clips in a 3-D ResNeXt's features, SSIM, PSNR
METHODS_PRINTED = ("SSIM MUG", "PSNR MUG", "FID MUG", "SSIM Weizmann", "PSNR Weizmann", "FID Weizmann")
TABLE_3_4 = {
    "full": (0.75, 22.63, 29.02, 0.73, 19.67, 99.80),
    "MoCoGAN": (0.58, 18.16, 45.46, 0.42, 17.58, 116.08),
    "VGAN": (0.28, 14.54, 74.72, 0.29, 15.78, 127.31),
    # Tables 3.9 to 3.11
    "adv only": (0.54, 19.24, 35.62, 0.50, 17.01, 150.48),
    "rec only": (0.74, 22.60, 45.43, 0.54, 18.03, 217.58),
}
TABLES_3_7_3_8 = {
    "full": (24.36, 26.86),
    "w/o ST fusion": (46.02, 62.89),
    "w/o (1+2)D": (27.94, 42.10),
    "w/o noise": (32.38, 32.05),
    "w/o D_I": (29.80, 40.57),
    "D_V(ac)": (29.91, 48.41),
    "3D, w/o D_I": (36.93, 50.08),
    "3D, D_V(ac)": (33.08, 57.65),
    "D_V(ac), w/o D_I": (32.57, 52.43),
    "3D, D_V(ac), w/o D_I": (37.71, 65.28),
}
TABLE_3_5 = {"full": (0.131, 0.431), "MoCoGAN": (0.158, 0.904), "VGAN": (0.272, 0.932)}


def _printed(table: Mapping[str, tuple[float, ...]], measures: tuple[str, ...]) -> dict[str, dict[str, float]]:
    return {arm: dict(zip(measures, row, strict=True)) for arm, row in table.items()}


PUBLISHED = _printed(TABLE_3_4, METHODS_PRINTED)
for _table, _measures in (
    (TABLES_3_7_3_8, ("FID MUG (Table 3.7)", "FID NATOPS (Table 3.7)")),
    (TABLE_3_5, ("ACD-C MUG", "ACD-I MUG")),
):
    for _arm, _row in _printed(_table, _measures).items():
        PUBLISHED.setdefault(_arm, {}).update(_row)

FULL = Arm("full")
NO_FUSION = Arm("w/o ST fusion", {"st_fusion": False})
IN_3D = Arm("w/o (1+2)D", {"conv": "3d", "match_params": True})
NO_NOISE = Arm("w/o noise", {"noise": False})
ADV, REC = Arm("adv only", {"loss": "adv"}), Arm("rec only", {"loss": "rec"})
NO_D_I = Arm("w/o D_I", {"use_D_I": False})
AC = Arm("D_V(ac)", {"label_mode": "ac"})
METHODS = (Arm("MoCoGAN", system="mocogan_picture"), Arm("VGAN", system="vgan_picture"))
TABLE_3_7_REST = tuple(
    Arm(", ".join(["3D"] * three_d + ["D_V(ac)"] * ac + ["w/o D_I"] * no_D_I), options)
    for three_d, ac, no_D_I, options in (
        (True, False, True, {**IN_3D.options, **NO_D_I.options}),
        (True, True, False, {**IN_3D.options, **AC.options}),
        (False, True, True, {**AC.options, **NO_D_I.options}),
        (True, True, True, {**IN_3D.options, **AC.options, **NO_D_I.options}),
    )
)

EXPERIMENTS = (
    Experiment(
        "faces",
        "Toy faces, 32 x 32 (the twin): Tables 3.4, 3.5, 3.7 to 3.12; people not seen in training",
        data="faces",
        preset="tiny",
        arms=(FULL, NO_FUSION, IN_3D, NO_NOISE, ADV, REC, NO_D_I, AC, *METHODS, *TABLE_3_7_REST),
        options={"held_out": 0.0, "precision": "bf16", "max_steps": 1000},
        test={"seed": 1000, "subjects": 10},
        published=PUBLISHED,
    ),
    Experiment(
        "weizmann",
        "Weizmann actions, 32 x 32: Table 3.4; three of nine people held out",
        data="weizmann_actions",
        preset="tiny",
        arms=(FULL, NO_FUSION, ADV, REC, *METHODS),
        options={"split_by": "subject", "held_out": 3, "precision": "bf16", "max_steps": 1500},
        published=_printed(TABLE_3_4, METHODS_PRINTED),
    ),
    Experiment("folder", "A folder of your own", data="", preset="tiny", arms=(FULL, NO_FUSION, ADV, REC)),
)

CLIPS, FACES = "fvd[r2plus1d64-{}]", "acd_i[resnet64-{}-subjects]"
SHOWN = "label_accuracy[r2plus1d64-{}]"


def _less(
    name: str, text: str, arm: Arm, measure: str, other: Arm, published: str = "", experiment: str = "faces"
) -> Claim:
    """The claim that one arm has less of something than another (of a distance: is better)."""
    measure = measure.format(_data(experiment))
    return Claim(name, text, experiment, arm.name, measure, "<", other_arm=other.name, published=published)


def _more(
    name: str, text: str, arm: Arm, measure: str, other: Arm, published: str = "", experiment: str = "faces"
) -> Claim:
    """The claim that one arm has more of something than another."""
    measure = measure.format(_data(experiment))
    return Claim(name, text, experiment, arm.name, measure, ">", other_arm=other.name, published=published)


def _data(experiment: str) -> str:
    return next(each.data for each in EXPERIMENTS if each.name == experiment)


MOCOGAN, VGAN = METHODS
FUSION_CLAIMS = (
    _less("1 clips", "fusion brings clips nearer", FULL, CLIPS, NO_FUSION, "24.36 < 46.02"),
    _more("1 SSIM", "fusion raises SSIM", FULL, "ssim", NO_FUSION),
    _less("1 identity", "fusion keeps the face", FULL, FACES, NO_FUSION),
)
TABLE_3_7_CLAIMS = (
    _less("2 3D", "(1+2)D better than 3-D of equal size", FULL, CLIPS, IN_3D, "24.36 < 27.94"),
    *(
        _less(f"2 {name}", f"the same, {name}", factorised, CLIPS, in_3d, published)
        for name, factorised, in_3d, published in (
            ("w/o D_I", NO_D_I, TABLE_3_7_REST[0], "29.80 < 36.93"),
            ("ac", AC, TABLE_3_7_REST[1], "29.91 < 33.08"),
            ("ac, w/o D_I", TABLE_3_7_REST[2], TABLE_3_7_REST[3], "32.57 < 37.71"),
        )
    ),
    _less("3 D_I", "better with D_I", FULL, CLIPS, NO_D_I, "24.36 < 29.80"),
    _less("3 ac", "better with labels laid beside than named", FULL, CLIPS, AC, "24.36 < 29.91"),
)
LOSS_CLAIMS = (
    _less("5 adv", "both losses better than the adversarial alone", FULL, CLIPS, ADV, "29.02 < 35.62"),
    _less("5 rec", "the adversarial better than reconstruction alone", ADV, CLIPS, REC, "35.62 < 45.43"),
    _less("5 both", "both better than reconstruction alone", FULL, CLIPS, REC, "29.02 < 45.43"),
    _more("5 SSIM", "SSIM: both above the adversarial alone", FULL, "ssim", ADV, "0.75 > 0.54"),
    _more("5 SSIM rec", "SSIM: reconstruction alone above the adversarial alone", REC, "ssim", ADV, "0.74 > 0.54"),
    _more("5 PSNR", "PSNR: both above the adversarial alone", FULL, "psnr", ADV, "22.63 > 19.24"),
    _more("5 PSNR rec", "PSNR: both at least as reconstruction alone", FULL, "psnr", REC, "22.63 > 22.60"),
)
NOISE_CLAIMS = (
    _less("4 noise", "better with noise", FULL, CLIPS, NO_NOISE, "24.36 < 32.38"),
    Claim(
        "4 spread",
        "with noise apexes differ a tenth as much as real takes do",
        "faces",
        "full",
        "noise_of_takes",
        ">",
        0.1,
    ),
    Claim("4 none", "without noise the apex never moves", "faces", NO_NOISE.name, "noise_of_takes", "<", 0.001),
)


def _ranking(experiment: str, published: tuple[str, ...]) -> tuple[Claim, ...]:
    """Table 3.4: ImaGINator, MoCoGAN, VGAN in this order, by clips, SSIM and PSNR."""
    pairs = (("MoCoGAN", FULL, MOCOGAN), ("VGAN", FULL, VGAN), ("second", MOCOGAN, VGAN))
    claims = []
    for (name, first, second), (by_clips, by_ssim, by_psnr) in zip(
        pairs, (published[i : i + 3] for i in (0, 3, 6)), strict=True
    ):
        text = f"{first.name} better than {second.name}"
        claims += [
            _less(f"7 {name}", f"{text}, clips", first, CLIPS, second, by_clips, experiment),
            _more(f"7 {name} SSIM", f"{text}, SSIM", first, "ssim", second, by_ssim, experiment),
            _more(f"7 {name} PSNR", f"{text}, PSNR", first, "psnr", second, by_psnr, experiment),
        ]
    return tuple(claims)


MUG_ROWS = (
    *("29.02 < 45.46", "0.75 > 0.58", "22.63 > 18.16"),
    *("29.02 < 74.72", "0.75 > 0.28", "22.63 > 14.54"),
    *("45.46 < 74.72", "0.58 > 0.28", "18.16 > 14.54"),
)
WEIZMANN_ROWS = (
    *("99.80 < 116.08", "0.73 > 0.42", "19.67 > 17.58"),
    *("99.80 < 127.31", "0.73 > 0.29", "19.67 > 15.78"),
    *("116.08 < 127.31", "0.42 > 0.29", "17.58 > 15.78"),
)
LABEL_CLAIMS = (
    Claim("8 label", "labels are shown: 80 % at least", "faces", "full", SHOWN.format("faces"), ">", 0.8),
    _less("6 MoCoGAN", "the face is kept better than by MoCoGAN", FULL, FACES, MOCOGAN, "0.431 < 0.904"),
    _less("6 VGAN", "the face is kept better than by VGAN", FULL, FACES, VGAN, "0.431 < 0.932"),
    _less("6 second", "by MoCoGAN better than by VGAN", MOCOGAN, FACES, VGAN, "0.904 < 0.932"),
)
WEIZMANN_CLAIMS = (
    *_ranking("weizmann", WEIZMANN_ROWS),
    _less("1 clips", "fusion brings clips nearer", FULL, CLIPS, NO_FUSION, experiment="weizmann"),
    _less("5 adv", "both losses better than the adversarial alone", FULL, CLIPS, ADV, "99.80 < 150.48", "weizmann"),
    _less("5 rec", "the adversarial better than reconstruction alone", ADV, CLIPS, REC, "150.48 < 217.58", "weizmann"),
    _more("5 SSIM", "SSIM: both above the adversarial alone", FULL, "ssim", ADV, "0.73 > 0.50", "weizmann"),
    _more("5 PSNR rec", "PSNR: both at least as reconstruction alone", FULL, "psnr", REC, "19.67 > 18.03", "weizmann"),
)

CLAIMS = (
    *FUSION_CLAIMS,
    *TABLE_3_7_CLAIMS,
    *NOISE_CLAIMS,
    *LOSS_CLAIMS,
    *LABEL_CLAIMS,
    *_ranking("faces", MUG_ROWS),
    *WEIZMANN_CLAIMS,
)
