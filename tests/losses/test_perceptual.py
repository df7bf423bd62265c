"""Boxes around joints, what is cut out by them, and a loss on what networks see there."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mutoscope.losses.perceptual import FeatureLoss, boxes_around, crop_to_boxes

SIZE = 32
coordinates = st.floats(-20, SIZE + 20, width=32)
joints_of_a_body = st.lists(
    st.tuples(coordinates, coordinates, st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=8
)


def ramp() -> Tensor:
    """A picture of as many columns as rows, whose pixels are the x and the y of their centres."""
    centres = torch.arange(SIZE) + 0.5
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    return torch.stack([x, y])[None]


class TestBoxes:
    @given(joints_of_a_body)
    def test_are_squares_inside_the_frame_around_what_is_seen_in_it(self, body):
        joints, visible = torch.tensor([body])[..., :2], torch.tensor([body])[..., 2]
        left, top, right, bottom = boxes_around(joints, visible, SIZE)[0].tolist()
        assert right - left == pytest.approx(bottom - top, abs=1e-4)
        assert -1e-4 <= left < right <= SIZE + 1e-4
        assert -1e-4 <= top < bottom <= SIZE + 1e-4
        if ((joints >= 0) & (joints <= SIZE)).all():
            for x, y in joints[visible > 0].tolist():
                assert left - 1e-4 <= x <= right + 1e-4
                assert top - 1e-4 <= y <= bottom + 1e-4

    def test_have_room_on_every_side(self):
        joints, seen = torch.tensor([[[10.0, 8.0], [14.0, 18.0]]]), torch.ones(1, 2)
        torch.testing.assert_close(boxes_around(joints, seen, SIZE, margin=0.1), torch.tensor([[6.0, 7, 18, 19]]))

    def test_are_the_whole_frame_where_nobody_is_seen(self):
        joints = torch.full((2, 3, 2), torch.nan)
        assert boxes_around(joints, torch.zeros(2, 3), SIZE).tolist() == [[0, 0, SIZE, SIZE]] * 2


class TestCrops:
    def test_of_the_whole_picture_is_the_picture(self):
        image = ramp()
        torch.testing.assert_close(crop_to_boxes(image, torch.tensor([[0.0, 0, SIZE, SIZE]]), SIZE), image)

    def test_on_pixel_borders_are_these_pixels(self):
        image = ramp()
        crop = crop_to_boxes(image, torch.tensor([[3.0, 10, 11, 18]]), 8)
        torch.testing.assert_close(crop, image[:, :, 10:18, 3:11])

    def test_keep_coordinates_when_enlarged(self):
        """Of a ramp the crop is a ramp: every pixel shows where its centre lies."""
        crop = crop_to_boxes(ramp(), torch.tensor([[4.0, 8, 12, 16]]), 64)
        centres = (torch.arange(64) + 0.5) / 8
        torch.testing.assert_close(crop[0, 0, 5], 4 + centres)
        torch.testing.assert_close(crop[0, 1, :, 5], 8 + centres)

    def test_have_gradients_inside_the_box_only(self):
        image = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)).requires_grad_()
        crop_to_boxes(image, torch.tensor([[8.0, 8, 16, 16]]), 8).sum().backward()
        assert image.grad is not None
        assert image.grad[:, :, 8:16, 8:16].min() > 0
        assert image.grad.sum() == pytest.approx(3 * 64)


class TestFeatureLoss:
    C_1 = staticmethod(lambda crops: crops)
    boxes = torch.tensor([[0.0, 0, SIZE, SIZE]]).repeat(2, 1)

    @pytest.fixture
    def images(self) -> Tensor:
        return torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) - 0.5

    def test_of_equal_pictures_is_none(self, images: Tensor):
        assert FeatureLoss(self.C_1, nn.Conv2d(3, 4, 3))(images, images, self.boxes) == 0

    def test_is_half_the_mean_squared_difference_of_each(self, images: Tensor):
        """Of activations that differ by 0.2 everywhere, and by 0.4."""
        made = images + 0.2
        assert FeatureLoss(self.C_1, None)(images, made, self.boxes) == pytest.approx(0.02)
        assert FeatureLoss(None, lambda x: 2 * x)(images, made, self.boxes) == pytest.approx(0.08)
        assert FeatureLoss(self.C_1, lambda x: 2 * x)(images, made, self.boxes) == pytest.approx(0.1)
        assert FeatureLoss(None, None)(images, made, self.boxes) == 0

    def test_reaches_the_made_picture_only(self, images: Tensor):
        real, fake = images.clone().requires_grad_(), (-images).requires_grad_()
        FeatureLoss(self.C_1, nn.Conv2d(3, 4, 3))(real, fake, self.boxes).backward()
        assert real.grad is None
        assert fake.grad is not None
        assert fake.grad.abs().sum() > 0

    def test_of_the_box_is_blind_to_the_rest(self, images: Tensor):
        made = images.clone()
        made[:, :, 24:] = 1
        boxes = torch.tensor([[0.0, 0, 20, 20]]).repeat(2, 1)
        assert FeatureLoss(self.C_1, None)(images, made, boxes) == 0
        assert FeatureLoss(self.C_1, None)(images, made, self.boxes) > 0
