"""BAIR robot pushing is read from its published files, and what is wrong with them is told by name.

The TFRecords and the Examples in them are written here, as far as they are needed, by code that the reader shares
nothing with.
"""

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mutoscope.data import ClipFolder, detect_layout, open_clips, split
from mutoscope.data.bair import Bair
from mutoscope.data.tfrecord import bytes_features, crc32c, masked_checksum, read_record, record_spans
from mutoscope.errors import InputError

one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # files are written anew each time
feature_lists = st.dictionaries(st.text(max_size=8), st.binary(max_size=300) | st.just([1.0, 2.0]), max_size=4)


def shifted(crc: int) -> int:
    """A checksum after eight bits of zero."""
    for _ in range(8):
        crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc


SHIFTED = [shifted(byte) for byte in range(256)]


def checksum(data: bytes) -> bytes:
    """Masked CRC-32C, a byte at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ SHIFTED[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32)


def framed(data: bytes) -> bytes:
    """A record."""
    length = struct.pack("<Q", len(data))
    return length + checksum(length) + data + checksum(data)


def write_records(path: Path, *records: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(framed, records)))
    return path


def varint(number: int) -> bytes:
    parts = []
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def field(number: int, value: bytes) -> bytes:
    """A field of protobuf that holds a string or a message."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def example(features: dict[str, bytes | list[float]]) -> bytes:
    """A `tf.train.Example` of lists of one string each, and of lists of numbers."""
    entries = []
    for name, value in features.items():
        if isinstance(value, bytes):
            feature = field(1, field(1, value))
        else:
            feature = field(2, field(1, struct.pack(f"<{len(value)}f", *value)))
        entries.append(field(1, field(1, name.encode()) + field(2, feature)))
    return field(1, b"".join(entries))


def read_all(path: Path) -> list[bytes]:
    return [read_record(path, span, path) for span in record_spans(path)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],
)
def test_checksums_are_those_of_the_standard(data, expected):
    assert crc32c(data) == expected  # the last two are of RFC 3720


@given(data=st.binary(max_size=1200))
def test_whole_blocks_are_summed_as_single_bytes_are(data):
    assert masked_checksum(data) == checksum(data)


@one_folder
@given(records=st.lists(st.binary(max_size=600), max_size=4))
def test_records_are_read_as_they_were_written(tmp_path, records):
    assert read_all(write_records(tmp_path / "some.tfrecords", *records)) == records


@one_folder
@given(records=st.lists(st.binary(max_size=40), min_size=1, max_size=3), data=st.data())
def test_a_file_cut_short_anywhere_gives_its_whole_records_and_one_line(tmp_path, records, data):
    whole = b"".join(map(framed, records))
    kept = data.draw(st.integers(0, len(whole) - 1))
    (path := tmp_path / "cut.tfrecords").write_bytes(whole[:kept])
    ends = [sum(len(framed(each)) for each in records[:i]) for i in range(len(records))]
    spans = record_spans(path)
    for record, end in zip(records, [*ends[1:], len(whole)], strict=True):
        if end > kept:
            break
        assert read_record(path, next(spans), path) == record
    if kept in ends:
        assert next(spans, None) is None
    else:
        with pytest.raises(InputError, match=r"cut.tfrecords: ends within a record"):
            next(spans)


@one_folder
@given(records=st.lists(st.binary(max_size=40), min_size=1, max_size=3), data=st.data())
def test_a_changed_byte_never_goes_unnoticed(tmp_path, records, data):
    content = bytearray(b"".join(map(framed, records)))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (path := tmp_path / "damaged.tfrecords").write_bytes(content)
    with pytest.raises(InputError, match=r"damaged|ends within"):
        read_all(path)


@given(features=feature_lists)
def test_lists_of_bytes_are_found_by_name_and_numbers_passed_over(features):
    expected = {name: value for name, value in features.items() if isinstance(value, bytes)}
    assert bytes_features(example(features), Path("it")) == expected


def features_or_reason(data: bytes) -> dict[str, bytes] | str:
    try:
        return bytes_features(data, Path("it"))
    except InputError as error:
        return str(error)


@given(features=feature_lists, data=st.data())
def test_an_example_cut_short_is_refused_or_has_less_in_it(features, data):
    whole = example(features)
    found = features_or_reason(whole[: data.draw(st.integers(0, len(whole)))])
    if isinstance(found, str):
        assert found.startswith("it: is no tf.train.Example")
    else:
        assert found.items() <= bytes_features(whole, Path("it")).items()


@given(data=st.binary(max_size=60))
def test_any_other_bytes_are_refused_in_one_line_or_hold_features(data):
    found = features_or_reason(data)
    assert isinstance(found, dict) or "\n" not in found


def test_a_missing_file_is_told():
    with pytest.raises(InputError, match=r"nowhere.tfrecords: cannot be read: No such file"):
        list(record_spans(Path("nowhere.tfrecords")))


def robot_clip(seed: int, frames: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, 64, 64, 3), dtype=np.uint8)


def record(clip: np.ndarray) -> bytes:
    """As published: two views of raw pixels and an action for each frame, in no order of time."""
    features: dict[str, bytes | list[float]] = {}
    for t in reversed(range(len(clip))):
        features[f"{t}/image_main/encoded"] = bytes(12)
        features[f"{t}/action"] = [0.1, 0.2]
        features[f"{t}/image_aux1/encoded"] = clip[t].tobytes()
    return example(features)


def encoded(frame: np.ndarray, form: str) -> bytes:
    Image.fromarray(frame).save(file := BytesIO(), form)
    return file.getvalue()


@pytest.fixture
def softmotion(tmp_path: Path) -> Path:
    """Three training clips in two files, and a test clip."""
    folder = tmp_path / "softmotion30_44k"
    write_records(folder / "train" / "traj_0_to_1.tfrecords", record(robot_clip(0)), record(robot_clip(1)))
    write_records(folder / "train" / "traj_2_to_2.tfrecords", record(robot_clip(2, frames=12)))
    write_records(folder / "test" / "traj_0_to_0.tfrecords", record(robot_clip(3)))
    return folder


def test_frames_of_the_main_view_are_read_in_the_order_of_time(softmotion: Path) -> None:
    clips = open_clips(softmotion)
    assert clips.layout == Bair.name
    assert clips.lengths.tolist() == [3, 3, 12, 3]
    for i, length in enumerate(clips.lengths.tolist()):
        np.testing.assert_array_equal(clips[i].frames, robot_clip(i, length))
    assert clips[1].path == f"{softmotion}/train/traj_0_to_1.tfrecords[1]"


@pytest.mark.parametrize(("opened", "count"), [("..", 4), (".", 4), ("train", 3), ("train/traj_0_to_1.tfrecords", 2)])
def test_the_set_its_parts_and_its_files_can_be_opened(softmotion: Path, opened: str, count: int) -> None:
    path = softmotion / opened
    assert detect_layout(path) is Bair
    assert len(open_clips(path, size=16)) == count


def test_the_published_split_holds_out_the_test_files(softmotion: Path) -> None:
    train, rest = split(open_clips(softmotion, size=16), by="published")
    assert (len(train), len(rest)) == (3, 1)
    assert [Path(each.path).parts[-2:] for each in rest.records] == [("test", "traj_0_to_0.tfrecords[0]")]


def test_frames_may_be_png_or_jpeg(tmp_path: Path) -> None:
    frames = np.full((2, 48, 48, 3), 120, np.uint8)
    pictures = {f"{t}/image_aux1/encoded": encoded(frames[t], form) for t, form in enumerate(("PNG", "JPEG"))}
    path = write_records(tmp_path / "test" / "a.tfrecords", example(pictures))
    np.testing.assert_allclose(open_clips(path, size=48)[0].frames, frames, atol=2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (example({"0/image_main/encoded": bytes(64 * 64 * 3)}), r"has no 0/image_aux1/encoded"),
        (example({f"{t}/image_aux1/encoded": bytes(64 * 64 * 3) for t in (0, 2)}), r"has no 1/image_aux1/encoded"),
        (example({"0/image_aux1/encoded": bytes(100)}), r"expected frames of 64x64 raw pixels, or PNG or JPEG"),
        (field(1, b"\x07"), r"is no tf.train.Example \(wire type 7\)"),
        (b"", r"has no 0/image_aux1/encoded"),
    ],
)
def test_a_wrong_record_is_told_in_one_line(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as told:
        open_clips(write_records(tmp_path / "wrong.tfrecords", data))
    assert str(told.value).startswith(f"{tmp_path}/wrong.tfrecords[0]: ")
    assert "\n" not in str(told.value)


def test_a_damaged_file_costs_only_the_clips_that_are_damaged(softmotion: Path) -> None:
    cut = softmotion / "train" / "traj_0_to_1.tfrecords"
    cut.write_bytes(cut.read_bytes()[:-1])
    damaged = softmotion / "train" / "traj_2_to_2.tfrecords"
    damaged.write_bytes(framed(record(robot_clip(2))).replace(robot_clip(2)[1].tobytes(), bytes(64 * 64 * 3)))
    clips = open_clips(softmotion, size=16)
    assert [Path(each.path).name for each in clips.records] == ["traj_0_to_1.tfrecords[0]", "traj_0_to_0.tfrecords[0]"]
    assert [str(problem).removeprefix(f"{softmotion}/train/").split(" (")[0] for problem in clips.problems] == [
        f"traj_0_to_1.tfrecords: ends within a record, after {cut.stat().st_size} bytes",
        "traj_2_to_2.tfrecords[0]: is damaged",
    ]


def test_folders_of_frames_that_others_make_of_it_are_clips(tmp_path: Path) -> None:
    for video in ("0", "1"):
        (folder := tmp_path / "train" / video).mkdir(parents=True)
        for t, frame in enumerate(robot_clip(int(video))):
            Image.fromarray(frame).save(folder / f"{t}.png")
    assert detect_layout(tmp_path / "train") is ClipFolder
    clips = open_clips(tmp_path / "train")
    np.testing.assert_array_equal(clips[1].frames, robot_clip(1))
