"""The two scales against the published procedures, what padding and crops hold, and that neither leaks into the other."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ultraref.models.roi import LesionROICropper
from ultraref.models.sam.image_encoders import PixelScale

SIZE = 256


def picture(height=SIZE, width=SIZE) -> torch.Tensor:
    """An RGB image (1, 3, height, width) in [0, 255] that neither begins at 0 nor ends at 255."""
    return torch.randint(20, 200, (1, 3, height, width), generator=torch.Generator().manual_seed(3)).float()


def padded(image: torch.Tensor, value: float = 0.0) -> torch.Tensor:
    """Pads to the right and below, before the normalisation, with any value."""
    return F.pad(image, (0, SIZE - image.shape[-1], 0, SIZE - image.shape[-2]), value=value)


def content_size(image: torch.Tensor) -> torch.Tensor:
    return torch.tensor([image.shape[-2:]])


def medsam(image: torch.Tensor) -> torch.Tensor:
    """MedSAM_Inference.py and the LiteMedSAM branch's inference: min-max in NumPy, zeros right and below."""
    rgb = image[0].permute(1, 2, 0).numpy().astype(np.uint8)
    scaled = (rgb - rgb.min()) / np.clip(rgb.max() - rgb.min(), a_min=1e-8, a_max=None)
    scaled = np.pad(scaled, ((0, SIZE - rgb.shape[0]), (0, SIZE - rgb.shape[1]), (0, 0)))
    return torch.tensor(scaled).float().permute(2, 0, 1)[None]


@pytest.mark.parametrize("shape", [(SIZE, SIZE), (192, SIZE), (SIZE, 130)])
@pytest.mark.parametrize("scale", ["imagenet", "minmax"])
def test_embeddings_equal_the_published_procedure(twins, scale, shape):
    ours, published = twins(scale=scale)
    image = picture(*shape)
    with torch.no_grad():
        # Sam.preprocess normalises with the package's own constants and pads.
        given = published.preprocess(image) if scale == "imagenet" else medsam(image)
        expected = published.image_encoder(given)
        embedding = ours.encode(ours.normalise(padded(image, 90.0), content_size(image))).features
    assert (embedding - expected).abs().max() < 1e-5 * expected.abs().max()


def test_minmax_takes_the_range_of_all_channels_of_the_content():
    image = picture(10, 20)
    image[0, 1] = 7.0
    scaled = PixelScale("minmax")(padded(image, 255.0), content_size(image))
    expected = (image - 7) / (image.max() - 7)
    torch.testing.assert_close(scaled[..., :10, :20], expected)
    assert not scaled[..., 10:, :].any()
    assert not scaled[..., 20:].any()


@pytest.mark.parametrize("scale", ["imagenet", "minmax"])
def test_rows_do_not_depend_on_each_other_and_content_may_differ(scale):
    images = torch.cat([picture(), picture() / 3, picture().flip(1)])
    sizes = torch.tensor([[SIZE, SIZE], [100, 40], [7, SIZE]])
    together = PixelScale(scale)(images, sizes)
    for i in range(3):
        alone = PixelScale(scale)(images[i : i + 1], sizes[i : i + 1])
        assert torch.equal(together[i : i + 1], alone)
        height, width = sizes[i]
        assert torch.equal(alone[..., :height, :width], PixelScale(scale)(images[i : i + 1, :, :height, :width]))


def test_a_flat_image_is_finite():
    assert torch.equal(PixelScale("minmax")(torch.full((1, 3, 4, 4), 130.0)), torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize("scale", ["imagenet", "minmax"])
def test_crops_reaching_beyond_the_image_are_0_there(scale):
    normalised = PixelScale(scale)(picture(64, 64))
    # Twice as long as the frame: its middle half is the image. One pixel of the crop around it is interpolated.
    crop = LesionROICropper().crop_image(normalised, torch.tensor([[-32.5, -32.5, 95.5, 95.5]]), 64)
    inside = torch.zeros(64, 64, dtype=torch.bool)
    inside[15:49, 15:49] = True
    assert not crop[..., ~inside].any()
    torch.testing.assert_close(crop[..., 16:48, 16:48], F.avg_pool2d(normalised, 2))


def test_a_crop_keeps_the_scale_of_the_whole_image():
    image = picture(64, 64)
    image[..., :32, :32] = 100.0
    box = torch.tensor([[7.5, 7.5, 23.5, 23.5]])
    crop = LesionROICropper().crop_image(PixelScale("minmax")(image), box, 16)
    expected = (100 - image.min()) / (image.max() - image.min())
    torch.testing.assert_close(crop, expected.expand_as(crop))


@pytest.mark.parametrize("scale", ["imagenet", "minmax"])
def test_types(scale):
    grey = torch.arange(16, dtype=torch.uint8).view(1, 1, 4, 4).expand(1, 3, 4, 4)
    module = PixelScale(scale)
    assert module(grey).dtype == module(grey.half()).dtype == torch.float32
    assert module(grey.double()).dtype == torch.float64
    torch.testing.assert_close(module(grey), module(grey.float()))
    assert not module.state_dict()


def test_descriptions_differ_and_hold_the_numbers():
    descriptions = [PixelScale(name).describe() for name in ("imagenet", "minmax")]
    assert "123.675" in descriptions[0]
    assert "57.375" in descriptions[0]
    assert descriptions[0] != descriptions[1]
