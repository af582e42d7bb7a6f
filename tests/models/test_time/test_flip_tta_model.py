"""Flips at test time: nothing changes for a model that doesn't care, and what changes is the mean, in the image's frame."""

import pytest
import torch
from mmengine.model import BaseModel

from ultraref.errors import UserError
from ultraref.models.test_time import FlipTTAModel
from ultraref.models.test_time.flips import flip_inputs
from ultraref.structures import GivenPrompts, Prompts, SegDataSample

SIZE = 8
# (height, width) of the content of each image in SAM's frame.
CONTENT = torch.tensor([[8, 5], [3, 8]])


class Toy(BaseModel):
    """Says of each pixel of the content what a function of image and column says."""

    def __init__(self, function):
        super().__init__()
        self.function, self.sizes, self.seen = function, {"sam": SIZE}, []

    def forward(self, inputs, data_samples, mode):
        self.seen.append(inputs)
        columns = torch.arange(SIZE, dtype=torch.float32).expand(SIZE, SIZE)
        for sample, image, (height, width) in zip(data_samples, inputs["sam_image"], inputs["content_size"].tolist()):
            prob = self.function(image[:1], columns)[:, :height, :width]
            for name in ("coarse", "sam", "gate", "refined"):
                sample.set_pixels(name, prob)
            sample.set_metainfo(dict(predicted_iou=None, coarse_empty=False))
        return data_samples


def batch() -> tuple[dict, list[SegDataSample]]:
    image = torch.rand(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0)).expand(-1, 3, -1, -1).clone()
    for picture, (height, width) in zip(image, CONTENT.tolist()):
        picture[:, height:], picture[:, :, width:] = 0, 0
    return dict(sam_image=image, content_size=CONTENT, image_hash=["a", "b"]), [SegDataSample(), SegDataSample()]


@pytest.mark.parametrize("directions", [["horizontal"], ["vertical"], ["horizontal", "vertical", "diagonal"]])
def test_an_equivariant_model_says_the_same(directions):
    """A function of the pixel alone; the mean of equal numbers is exact for two and four."""
    model = Toy(lambda image, columns: image.square())
    inputs, samples = batch()
    plain = [sample.refined.data for sample in model(*batch(), mode="predict")]
    for sample, expected in zip(FlipTTAModel(model, directions)(inputs, samples), plain):
        for name in ("coarse", "sam", "gate", "refined"):
            assert torch.equal(sample.get(name).data, expected)


def test_a_slope_becomes_its_mean_over_the_content():
    """Column x and column width - 1 - x average to (width - 1) / 2, where width is that of the content, not of the padded frame."""
    found = FlipTTAModel(Toy(lambda image, columns: image * 0 + columns))(*batch())
    for sample, (height, width) in zip(found, CONTENT.tolist()):
        assert torch.equal(sample.refined.data, torch.full((1, height, width), (width - 1) / 2))


def test_the_flip_is_of_the_image_before_the_padding():
    model = Toy(lambda image, columns: image)
    inputs, samples = batch()
    FlipTTAModel(model)(inputs, samples)
    for before, after, (height, width) in zip(*(seen["sam_image"] for seen in model.seen), CONTENT.tolist()):
        assert torch.equal(after[:, :height, :width], before[:, :height, :width].flip(-1))
        assert not after[:, height:].any()
        assert not after[:, :, width:].any()
    # Else an embedding cache would give the embedding of the image as it was.
    assert set(model.seen[0]["image_hash"]).isdisjoint(model.seen[1]["image_hash"])


def test_prompts_and_whole_frames_turn_with_the_image():
    rows = torch.tensor([0, 1])
    box = torch.tensor([[1.0, 2.0, 3.0, 6.0], [0.0, 0.0, 7.0, 1.0]])
    points = torch.tensor([[[0.0, 1.0]], [[6.5, 2.0]]])
    given = GivenPrompts(rows, Prompts(points=points, labels=torch.ones(2, 1), box=box))
    coarse = torch.arange(8.0).reshape(2, 1, 1, 4)
    inputs = dict(batch()[0], given_prompts=given, given_coarse_prob=coarse)
    flipped = flip_inputs(inputs, "horizontal")
    # The contents are 5 and 8 wide: x becomes 4 - x and 7 - x.
    assert flipped["given_prompts"].prompts.box.tolist() == [[1, 2, 3, 6], [0, 0, 7, 1]]
    assert flipped["given_prompts"].prompts.points.tolist() == [[[4, 1]], [[0.5, 2]]]
    assert flipped["given_coarse_prob"].flatten().tolist() == [3, 2, 1, 0, 7, 6, 5, 4]
    upside_down = flip_inputs(inputs, "vertical")["given_prompts"].prompts
    # They are 8 and 3 high: y becomes 7 - y and 2 - y.
    assert upside_down.box.tolist() == [[1, 1, 3, 5], [0, 1, 7, 2]]
    twice = flip_inputs(flip_inputs(inputs, "diagonal"), "diagonal")
    assert torch.equal(twice["sam_image"], inputs["sam_image"])
    assert torch.equal(twice["given_prompts"].prompts.box, box)


@pytest.mark.parametrize("directions", ["horizontal", [], ["sideways"], ["vertical", "vertical"]])
def test_wrong_directions_are_refused(directions):
    with pytest.raises(UserError, match="directions"):
        FlipTTAModel(Toy(lambda image, columns: image), directions)


def test_what_cant_be_mirrored_is_refused():
    model = FlipTTAModel(Toy(lambda image, columns: image))
    inputs, samples = batch()
    with pytest.raises(UserError, match="'embedding'"):
        model(dict(inputs, embedding=torch.zeros(1)), samples)
    with pytest.raises(UserError, match="'predict' alone"):
        model(inputs, samples, mode="loss")
