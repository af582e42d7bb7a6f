"""Test-time augmentation by flips."""

from collections.abc import Sequence

from mmengine.model import BaseModel
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.test_time.flips import DIRECTIONS, flip_inputs, turn_back
from ultraref.models.test_time.mean_prediction import mean_prediction
from ultraref.registry import MODELS
from ultraref.structures import SegDataSample


@MODELS.register_module()
class FlipTTAModel(BaseModel):
    """Asks a model about each image and about its mirror images, and gives the mean: see `mean_prediction`.

    It stands around a trained model, as MMEngine's `tta_model` does. No `tta_pipeline` is needed: the networks' inputs are mirrored on the
    device, within the image's content, which is exact. Cost grows with the number of directions.

    Args:
        module: a segmentor of this package, or its config.
        directions: "horizontal" (left to right), "vertical" or "diagonal" (both at a time), beside the image as it is. Top and bottom
            of an ultrasound image differ (depth, shadows), so that "vertical" shows a model what it was not trained on, unless it was.

    Raises:
        UserError: a direction is not known, is given twice, or there is none.
    """

    def __init__(self, module: BaseModel | dict, directions: Sequence[str] = ("horizontal",)):
        if isinstance(directions, str) or not directions or len(set(directions)) < len(directions):
            raise UserError(f"FlipTTAModel: directions is {directions!r}; it must be a list of {', '.join(DIRECTIONS)}")
        unknown = sorted(set(directions) - set(DIRECTIONS))
        if unknown:
            raise UserError(f"FlipTTAModel: directions has {unknown}; there are {', '.join(DIRECTIONS)}")
        module = MODELS.build(module) if isinstance(module, dict) else module
        super().__init__(data_preprocessor=module.data_preprocessor)
        self.module, self.directions = module, tuple(directions)

    @property
    def sizes(self) -> dict[str, int]:
        """The model's."""
        return self.module.sizes

    def forward(self, inputs: dict[str, Tensor], data_samples: list[SegDataSample], mode: str = "predict"):
        """Returns the samples with the means filled in.

        Args:
            inputs: see the model's `forward`.
            data_samples: the samples of the batch.
            mode: "predict".

        Raises:
            UserError: another mode, or an input that can't be mirrored.
        """
        if mode != "predict":
            raise UserError(f"mode is {mode!r}; {type(self).__name__} is for tests, and has 'predict' alone")
        # Before the model fills the samples: it also cuts their ground truth.
        copies = [[sample.clone() for sample in data_samples] for _ in self.directions]
        views = [self.module(inputs, data_samples, mode="predict")]
        for direction, samples in zip(self.directions, copies):
            predicted = self.module(flip_inputs(inputs, direction), samples, mode="predict")
            views.append([turn_back(sample, direction) for sample in predicted])
        return [mean_prediction(of_one) for of_one in zip(*views)]
