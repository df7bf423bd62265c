"""The demo: a complete page whose commands are true, in a folder that is replaced whole or not at all."""

import json
import re
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mutoscope import cli
from mutoscope.demo import MARKER, PAGE, SUGGESTIONS, check_folder, demo, learning
from mutoscope.demo.exhibits import generate_command
from mutoscope.errors import InputError
from mutoscope.media import probe
from mutoscope.systems import loading
from mutoscope.systems.pseudo_label import PseudoLabel, PseudoLabelConfig
from mutoscope.systems.pseudo_label.codes import Segment

SECTIONS = {"playing-pseudo_label-sprites", "learning-from-scratch", "next"}


class Page(HTMLParser):
    """Collects what a page refers to, its anchors and its commands."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.commands: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if [tag for tag, _ in self.elements[-2:]] == ["pre", "code"] and data.startswith("mutoscope "):
            self.commands.append(data)

    def values(self, attribute: str) -> set[str]:
        return {value for _, attributes in self.elements if (value := attributes.get(attribute))}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Small untrained weights in place of those that ship."""
    weights = tmp_path_factory.mktemp("shipped")
    PseudoLabel(PseudoLabelConfig(n_z=4, n_d=3, n_c=2, image_size=16, width=0.25)).save_pretrained(weights / "sprites")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "shipped_weights", lambda: {"pseudo_label/sprites": weights / "sprites"})
        yield


@pytest.fixture(scope="module")
def made(shipped: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo that hardly trains."""
    return demo(out=tmp_path_factory.mktemp("demo"), max_steps=5).parent


@pytest.fixture(scope="module")
def page(made: Path) -> Page:
    return Page(made / PAGE)


def test_everything_the_page_refers_to_is_there(made: Path, page: Page) -> None:
    references = page.values("src") | page.values("href")
    anchors = {reference.removeprefix("#") for reference in references if reference.startswith("#")}
    assert anchors == SECTIONS == page.values("id")
    files = {reference for reference in references if not reference.startswith("#")}
    assert len(files) > 15
    assert all((made / file).stat().st_size > 0 for file in files)


def test_the_page_needs_neither_scripts_nor_a_network(made: Path, page: Page) -> None:
    assert not {"script", "iframe", "link"} & {tag for tag, _ in page.elements}
    assert not re.search(r"https?://|url\(|@import", (made / PAGE).read_text())


def test_every_medium_says_what_there_is_to_see_and_how_large_it_is(page: Page) -> None:
    media = [(tag, attributes) for tag, attributes in page.elements if tag in ("img", "video")]
    assert all(attributes.get("alt" if tag == "img" else "aria-label") for tag, attributes in media)
    assert all(int(attributes["width"] or 0) > 0 and int(attributes["height"] or 0) > 0 for _, attributes in media)


def test_videos_play_in_browsers(made: Path) -> None:
    videos = list(made.rglob("*.mp4"))
    assert len(videos) > 5
    assert {probe(video).codec for video in videos} == {"h264"}


@pytest.mark.parametrize("control", ["grid", "path", "clip_switch", "sort_frames", "index_walk"])
def test_a_printed_command_makes_the_same_bytes(
    made: Path, page: Page, control: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    command = next(words for words in map(shlex.split, page.commands) if words[1] == "generate" and words[3] == control)
    file = command[-1]
    again = tmp_path / f"again{Path(file).suffix}"
    assert cli.main([*command[1 : command.index("-o")], "-o", str(again)]) == 0
    assert again.read_bytes() == (made / file).read_bytes()


def test_the_printed_training_makes_the_same_weights(
    made: Path, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in [
        words for words in map(shlex.split, page.commands) if words[1] == "train" and "--max_steps" in words
    ]:
        assert cli.main([*command[1:], "--quiet"]) == 0
        weights = Path(command[-1]) / "weights" / "model.safetensors"
        assert weights.read_bytes() == (made / weights).read_bytes()


def test_the_printed_evaluation_makes_the_same_measures(
    made: Path, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    command = next(words for words in map(shlex.split, page.commands) if words[1:3] == ["evaluate", "training"])
    assert cli.main([*command[1:-1], str(tmp_path / "figures.json")]) == 0
    again = json.loads((tmp_path / "figures.json").read_text())["measures"]
    shown = json.loads((made / "training" / "measures.json").read_text())
    assert again == {record["measure"]: record["value"] for record in shown}


def test_all_commands_are_ones_there_are(page: Page) -> None:
    assert len(page.commands) > 15
    assert all(shlex.split(command)[1] in cli.COMMANDS for command in [*page.commands, *SUGGESTIONS.values()])


def test_a_command_leaves_out_what_is_default_in_a_segment() -> None:
    command = generate_command("w", "clip_switch", {"segments": [Segment(), Segment(2, stop=0.5)]}, ("a b.mp4",))
    assert shlex.split(command)[4:] == ["--segments", '[{}, {"clip": 2, "stop": 0.5}]', "-o", "a b.mp4"]


def test_a_demo_replaces_an_earlier_one(made: Path) -> None:
    check_folder(made)
    assert set(json.loads((made / MARKER).read_text())["files"]) > {PAGE, "sprites/wall.mp4", "training/summary.json"}


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("dear")
    with pytest.raises(InputError, match="is not a demo"):
        demo(out=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_demo_with_files_of_the_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text(json.dumps({"made_by": "mutoscope demo", "files": [PAGE]}))
    (tmp_path / PAGE).touch()
    check_folder(tmp_path)
    (tmp_path / "mine.mp4").touch()
    with pytest.raises(InputError, match=r"mine\.mp4: would be lost"):
        check_folder(tmp_path)


def test_bad_arguments_are_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="max_time: 'soon' is not a time"):
        demo(out=tmp_path / "demo", train_time="soon")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        demo(out=tmp_path / "file")


@pytest.mark.usefixtures("shipped")
def test_an_interrupted_demo_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(learning, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo(out=tmp_path / "demo")
    assert not list(tmp_path.iterdir())
