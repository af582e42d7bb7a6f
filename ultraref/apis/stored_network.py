"""The coarse network behind stored predictions: what made them, found again to run on other images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ultraref.apis.report.plain_config import plain_config, section
from ultraref.checkpoint import load_checkpoint_file
from ultraref.datasets.prediction_store import NetworkIdentity, PredictionManifest, PredictionStore
from ultraref.datasets.recorded_files import sha256_once
from ultraref.errors import MissingFileError, UserError
from ultraref.models.checkpoint_loading import without_initial_weights

_OPTION = "--coarse CHECKPOINT"


@dataclass(frozen=True)
class StoredNetwork:
    """A coarse network.

    Attributes:
        checkpoint: the phase-1 checkpoint.
        network: its config, as `model.network` of phase 1.
        preprocessor: config of its data preprocessor.
    """

    checkpoint: str
    network: Mapping
    preprocessor: Mapping


def find_network(stores: Sequence[str], fold: int | None, given: str | None = None) -> StoredNetwork:
    """Finds the network whose predictions a refiner of one fold is validated and tested on.

    Args:
        stores: roots of the stored predictions, one for each set of the recipe.
        fold: the fold that the refiner holds out.
        given: a copy of the checkpoint, where that isn't any more where the predictions say, or the one to take, where sets have
            different ones.

    Raises:
        UserError: there are no stored predictions that say it; they are another tool's; they are of several networks and none is given;
            or the checkpoint is missing, or another one than made them.
    """
    manifests = [_manifest(store, fold) for store in stores]
    imported = [m for m in manifests if m.network is not None and m.network.types[:1] == (NetworkIdentity.IMPORTED,)]
    if imported:
        raise UserError(
            f"the coarse masks of this recipe are {' '.join(imported[0].network.types[1:2])}'s, whose network can't be run here; import "
            "its predictions of the other set with `ultraref import-predictions`, and test on that with a recipe's --set"
        )
    known = {manifest.checkpoint_sha256: manifest for manifest in manifests}
    if given is not None:
        if not Path(given).is_file():
            raise MissingFileError(f"--coarse {given}: no such file")
        if sha256_once(Path(given)) not in known:
            listed = ", ".join(manifest.checkpoint for manifest in known.values())
            raise UserError(f"--coarse {given} did not make the predictions of this recipe; these did: {listed}")
        return _read(given, known[sha256_once(Path(given))])
    if len(known) > 1:
        listed = ", ".join(manifest.checkpoint for manifest in known.values())
        raise UserError(
            f"the predictions of this recipe are of several coarse networks; choose one with {_OPTION}: {listed}"
        )
    (manifest,) = known.values()
    path = Path(manifest.checkpoint)
    if not path.is_file():
        raise MissingFileError(
            f"{path}, which made the predictions that this recipe was trained on, is not there; give a copy with {_OPTION}"
        )
    if sha256_once(path) != manifest.checkpoint_sha256:
        raise UserError(
            f"{path} is another file than the one that made the predictions that this recipe was trained on; give a copy of that with "
            f"{_OPTION}"
        )
    return _read(str(path), manifest)


def _manifest(root: str, fold: int | None) -> PredictionManifest:
    store, problem = PredictionStore(root), None
    # Test and validation are the masks of one model.
    for split in ("test", "val"):
        try:
            return store.manifest(0 if fold is None else fold, split)
        except MissingFileError as error:
            problem = problem or error
    raise MissingFileError(
        f"the coarse network of this recipe is not known, as its stored predictions are not there: {problem}"
    )


def _read(path: str, manifest: PredictionManifest) -> StoredNetwork:
    meta = load_checkpoint_file(path).get("meta", {})
    # The checkpoint's own config, read without running it.
    model = section(plain_config(str(meta.get("cfg", ""))), "model")
    network = model.get("network")
    if not isinstance(network, Mapping):
        raise UserError(f"{path} does not say what network it is of, so that it can't be run on other images")
    # By the hash alone: the order of its types is that of the config's keys, which a checkpoint sorts.
    own = NetworkIdentity.of(without_initial_weights(network)).sha256
    if manifest.network is not None and own != manifest.network.sha256:
        raise UserError(f"{path} is of another network than the one that made the predictions: {manifest.network}")
    return StoredNetwork(path, network, section(model, "data_preprocessor"))
