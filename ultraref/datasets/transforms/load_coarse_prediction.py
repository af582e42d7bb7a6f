"""Loads the stored coarse probability."""

from ultraref.datasets.prediction_store import PredictionStore
from ultraref.datasets.transforms.base import LesionTransform
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadCoarsePrediction(LesionTransform):
    """Reads ROOT/fold{f}/{val,test}/NAME.npy and adds it as coarse_prob, (h, w) float32 in [0, 1].

    The root is the data set's `predictions`. f is the image's own fold, so that the coarse model had not seen the
    image; for a test image it is the data set's fold.

    Raises:
        UserError: the data set was given no `predictions`.
        FileNotFoundError, ValueError: see `PredictionStore.read`.
    """

    needs_data_set = True

    def __init__(self):
        self._stores = {}

    def transform(self, results: dict) -> dict:
        root = results.get("predictions")
        if root is None:
            raise UserError(
                f"LoadCoarsePrediction: the data set {results['dataset']!r} has no stored predictions; "
                "give it predictions=ROOT in the config"
            )
        store = self._stores.setdefault(root, PredictionStore(root))
        results["coarse_prob"] = store.read(
            results["name"], results["prediction_fold"], results["prediction_split"], results.get("image_hash")
        )
        results["coarse_origin"] = "stored"
        return results
