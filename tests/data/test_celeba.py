from pathlib import Path

import numpy as np

from mutoscope.data import detect_layout, open_clips
from mutoscope.data.celeba import CelebA
from mutoscope.media.images import write_image


def test_faces_are_cropped_to_their_central_160_pixels(tmp_path: Path) -> None:
    picture = np.zeros((218, 178, 3), np.uint8)
    picture[29:189, 9:169] = 255
    for number in (1, 2, 10):
        write_image(tmp_path / "img_align_celeba" / f"{number:06}.png", picture)
    assert detect_layout(tmp_path) is detect_layout(tmp_path / "img_align_celeba") is CelebA
    clips = open_clips(tmp_path, size=64)
    assert clips.lengths.tolist() == [1, 1, 1]
    assert clips.pixels.min() == 255, "nothing outside the crop may be seen"
