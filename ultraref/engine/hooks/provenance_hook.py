"""Keeps track of which images a model has seen, and keeps it from being judged on them."""

import logging
from collections.abc import Iterator, Mapping
from itertools import chain

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ultraref import provenance
from ultraref.datasets.fingerprints import Fingerprints, fingerprints_of, read_seen_images, seen_images
from ultraref.engine.gate_calibration import PROMISE, calibration_warnings, describe_calibration
from ultraref.engine.seen_copies import Copies, find_copies, needs_hashes
from ultraref.errors import UserError
from ultraref.models.weights import describe_seen, weights_seen
from ultraref.registry import HOOKS

_SHOWN = 5


@HOOKS.register_module()
class ProvenanceHook(Hook):
    """Writes into each checkpoint what the model was trained on, and refuses to evaluate on it.

    `meta["trained_on"]` of a checkpoint is the sorted list of the sha256 of all image files that any part of the model
    was trained on: the training data of this run and those of every checkpoint that a part was loaded from
    (`ultraref.provenance`). A data set tells its images by its property `image_hashes`, name -> sha256.

    `meta["seen_images"]` holds, likewise of all parts, names and perceptual hashes (`ultraref.datasets.fingerprints`), by which
    copies are found: resized, recoded, cropped, renamed (`ultraref.engine.seen_copies`). They are looked for once a run, and only
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
        found = {}
        for path, record in provenance.collect_seen_images(runner.model).items():
            if record is not None:
                found[path] = read_record(record, path)
            elif provenance.collect(runner.model).get(path):
                self._warn_once(
                    runner,
                    f"{path} was written by an older version, without perceptual hashes: of the images that it was trained on "
                    "only equal files are recognised, not copies of another size or format",
                    logging.INFO,
                )
        return found

    def _find_copies(self, runner, dataset) -> dict[str, Copies]:
        """Copies of trained images in a data set, by source; looked for once a run."""
        if id(dataset) not in self._copies:
            own = list(parts_of(dataset))

            def is_other(seen: list[Fingerprints]) -> bool:
                return any(needs_hashes(seen, name, splits) for name, splits in own)

            sources = {path: seen for path, seen in self._loaded(runner).items() if is_other(seen)}
            # What this run trains on is mostly of the evaluated split; then nothing need be read.
            if self._training_images and set(own) != set(parts_of(runner.train_dataloader.dataset)):
                sources["the training data of this run"] = self._trained(runner)
            evaluated = fingerprints_of(dataset) if sources else []
            self._copies[id(dataset)] = {path: find_copies(seen, evaluated) for path, seen in sources.items()}
        return self._copies[id(dataset)]

    def _warn_once(self, runner, message: str, level: int = logging.WARNING) -> None:
        if message not in self._warned:
            self._warned.add(message)
            runner.logger.log(level, message)

    def _check(self, runner, dataset, what: str) -> None:
        images = image_hashes(dataset)
        sources = provenance.collect(runner.model)
        sources["the training data of this run"] = self._training_images
        copies = self._find_copies(runner, dataset)
        lines, seen = [], set()
        for source in dict.fromkeys([*sources, *copies]):
            names = sorted(name for name, digest in images.items() if digest in sources.get(source, ()))
            told = list(names)
            if source in copies:
                exact = {name.split(":", 1)[-1] for name in names}
                further = {name: of for name, of in copies[source].seen.items() if name.split("/", 1)[-1] not in exact}
                told += [f"{name} (a copy of {of})" for name, of in sorted(further.items())]
                names += further
                self._warn_of_unconfirmed(runner, source, copies[source].unconfirmed)
            seen.update(names)
            if told:
                more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
                lines.append(f"{source}: {', '.join(told[:_SHOWN])}{more}")
        self._seen_fraction = len(seen) / max(len(images), 1)
        if not seen:
            return
        message = f"{len(seen)} of {len(images)} {what} images were trained on:\n  " + "\n  ".join(lines)
        if not self.allow_seen:
            raise UserError(
                f"{message}\nEvaluate on the fold that these checkpoints held out, or set allow_seen=True of "
                "ProvenanceHook to get numbers that are marked as seen"
            )
        self._warn_once(runner, f"{message}\nThe metrics are on seen images.")

    def _warn_of_unconfirmed(self, runner, source: str, unconfirmed: Mapping[str, str]) -> None:
        if unconfirmed:
            listed = ", ".join(f"{name} of {of}" for name, of in sorted(unconfirmed.items())[:_SHOWN])
            self._warn_once(
                runner,
                f"{len(unconfirmed)} images may be copies of what {source} was trained on ({listed}, ...): their perceptual hashes are near, "
                "and the trained images are not here to compare them with",
            )

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


def read_record(record: Mapping, path: str) -> list[Fingerprints]:
    """Reads `meta["seen_images"]` of the checkpoint at `path`.

    Raises:
        UserError: it is damaged; what it was trained on must not pass for unseen.
    """
    try:
        return read_seen_images(record)
    except ValueError as error:
        raise UserError(f"{path}: {error}; get the checkpoint again") from error


def parts_of(dataset) -> Iterator[tuple[str, str | None]]:
    """Yields name and splits' hash of a data set that has them, or of the parts of a concatenated one."""
    if hasattr(dataset, "datasets"):
        for part in dataset.datasets:
            yield from parts_of(part)
    elif hasattr(dataset, "dataset_name"):
        splits = getattr(dataset, "splits", None)
        yield dataset.dataset_name, None if splits is None else splits.hash


def set_names(dataset) -> Iterator[str]:
    """Yields the name of a data set, or of the parts of a concatenated one; of one that has none nothing."""
    if hasattr(dataset, "datasets"):
        for part in dataset.datasets:
            yield from set_names(part)
    elif hasattr(dataset, "dataset_name"):
        yield dataset.dataset_name


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
