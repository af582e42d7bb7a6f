"""Keeps track of which images a model has seen, and keeps it from being judged on them."""

import logging
from collections.abc import Iterator
from itertools import chain

from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from ultraref import provenance
from ultraref.datasets.fingerprints import Fingerprints, fingerprints_of, seen_images
from ultraref.engine.gate_calibration import PROMISE, calibration_warnings, describe_calibration
from ultraref.engine.seen_copies import Copies
from ultraref.engine.seen_images import copies_by_source, image_hashes, loaded_fingerprints, parts_of, seen_of
from ultraref.errors import UserError
from ultraref.models.weights import describe_seen, weights_seen
from ultraref.registry import HOOKS

# Among the sources of what was seen, beside the checkpoints.
_THIS_RUN = "the training data of this run"


@HOOKS.register_module()
class ProvenanceHook(Hook):
    """Writes into each checkpoint what the model was trained on, and refuses to evaluate on it.

    `meta["trained_on"]` of a checkpoint is the sorted list of the sha256 of all image files that any part of the model
    was trained on: the training data of this run and those of every checkpoint that a part was loaded from
    (`ultraref.provenance`). A data set tells its images by its property `image_hashes`, name -> sha256.

    `meta["seen_images"]` holds, likewise of all parts, names and perceptual hashes (`ultraref.datasets.fingerprints`), by which
    copies are found: resized, recoded, cropped, renamed (`ultraref.engine.seen_images`). They are looked for once a run, and only
    where the evaluated images are of another split than the trained ones. A data set tells where its images are by `image_paths`.
    Checkpoints of older versions have none; the log says that of them only equal files are found.

    `meta["profiles"]` holds the records of the published weights that the model started from, by name, in plain types.
    What these are known to have seen of the evaluated sets is logged at the start; a test prints it above its table.
    That is never refused: of published weights it is at best known which sets they have seen, not which images. Of a gate that was
    calibrated (`ultraref.apis.calibrate_gate`), a test prints there on what, and warns where its promise doesn't hold.

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
        self._fingerprints: list[Fingerprints] | None = None
        # By id of a data set, for the run: what is evaluated again after each epoch doesn't change.
        self._copies: dict[int, dict[str, Copies]] = {}

    def before_train(self, runner) -> None:
        self._training_images = frozenset(image_hashes(runner.train_dataloader.dataset).values())
        if runner.val_loop is not None:
            self._check(runner, runner.val_dataloader.dataset, "validation")
            self._warn_of_weights(runner, runner.val_dataloader.dataset)

    def before_val(self, runner) -> None:
        self._check(runner, runner.val_dataloader.dataset, "validation")

    def before_test(self, runner) -> None:
        self._check(runner, runner.test_dataloader.dataset, "test")
        lines = self._warn_of_weights(runner, runner.test_dataloader.dataset)
        lines += self._warn_of_calibration(runner, runner.test_dataloader.dataset)
        for metric in runner.test_evaluator.metrics:
            if hasattr(metric, "preface"):
                metric.preface = "\n".join(lines)

    def after_val_epoch(self, runner, metrics: dict | None = None) -> None:
        if self.allow_seen and metrics is not None:
            metrics["seen"] = self._seen_fraction

    after_test_epoch = after_val_epoch

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        seen = self._training_images.union(*provenance.collect(runner.model).values())
        checkpoint["meta"]["trained_on"] = sorted(seen)
        if is_main_process():
            loaded = chain.from_iterable(self._loaded(runner).values())
            checkpoint["meta"]["seen_images"] = seen_images([*loaded, *self._trained(runner)])
        checkpoint["meta"]["profiles"] = provenance.collect_weights(runner.model)

    def _trained(self, runner) -> list[Fingerprints]:
        """Fingerprints of the training images of this run, computed once; none in a test."""
        if not self._training_images:
            return []
        if self._fingerprints is None:
            self._fingerprints = fingerprints_of(runner.train_dataloader.dataset)
        return self._fingerprints

    def _loaded(self, runner) -> dict[str, list[Fingerprints]]:
        """Fingerprints that the checkpoints carry, by path; says of which there are none."""
        found, notes = loaded_fingerprints(runner.model)
        for note in notes:
            self._warn_once(runner, note, logging.INFO)
        return found

    def _find_copies(self, runner, dataset) -> dict[str, Copies]:
        """Copies of trained images in a data set, by source; looked for once a run."""
        if id(dataset) not in self._copies:
            sources = self._loaded(runner)
            # What this run trains on is mostly of the evaluated split; then nothing need be read.
            if self._training_images and set(parts_of(dataset)) != set(parts_of(runner.train_dataloader.dataset)):
                sources[_THIS_RUN] = self._trained(runner)
            self._copies[id(dataset)] = copies_by_source(sources, dataset)
        return self._copies[id(dataset)]

    def _warn_once(self, runner, message: str, level: int = logging.WARNING) -> None:
        if message not in self._warned:
            self._warned.add(message)
            runner.logger.log(level, message)

    def _check(self, runner, dataset, what: str) -> None:
        images = image_hashes(dataset)
        trained = {**provenance.collect(runner.model), _THIS_RUN: self._training_images}
        seen = seen_of(images, trained, self._find_copies(runner, dataset))
        for note in seen.notes:
            self._warn_once(runner, note)
        self._seen_fraction = len(seen.names) / max(len(images), 1)
        if not seen.names:
            return
        message = f"{len(seen.names)} of {len(images)} {what} images were trained on:\n  {seen.describe()}"
        if not self.allow_seen:
            raise UserError(
                f"{message}\nEvaluate on the fold that these checkpoints held out, or set allow_seen=True of "
                "ProvenanceHook to get numbers that are marked as seen"
            )
        self._warn_once(runner, f"{message}\nThe metrics are on seen images.")

    def _warn_of_weights(self, runner, dataset) -> list[str]:
        """Logs what published weights in the model have seen of a data set, unless it is nothing; returns it in words."""
        report = weights_seen_of(runner.model, dataset)
        lines = describe_seen(report)
        if any(seen["state"] != "unseen" for weights in report.values() for seen in weights.values()):
            runner.logger.warning("What the published weights in this model have seen:\n  " + "\n  ".join(lines))
        return lines

    def _warn_of_calibration(self, runner, dataset) -> list[str]:
        """Returns in words what the gate was calibrated on, if it was; logs what speaks against its promise here."""
        record = provenance.calibration_of(runner.model)
        if record is None:
            return []
        warnings = calibration_warnings(record, list(set_names(dataset)), image_hashes(dataset).values())
        for warning in warnings:
            runner.logger.warning(warning)
        return [describe_calibration(record), PROMISE, *warnings]


def weights_seen_of(model, dataset) -> dict[str, dict[str, dict]]:
    """Returns what the published weights in a model have seen of the sets in a data set: see `weights_seen`."""
    return weights_seen(provenance.collect_weights(model), dict.fromkeys(set_names(dataset)))


def set_names(dataset) -> Iterator[str]:
    """Yields the name of a data set, or of the parts of a concatenated one; of one that has none nothing."""
    if hasattr(dataset, "datasets"):
        for part in dataset.datasets:
            yield from set_names(part)
    elif hasattr(dataset, "dataset_name"):
        yield dataset.dataset_name
