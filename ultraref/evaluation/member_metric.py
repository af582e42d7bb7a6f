"""What each model of an ensemble is worth, measured beside the ensemble."""

from collections.abc import Mapping, Sequence

from ultraref.errors import UserError
from ultraref.evaluation.refinement_metric import RefinementMetric
from ultraref.registry import METRICS


@METRICS.register_module()
class MemberMetric(RefinementMetric):
    """`RefinementMetric` of one model of a `CheckpointEnsemble`. It prints nothing, and hands its means to nobody but `means`.

    Args:
        member: number of the model, from 0 up.
        **options: those of `RefinementMetric`.

    Attributes:
        means: the metrics by name, once all images are measured.
    """

    def __init__(self, member: int, **options):
        super().__init__(**options)
        self.member = member
        self.means: dict[str, float] = {}

    def process(self, data_batch: dict, data_samples: Sequence[Mapping]) -> None:
        """Measures the model's own samples of one batch."""
        if any("members" not in sample for sample in data_samples):
            raise UserError(
                "MemberMetric measures the models of a CheckpointEnsemble of several checkpoints, and none else"
            )
        super().process(data_batch, [sample["members"][self.member].to_dict() for sample in data_samples])

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Summarises into `means`, and returns nothing: the run's metrics are the ensemble's."""
        self.preface = ""
        self.means = super().compute_metrics(results)
        return {}

    def _print(self, summary: dict[str, float], rows: list[dict], normals: list[dict], dataset: str = "") -> None:
        """Leaves printing to the one table of all models."""
