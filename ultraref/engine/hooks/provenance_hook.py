"""Keeps track of which images a model has seen, and keeps it from being judged on them."""

import logging
from collections.abc import Mapping

from mmengine.hooks import Hook
from mmengine.logging import print_log

from ultraref import provenance
from ultraref.errors import UserError
from ultraref.registry import HOOKS

_SHOWN = 5


@HOOKS.register_module()
class ProvenanceHook(Hook):
    """Writes into each checkpoint what the model was trained on, and refuses to evaluate on it.

    `meta["trained_on"]` of a checkpoint is the sorted list of the sha256 of all image files that any part of the model
    was trained on: the training data of this run and those of every checkpoint that a part was loaded from
    (`ultraref.provenance`). A data set tells its images by its property `image_hashes`, name -> sha256.

    Args:
        allow_seen: evaluate nevertheless. The log then warns, and the metrics get `seen`, the fraction of evaluated
            images that some part was trained on. For runs like the reference's single model for all folds.

    Raises:
        ValueError: validation or test data holds images that were trained on; names them and the checkpoints. Raised
            before the first epoch.
    """

    # Before the hooks that log the metrics.
    priority = "HIGHEST"

    def __init__(self, allow_seen: bool = False):
        self.allow_seen = allow_seen
        self._training_images: frozenset[str] = frozenset()
        self._seen_fraction = 0.0
        self._warned: set[str] = set()

    def before_train(self, runner) -> None:
        self._training_images = frozenset(image_hashes(runner.train_dataloader.dataset).values())
        if runner.val_loop is not None:
            self._check(runner, runner.val_dataloader.dataset, "validation")

    def before_val(self, runner) -> None:
        self._check(runner, runner.val_dataloader.dataset, "validation")

    def before_test(self, runner) -> None:
        self._check(runner, runner.test_dataloader.dataset, "test")

    def after_val_epoch(self, runner, metrics: dict | None = None) -> None:
        if self.allow_seen and metrics is not None:
            metrics["seen"] = self._seen_fraction

    after_test_epoch = after_val_epoch

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        seen = self._training_images.union(*provenance.collect(runner.model).values())
        checkpoint["meta"]["trained_on"] = sorted(seen)

    def _check(self, runner, dataset, what: str) -> None:
        images = image_hashes(dataset)
        sources = provenance.collect(runner.model)
        sources["the training data of this run"] = self._training_images
        lines, seen = [], set()
        for source, trained_on in sources.items():
            names = sorted(name for name, digest in images.items() if digest in trained_on)
            seen.update(names)
            if names:
                more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                lines.append(f"{source}: {', '.join(names[:_SHOWN])}{more}")
        self._seen_fraction = len(seen) / max(len(images), 1)
        if not seen:
            return
        message = f"{len(seen)} of {len(images)} {what} images were trained on:\n  " + "\n  ".join(lines)
        if not self.allow_seen:
            raise UserError(
                f"{message}\nEvaluate on the fold that these checkpoints held out, or set allow_seen=True of "
                "ProvenanceHook to get numbers that are marked as seen"
            )
        if message not in self._warned:
            self._warned.add(message)
            runner.logger.warning(f"{message}\nThe metrics are on seen images.")


def image_hashes(dataset) -> Mapping[str, str]:
    """Returns name -> sha256 of the images of a data set, or of the parts of a concatenated one.

    A data set without `image_hashes` gives none and a warning: what it holds can't be checked.
    """
    if hasattr(dataset, "image_hashes"):
        return dataset.image_hashes
    if hasattr(dataset, "datasets"):
        return {f"{i}:{name}": h for i, part in enumerate(dataset.datasets) for name, h in image_hashes(part).items()}
    print_log(
        f"{type(dataset).__name__} has no `image_hashes`: whether its images were trained on can't be checked",
        logger="current",
        level=logging.WARNING,
    )
    return {}
