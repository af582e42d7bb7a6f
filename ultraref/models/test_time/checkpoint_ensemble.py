"""The checkpoints of several folds, or seeds, as one model."""

from collections.abc import Mapping, Sequence

from mmengine.model import BaseModel
from torch import Tensor, nn

from ultraref.checkpoint import load_checkpoint_file
from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import load_model, without_initial_weights
from ultraref.models.coarse import FromSample
from ultraref.models.test_time.mean_prediction import mean_prediction
from ultraref.registry import MODELS
from ultraref.structures import SegDataSample


@MODELS.register_module()
class CheckpointEnsemble(BaseModel):
    """Asks models of one recipe, each with a checkpoint of its own, and gives the mean: see `mean_prediction`.

    Args:
        model: config of the model.
        checkpoints: of the whole model, as tools/train.py leaves them; each is loaded strictly. One makes a model that is its
            checkpoint's.
        tta_model: config of a wrapper around each model, without its `module`; None for none.

    Raises:
        FileNotFoundError: a checkpoint is missing.
        UserError: there is no checkpoint, one doesn't fit, or there are several of a model whose coarse masks are stored: those are of
            one fold.
    """

    def __init__(self, model: Mapping, checkpoints: Sequence[str], tta_model: Mapping | None = None):
        if isinstance(checkpoints, str) or not checkpoints:
            raise UserError(f"CheckpointEnsemble: checkpoints is {checkpoints!r}; it must be a list of paths")
        models = [_load(model, path) for path in checkpoints]
        source = getattr(models[0], "coarse_source", None)
        if len(models) > 1 and isinstance(source, FromSample):
            raise UserError(
                "an ensemble needs a model with a coarse network of its own, of phase 3: this one reads stored coarse masks, and those "
                "of the config are of one fold. Test each checkpoint by itself, or all of them on other sets with --data, where the coarse "
                "network of the config's fold runs for all"
            )
        if tta_model is not None:
            models = [MODELS.build(dict(tta_model, module=model)) for model in models]
        super().__init__(data_preprocessor=models[0].data_preprocessor)
        self.models = nn.ModuleList(models)

    @property
    def sizes(self) -> dict[str, int]:
        """Those of the models."""
        return self.models[0].sizes

    def forward(self, inputs: dict[str, Tensor], data_samples: list[SegDataSample], mode: str = "predict"):
        """Returns the samples with the means filled in, and with `members`, the samples of each model, where there are several.

        Args:
            inputs: see the model's `forward`.
            data_samples: the samples of the batch.
            mode: "predict".

        Raises:
            UserError: another mode.
        """
        if mode != "predict":
            raise UserError(f"mode is {mode!r}; {type(self).__name__} is for tests, and has 'predict' alone")
        copies = [[sample.clone() for sample in data_samples] for _ in self.models]
        members = [model(inputs, samples, mode="predict") for model, samples in zip(self.models, copies)]
        means = []
        for of_one in zip(*members):
            mean = mean_prediction([of_one[0].clone(), *of_one[1:]])
            if len(of_one) > 1:
                mean.members = list(of_one)
            means.append(mean)
        return means


def _load(config: Mapping, path: str) -> BaseModel:
    model = MODELS.build(without_initial_weights(config))
    load_model(model, load_checkpoint_file(path), path)
    return model
