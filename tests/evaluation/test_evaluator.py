"""What the figures of good, bad, real, still and shuffled clips must be like, and what is refused."""

import json
from copy import copy
from types import SimpleNamespace

import numpy as np
import pytest

from mutoscope.data import clips_from_arrays
from mutoscope.errors import InputError
from mutoscope.evaluation import GROUPS, METRICS, PROTOCOLS, Evaluator

FEW = {"clips": 40, "frames": 16, "resamples": 10, "matched": 6}
ROWS = ("real vs real", "static copy", "shuffled frames")


@pytest.fixture(scope="module")
def evaluator(real, training, features):
    return Evaluator(real, training=training, extractors=features, **FEW)


@pytest.fixture(scope="module")
def good(evaluator, make_system):
    return evaluator.measure(make_system())


@pytest.fixture(scope="module")
def bad(evaluator, make_system):
    return evaluator.measure(make_system(noise=60))


@pytest.fixture(scope="module")
def references(evaluator):
    return evaluator.references()


def test_noise_makes_every_distance_worse(good, bad):
    for name in ("fid[grid]", "kid[grid]", "fvd[directions]", "kvd[directions]", "temporal_difference"):
        assert bad[name].value > good[name].value
    for name in ("psnr", "ssim", "ms_ssim[1 scales]", "coverage[grid]", "animation_score[grid]"):
        assert bad[name].value < good[name].value


def test_every_metric_has_a_name_with_its_features_and_most_have_intervals(good):
    assert not {"fid", "kid", "fvd", "kvd", "precision"} & good.keys()
    bases = {name.split("[")[0] for name in good}
    assert bases == {metric.name for metric in METRICS} - {"acd_i"} | {"samples"}
    for name in ("psnr", "flicker", "acd_c[grid]", "label_accuracy[directions]", "animation_score[grid]"):
        assert good[name].low <= good[name].value <= good[name].high
    for name in ("fid[grid]", "kid[grid]", "fvd[directions]", "is[directions]"):
        assert good[name].low < good[name].high
    assert good["precision[grid]"].low is None  # repeated rows are their own neighbours


def test_the_inception_score_has_the_splits_that_its_classifier_was_published_with(real, features, make_system, good):
    whole = copy(features[1])
    whole.name, whole.score_splits = "whole", 1
    found = Evaluator(real, extractors=[whole], metrics=["is", "fvd"], **FEW).measure(make_system())
    assert found["is[whole]"].value == pytest.approx(2)  # as many fall as rise, and all are told
    assert good["is[directions]"].value < 2  # as it is not so in each of ten splits
    assert found["fvd[whole]"].value == pytest.approx(good["fvd[directions]"].value)


def test_the_score_has_its_parts(good):
    value = good["psnr"].value + 20 * good["ssim"].value + 1 / max(good["fid[grid]"].value, 1e-3)
    assert good["animation_score[grid]"].value == pytest.approx(value)
    best = good["psnr_best"].value + 20 * good["ssim_best"].value + 1 / max(good["fid[grid]"].value, 1e-3)
    assert good["animation_score_best[grid]"].value == pytest.approx(best)
    assert best >= value


def test_labels_are_told_of_what_was_drawn_for_them(good, references):
    """And the reference row shows how well the classifier tells real clips."""
    assert good["label_accuracy[directions]"].value == 1
    assert references["real vs real"]["label_accuracy[directions]"].value == 1
    assert "label_accuracy[directions]" not in references["static copy"]


def test_a_still_copy_does_not_move_and_a_shuffled_one_flickers(references):
    real, still, shuffled = (references[row] for row in ROWS)
    assert still["flicker"].value == still["acd_c[grid]"].value == 0
    assert still["moving"].value < 0.01 < real["moving"].value
    assert shuffled["flicker"].value > 2 * real["flicker"].value
    assert shuffled["acd_c[grid]"].value == pytest.approx(real["acd_c[grid]"].value)
    for row in (still, shuffled):
        assert row["fvd[directions]"].value > 10 * max(real["fvd[directions]"].value, 1e-3)
        assert row["fid[grid]"] == real["fid[grid]"]  # their single frames are real


def test_distances_to_training_clips_are_those_of_a_protocol_with_them_as_reference(
    evaluator, real, training, features, make_system
):
    system = make_system()
    to_training = Evaluator(training, extractors=features, metrics=["fid", "fvd"], **FEW).measure(system)
    for name, figure in evaluator.distances_to_training(system).items():
        assert figure == to_training[name.removesuffix(" to seen clips")]
    with pytest.raises(InputError, match="there are none"):
        Evaluator(real, extractors=features, **FEW).distances_to_training(system)


def test_a_source_is_drawn_once(evaluator, make_system):
    """Clips, single frames of clips as long as in training, and clips of labels."""
    system = make_system()
    evaluator.measure(system)
    evaluator.distances_to_training(system)
    assert [(asked.count, asked.longest) for asked in system.asked] == [(40, 16), (640, 20), (40, 16)]


def test_a_system_of_single_frames_is_asked_for_these(real, make_system, monkeypatch):
    system = make_system()
    monkeypatch.setattr(system, "config", SimpleNamespace(size=(16, 16), channels=3, noise=0))
    figures = Evaluator(real, extractors=[], metrics=["flicker"], **FEW).measure(system)
    assert [(asked.count, asked.longest) for asked in system.asked] == [(40, 16), (640, 1)]
    assert figures["samples[frames]"].value == 640


def test_a_system_without_labels_is_asked_for_none(evaluator, make_system):
    figures = evaluator.measure(make_system(label_names=[]))
    assert "label_accuracy[directions]" not in figures


def test_every_protocol_is_known_by_its_pairings():
    names = [name for protocol in PROTOCOLS.values() for name in protocol.pairings]
    assert sorted(names) == ["match", "name", "start"]


def test_figures_are_the_same_each_time_and_seeds_matter(real, training, features, make_system, good):
    again = Evaluator(real, training=training, extractors=features, **FEW).measure(make_system())
    np.testing.assert_equal(again, good)
    other = Evaluator(real, training=training, extractors=features, seed=1, **FEW).measure(make_system())
    assert other["fid[grid]"] != good["fid[grid]"]


def test_without_training_clips_halves_are_compared(real, features):
    evaluator = Evaluator(real, extractors=features, metrics=["psnr", "fid"], **FEW)
    rows = evaluator.references()
    assert tuple(rows) == ROWS
    assert rows["real vs real"]["psnr"].value < 100  # a half does not find itself in the other
    assert "half" in evaluator.table["reference rows"]


def test_the_protocol_can_be_printed_and_written(evaluator):
    protocol = evaluator.table
    assert json.loads(json.dumps(protocol)) == protocol
    assert protocol["real"] == "squares: 24 clips, 480 frames"
    assert protocol["extractors"] == "grid, directions"
    assert (protocol["clips"], protocol["frames per clip"], protocol["seed"]) == (40, 16, 0)
    assert protocol["resized from"] == "nothing"


def test_real_clips_as_a_folder_of_generated_ones_are_near_perfect(evaluator, real):
    figures = evaluator.measure(real)
    assert figures["fid[grid]"].value == pytest.approx(0, abs=1e-3)
    assert figures["psnr"].value == 100
    assert figures["samples[clips]"].value == 40
    assert "label_accuracy[directions]" in figures


def test_a_step_between_frames_is_matched_in_real_windows(real, make_clips):
    """Clips twice as fast are found in real ones of which every second frame is looked at."""
    fast = clips_from_arrays([real[i].frames[::2] for i in range(len(real))], name="fast")
    options = {"extractors": [], "metrics": ["psnr"], "clips": 8, "frames": 8, "resamples": 0}
    assert Evaluator(real, step=2, **options).measure(fast)["psnr"].value == 100
    assert Evaluator(real, step=1, **options).measure(fast)["psnr"].value < 100


class TestPairingByName:
    def test_each_clip_is_held_against_its_own(self, real, features):
        darker = clips_from_arrays([real[i].frames // 2 for i in range(len(real))], name=real.name)
        options = {"extractors": features, "metrics": ["pixel", "acd_i"], "pairing": "name"}
        figures = Evaluator(real, **options, **FEW).measure(darker)
        expected = [np.square(real[i].frames - real[i].frames // 2.0).mean(axis=(1, 2, 3)) for i in range(len(real))]
        assert figures["psnr"].value == pytest.approx(
            np.mean([(10 * np.log10(255**2 / error)).mean() for error in expected]), abs=0.05
        )
        assert figures["acd_i[grid]"].value > 0

    def test_reference_rows_are_the_real_clips_damaged(self, real, features):
        evaluator = Evaluator(real, extractors=features, metrics=["pixel", "acd_i"], pairing="name", **FEW)
        rows = evaluator.references()
        assert "psnr" not in rows["real vs real"]
        assert rows["static copy"]["acd_i[grid]"].value == 0
        assert rows["static copy"]["background_error"].value < 100

    def test_a_system_has_no_names(self, real, features, make_system):
        evaluator = Evaluator(real, extractors=features, metrics=["psnr"], pairing="name", **FEW)
        with pytest.raises(InputError, match="squares draws clips without names"):
            evaluator.measure(make_system())


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["fid"], {"fid[grid]"}),
        (["fid[grid]", "fvd"], {"fid[grid]", "fvd[directions]"}),
        (["precision"], {"precision[grid]", "precision[directions]"}),
        (["motion"], {"speed", "moving", "consistency", "speed_distance"}),
        (["identity"], {"acd_c[grid]", "label_accuracy[directions]"}),
    ],
)
def test_metrics_are_asked_for_by_name_or_group(evaluator, real, training, features, make_system, asked, expected):
    figures = Evaluator(real, training=training, extractors=features, metrics=asked, **FEW).measure(make_system())
    assert figures.keys() - {"samples[clips]", "samples[frames]"} == expected


def test_a_score_is_never_shown_without_its_parts():
    assert {"psnr", "ssim", "fid", "animation_score", "animation_score_best"} <= set(GROUPS["animation_score"])


def test_of_a_group_what_cannot_be_is_left_out_with_the_reason(evaluator, good):
    assert "acd_i[grid]" not in good
    assert "paired by name" in evaluator.left_out["acd_i"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"metrics": ["fod"]}, "metrics: fod is unknown \\(expected some of acd_c"),
            ({"metrics": ["fid[inception2048]"]}, "fid\\[inception2048\\] cannot be computed .* \\(there are grid"),
            ({"metrics": ["is[grid]"]}, "cannot be computed"),
            ({"frames": 30}, "longest clip has 20 frames \\(expected at least 30"),
            ({"frames": 16, "step": 2}, "expected at least 31"),
            ({"clips": 1}, "clips: 1 is too few"),
            ({"resamples": -1}, "resamples: -1"),
        ],
    )
    def test_protocols_that_cannot_be(self, real, features, options, says):
        with pytest.raises(InputError, match=says):
            Evaluator(real, extractors=features, **options)

    def test_two_extractors_of_one_name(self, real, features):
        with pytest.raises(InputError, match="2 are called grid"):
            Evaluator(real, extractors=[features[0], features[0]])

    def test_too_few_samples_say_how_many_are_needed(self, real, features, make_clips):
        evaluator = Evaluator(real, extractors=features, metrics=["fvd"], **FEW)
        with pytest.raises(InputError, match=r"3 clips are too few .* \(expected at least 32"):
            evaluator.measure(make_clips(3, seed=2, length=16))

    def test_another_size_or_colour(self, evaluator, real, make_system):
        grey = clips_from_arrays([real[i].frames[..., :1] for i in range(4)], name="grey")
        with pytest.raises(InputError, match="grey: frames are 16x16x1, those of squares are 16x16x3"):
            evaluator.measure(grey)
        with pytest.raises(InputError, match="squares: draws frames of 32x32x3"):
            evaluator.measure(make_system(image_size=32))

    def test_one_real_clip_has_no_halves(self, make_clips, features):
        with pytest.raises(InputError, match="is one clip"):
            Evaluator(make_clips(1, seed=0), extractors=features, metrics=["psnr"], **FEW).references()
