import base64
import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from mutoscope.errors import InputError
from mutoscope.media.frames import open_frames, read_clip
from mutoscope.media.images import read_image
from mutoscope.media.results import Arrays, Image, Page, Replay, Result, Sheet, Table, Video, Videos, embedded

TABLE = Table(["name", "fid", "seeds"], [["ours", np.float32(1.5), 3], ["theirs, <b>", float("nan"), np.int64(2)]])
PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mov", ".gif", ".npy", ".png", ""])
def test_a_video_saves_in_every_format(tmp_path: Path, make_clip, suffix: str) -> None:
    clip = make_clip(6, 16, 16)
    path = Video(clip, fps=10).save(tmp_path / f"clip{suffix}")
    source = open_frames(path)
    assert len(list(source)) == 6
    assert source.fps in (10, None)
    assert np.abs(read_clip(path).astype(int) - clip).mean() < 8


def test_a_lazy_video_streams_once_or_is_kept(tmp_path: Path, make_clip) -> None:
    clip = make_clip(4, 16, 16)
    streamed = Video(iter(clip))
    streamed.save(tmp_path / "a.npy")
    with pytest.raises(RuntimeError, match="streamed already"):
        streamed.save(tmp_path / "b.npy")
    kept = Video(iter(clip))
    assert len(kept) == 4
    np.testing.assert_array_equal(kept.frames, clip)
    for name in ("c.npy", "d.npy"):
        np.testing.assert_array_equal(read_clip(kept.save(tmp_path / name)), clip)


def test_videos_save_as_files_of_a_folder(tmp_path: Path, make_clip) -> None:
    clips = {
        "wave/0003.npy": make_clip(4, 16, 16),
        "wave/0004.npy": make_clip(5, 16, 16),
        "a.mp4": make_clip(3, 16, 16),
    }
    videos = Videos(Replay(lambda: ((name, Video(clip)) for name, clip in clips.items())))
    for folder in (tmp_path / "one", tmp_path / "two"):
        videos.save(folder)
        assert sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.*")) == sorted(clips)
        np.testing.assert_array_equal(read_clip(folder / "wave/0004.npy"), clips["wave/0004.npy"])


def test_each_of_many_videos_is_written_before_the_next_is_made(tmp_path: Path, make_clip) -> None:
    written = []

    def made() -> Iterator[tuple[str, Video]]:
        for number in range(3):
            yield f"{number}.npy", Video(make_clip(2, 8, 8))
            written.append(len(list(tmp_path.rglob("?.npy"))))

    Videos(made()).save(tmp_path / "out")
    assert written == [1, 2, 3]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["a.npy", "b.npy", "./a.npy"], r"out/a\.npy: is the name of two videos"),
        (["a.npy", "../b.npy"], r"'\.\./b\.npy' is no file in this folder"),
        (["/b.npy"], "'/b.npy' is no file in this folder"),
        (["a"], "'a' is no file in this folder"),
        (["a.npy", "a.npy/b.npy"], "cannot be written"),
        (["a.docx"], r"a video cannot be saved as a \.docx file"),
        ([], "there are no videos to write"),
    ],
)
def test_videos_whose_names_cannot_be_leave_nothing(tmp_path: Path, make_clip, names: list[str], says: str) -> None:
    videos = Videos((name, Video(make_clip(2, 8, 8))) for name in names)
    with pytest.raises(InputError, match=says):
        videos.save(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_videos_overwrite_nothing(tmp_path: Path, make_clip) -> None:
    (tmp_path / "kept.txt").touch()
    with pytest.raises(InputError, match=r"exists already \(expected a new folder"):
        Videos([("a.npy", Video(make_clip(2, 8, 8)))]).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_arrays_are_read_back_by_name(tmp_path: Path) -> None:
    arrays = {"mask": np.random.default_rng(0).random((3, 4, 4), np.float32), "pixels": PIXELS}
    with np.load(Arrays(arrays).save(tmp_path / "a.npz"), allow_pickle=False) as read:
        assert set(read.files) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(read[name], array)
            assert read[name].dtype == array.dtype


def test_arrays_of_objects_are_no_result() -> None:
    with pytest.raises(ValueError, match="names is an array of objects"):
        Arrays({"names": np.array([None])})


@pytest.mark.parametrize("result", [Image(PIXELS), Sheet(PIXELS, rows=1, columns=1)])
def test_pictures_save_and_show(tmp_path: Path, result: Image) -> None:
    np.testing.assert_array_equal(read_image(result.save(tmp_path / "a.png")), PIXELS)
    (tmp_path / "shown.png").write_bytes(result._repr_png_())
    np.testing.assert_array_equal(read_image(tmp_path / "shown.png"), PIXELS)


def test_a_table_saves_plain_values(tmp_path: Path) -> None:
    records = json.loads(TABLE.save(tmp_path / "a.json").read_text())
    assert records == [{"name": "ours", "fid": 1.5, "seeds": 3}, {"name": "theirs, <b>", "fid": None, "seeds": 2}]
    with TABLE.save(tmp_path / "a.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["name", "fid", "seeds"], ["ours", "1.5", "3"], ["theirs, <b>", "nan", "2"]]


def test_notebooks_show_a_player_and_an_escaped_table(make_clip) -> None:
    assert Video(make_clip(2, 16, 16))._repr_html_().startswith("<video")
    assert "<td>theirs, &lt;b&gt;</td>" in TABLE._repr_html_()


def pictures_in(page: str) -> list[PIL.Image.Image]:
    """The pictures that a page holds."""
    data = re.findall(r'src="data:image/webp;base64,([^"]+)"', page)
    return [PIL.Image.open(io.BytesIO(base64.b64decode(each))) for each in data]


def test_a_page_is_one_file_that_needs_no_other(tmp_path: Path) -> None:
    page = Page("a < b", f"<p>below</p>{embedded(PIXELS, 'four by four')}")
    text = page.save(tmp_path / "page.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert text == page.html
    assert "<h1>a &lt; b</h1>" in text
    assert "<p>below</p>" in text
    assert "<script" not in text
    with pytest.raises(InputError, match="cannot be written"):
        page.save(tmp_path / "page.html" / "page.html")
    assert not re.search(r"(src|href)=\"(?!data:|#)|url\(|@import", text)
    (picture,) = pictures_in(text)
    np.testing.assert_array_equal(np.asarray(picture), PIXELS)


def test_an_embedded_picture_tells_its_size_and_what_it_shows() -> None:
    tag = embedded(PIXELS[:2], 'a "strip"', smooth=True)
    assert 'width="4" height="2" alt="a &quot;strip&quot;"' in tag
    assert 'class="smooth"' in tag
    assert "class" not in embedded(PIXELS, "sharp")


def test_an_embedded_clip_plays_all_its_frames(make_clip) -> None:
    clip = make_clip(5, 16, 16)
    (animation,) = pictures_in(embedded(clip, "a clip", fps=20))
    assert animation.n_frames == 5
    assert animation.info["loop"] == 0
    for index, frame in enumerate(clip):
        animation.seek(index)
        np.testing.assert_array_equal(np.asarray(animation.convert("RGB")), frame)
        assert animation.info["duration"] == 50


def test_a_page_in_a_notebook_keeps_its_styles_to_itself() -> None:
    shown = Page("title", '<p class="x">text</p>')._repr_html_()
    assert shown.startswith("<iframe")
    assert "<style>" not in shown
    assert "&lt;p class=&quot;x&quot;&gt;" in shown


def test_a_row_has_a_value_for_each_column() -> None:
    with pytest.raises(ValueError, match="row 1 has 1 values for 2 columns"):
        Table(["a", "b"], [[1, 2], [3]])


@pytest.mark.parametrize("result", [Video(PIXELS[None]), Image(PIXELS), TABLE, Page("a", "b"), Arrays({"a": PIXELS})])
def test_a_suffix_that_cannot_be_written_lists_those_that_can(tmp_path: Path, result: Result) -> None:
    with pytest.raises(InputError, match=rf"cannot be saved as a \.xyz file .*\{result.default_suffix}"):
        result.save(tmp_path / "a.xyz")
    assert result.default_suffix in result.suffixes
    assert list(tmp_path.iterdir()) == []


def test_importing_the_room_loads_nothing_heavy() -> None:
    program = (
        "import sys, mutoscope.media; print([m for m in ('av', 'torch', 'matplotlib', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_resolves() -> None:
    import mutoscope.media

    assert all(getattr(mutoscope.media, name) is not None for name in mutoscope.media.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = mutoscope.media.nothing
