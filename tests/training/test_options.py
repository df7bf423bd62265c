"""Options and presets: what can be chosen, and what is refused before anything is done."""

from dataclasses import replace

import pytest

from mutoscope.errors import InputError
from mutoscope.systems import SYSTEMS, system_class
from mutoscope.systems.config import choices_of
from mutoscope.systems.pseudo_label import PseudoLabelConfig
from mutoscope.training.options import RunOptions, preset, presets, read_config, resolve

ALL_PRESETS = [(system, name) for system in SYSTEMS for name in presets(system)]


class TestPresets:
    @pytest.mark.parametrize(("system", "name"), ALL_PRESETS)
    def test_every_preset_is_made_of_known_options_and_builds(self, system, name):
        """A misspelt field would be refused here."""
        run, config = resolve(system, preset(system, name))
        assert run.max_steps > 0
        assert type(config).from_dict(config.to_dict()) == config
        assert config.size == (config.image_size, config.image_size)

    @pytest.mark.parametrize("system", SYSTEMS)
    def test_every_system_has_the_named_presets(self, system):
        assert {"paper", "tiny"} <= set(presets(system))

    def test_the_paper_s_preset_is_the_paper_s(self):
        """Table 1: N(0, 1) noise, U(0, 1) codes, the published sizes; the release differs in its ranges."""
        _, paper = resolve("pseudo_label", preset("pseudo_label", "paper"))
        _, release = resolve("pseudo_label", preset("pseudo_label", "release"))
        assert (paper.z_distribution, paper.c_range) == ("normal", (0.0, 1.0))
        assert replace(paper, z_distribution="uniform", c_range=(-1.0, 1.0)) == release
        assert (paper.image_size, paper.width, paper.w_d, paper.w_c) == (64, 1.0, 1.0, 1.0)

    def test_an_unknown_preset_is_told_the_known_ones(self):
        with pytest.raises(InputError, match=r"no 'huge' \(it has .*paper.*tiny"):
            preset("pseudo_label", "huge")


class TestResolving:
    def test_options_are_sorted_into_those_of_the_run_and_of_the_system(self):
        run, config = resolve("pseudo_label", {"n_d": 7, "batch_size": 8})
        assert run == RunOptions(batch_size=8)
        assert config == PseudoLabelConfig(n_d=7)

    @pytest.mark.parametrize("system", SYSTEMS)
    def test_no_choice_of_a_system_has_the_name_of_one_of_the_run(self, system):
        names = {choice.name for choice in choices_of(system_class(system).config_class)}
        assert not {choice.name for choice in choices_of(RunOptions)} & names

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("n_clips", 3),
            ("n_d", "many"),
            ("n_d", 2.5),
            ("schedule", "later"),
            ("c_range", [0]),
            ("precision", "float8"),
            ("batch_size", 0),
            ("max_steps", -1),
            ("held_out", -0.1),
            ("devices", 3),
            ("num_nodes", 3),
            ("seed", None),
            ("max_time", "an hour"),
            ("max_time", "5"),
        ],
    )
    def test_what_cannot_be_is_refused_by_name_in_one_line(self, option, value):
        with pytest.raises(InputError, match="batch_size" if option in ("devices", "num_nodes") else option) as refused:
            resolve("pseudo_label", {option: value})
        assert "\n" not in str(refused.value)

    @pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("20m", 1200), ("1.5h", 5400), (None, None)])
    def test_times_are_read(self, text, seconds):
        assert RunOptions(max_time=text).seconds == seconds

    @pytest.mark.parametrize(
        "text", ["- 1\n- 2\n", "just words", "a: [1", "a: 1\n\tb: 2", "", "a: 2026-13-45", "[" * 5000]
    )
    def test_files_that_are_no_options_are_refused_in_one_line(self, tmp_path, text):
        file = tmp_path / "options.yaml"
        file.write_text(text)
        with pytest.raises(InputError, match=r"options\.yaml: not a") as refused:
            read_config(file)
        assert "\n" not in str(refused.value)

    def test_missing_and_binary_files_are_refused(self, tmp_path):
        (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
        for name in ("binary.yaml", "missing.yaml"):
            with pytest.raises(InputError, match=f"{name}: not a readable YAML file"):
                read_config(tmp_path / name)
