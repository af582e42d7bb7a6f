"""Stored predictions: round trip, all-or-nothing writing, and one message for all that is wrong."""

import hashlib
import json
import os

import numpy as np
import pytest
from mmengine.config import ConfigDict

from ultraref.datasets.prediction_store import (
    NetworkIdentity,
    PredictionManifest,
    PredictionRequest,
    PredictionStore,
)
from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import without_initial_weights

NETWORK = {"type": "EncoderDecoder", "encoder": {"type": "Tiny", "depth": 2}, "parts": [{"type": "Head"}]}


def manifest(fold=0, split="val", size=8, network=NETWORK):
    identity = None if network is None else NetworkIdentity.of(network)
    return PredictionManifest(fold, split, size, "best.pth", "cc", "config.py", identity)


def fill(root, names, fold=0, split="val", size=8, sha256="s", network=NETWORK):
    """Writes constant predictions and returns the store."""
    store = PredictionStore(root)
    with store.writer(manifest(fold, split, size, network)) as writer:
        for name in names:
            writer.add(name, np.full((size, size), 0.25, np.float32), sha256)
    return store


def test_round_trip(tmp_path):
    prob = np.random.default_rng(0).random((8, 8), dtype=np.float32)
    store = PredictionStore(tmp_path)
    with store.writer(manifest(fold=3)) as writer:
        writer.add("b", prob, "sb")
        writer.add("a", 1 - prob, "sa")
    again = PredictionStore(tmp_path)
    np.testing.assert_array_equal(again.read("b", 3, "val", "sb"), prob)
    assert again.read("a", 3, "val").dtype == np.float32
    assert sorted(os.listdir(tmp_path / "fold3" / "val")) == ["a.npy", "b.npy", "manifest.json"]
    content = json.loads((tmp_path / "fold3" / "val" / "manifest.json").read_text())
    assert content == {
        "version": 3,
        "fold": 3,
        "split": "val",
        "coarse_size": 8,
        "checkpoint": "best.pth",
        "checkpoint_sha256": "cc",
        "config": "config.py",
        "network": {
            "sha256": hashlib.sha256(
                b'{"encoder":{"depth":2,"type":"Tiny"},"parts":[{"type":"Head"}],"type":"EncoderDecoder"}'
            ).hexdigest(),
            "types": ["EncoderDecoder", "Tiny", "Head"],
        },
        "images": {"a": "sa", "b": "sb"},
        "files": {
            name: hashlib.sha256((tmp_path / "fold3" / "val" / f"{name}.npy").read_bytes()).hexdigest() for name in "ab"
        },
    }


def test_an_interrupted_writer_leaves_the_old_predictions(tmp_path):
    store = fill(tmp_path, ["a"])

    def interrupted():
        with store.writer(manifest()) as writer:
            writer.add("a", np.ones((8, 8), np.float32), "s")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        interrupted()
    assert store.read("a", 0, "val").max() == 0.25
    assert os.listdir(tmp_path / "fold0") == ["val"]


def test_a_second_writing_is_seen_by_the_same_store(tmp_path):
    store = fill(tmp_path, ["a"])
    store.read("a", 0, "val")
    with store.writer(manifest()) as writer:
        writer.add("b", np.ones((8, 8), np.float32), "s")
    assert store.read("b", 0, "val").min() == 1
    with pytest.raises(FileNotFoundError, match=r"a\.npy.*predict_coarse"):
        store.read("a", 0, "val")


@pytest.mark.parametrize(
    ("prob", "message"),
    [
        (np.zeros((8, 9), np.float32), r"float32 \(8, 8\).*\(8, 9\)"),
        (np.zeros((8, 8)), "float64"),
        (np.full((8, 8), 1.5, np.float32), r"\[0, 1\].*1\.5"),
        (np.full((8, 8), np.nan, np.float32), r"\[0, 1\].*nan"),
    ],
)
def test_what_is_no_probability_is_not_stored(tmp_path, prob, message):
    with pytest.raises(ValueError, match=message), PredictionStore(tmp_path).writer(manifest()) as writer:
        writer.add("a", prob, "s")
    assert not (tmp_path / "fold0" / "val").exists()


def test_a_name_is_added_once(tmp_path):
    with PredictionStore(tmp_path).writer(manifest()) as writer:
        writer.add("a", np.zeros((8, 8), np.float32), "s")
        with pytest.raises(ValueError, match=r"'a'.*before"):
            writer.add("a", np.zeros((8, 8), np.float32), "s")


def test_a_stale_prediction_is_not_read(tmp_path):
    with pytest.raises(ValueError, match=r"a\.npy.*another file.*predict_coarse"):
        fill(tmp_path, ["a"], sha256="old").read("a", 0, "val", "new")


def test_damaged_files_are_named(tmp_path):
    store = fill(tmp_path, ["a", "b"])
    np.save(tmp_path / "fold0" / "val" / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "fold0" / "val" / "b.npy").write_bytes(b"\x93NUMPY")
    for name in "ab":
        with pytest.raises(ValueError, match=rf"{name}\.npy.*sha256 differs"):
            store.read(name, 0, "val")
    store.manifest(0, "val").files.clear()
    for name in "ab":
        with pytest.raises(ValueError, match=rf"{name}\.npy.*can't be read"):
            store.read(name, 0, "val")


def test_validate_passes_and_gives_the_coarse_size(tmp_path):
    fill(tmp_path, ["a", "b"], fold=0)
    store = fill(tmp_path, ["c"], fold=1)
    requests = [PredictionRequest("a", 0, "val", "s"), PredictionRequest("c", 1, "val", "s")]
    assert store.validate(requests) == 8


def test_validate_names_everything_at_once(tmp_path):
    fill(tmp_path, ["a", "stale"], fold=0, sha256="s")
    fill(tmp_path, ["c"], fold=1, size=16, network={"type": "Other"})
    fill(tmp_path, ["d"], fold=2)
    (tmp_path / "fold2").rename(tmp_path / "fold3")
    requests = [
        PredictionRequest("a", 0, "val", "s"),
        PredictionRequest("gone", 0, "val", "s"),
        PredictionRequest("stale", 0, "val", "new"),
        PredictionRequest("c", 1, "val", "s"),
        PredictionRequest("d", 3, "val", "s"),
        PredictionRequest("t", 4, "test", "s"),
    ]
    with pytest.raises(ValueError) as error:
        PredictionStore(tmp_path).validate(requests)
    lines = str(error.value).splitlines()
    for words in (
        ("fold3", "made for fold 2"),
        ("fold4", "test", "no such file"),
        ("fold0", "no prediction of gone"),
        ("fold0", "other image files", "stale"),
        ("coarse sizes differ", "8", "16"),
        ("different networks", "EncoderDecoder > Tiny > Head", "fold0", "Other", "fold1"),
    ):
        assert any(all(word in line for word in words) for line in lines), words
    assert "predict_coarse.py" in lines[-1]


def test_a_prediction_whose_file_was_deleted_is_missing(tmp_path):
    store = fill(tmp_path, ["a"])
    (tmp_path / "fold0" / "val" / "a.npy").unlink()
    with pytest.raises(ValueError, match="no prediction of a"):
        store.validate([PredictionRequest("a", 0, "val", "s")])


def test_a_network_is_known_by_its_config_whatever_the_order_and_kind_of_containers():
    identity = NetworkIdentity.of(
        ConfigDict(parts=({"type": "Head"},), encoder=dict(depth=2, type="Tiny"), type="EncoderDecoder")
    )
    assert identity.sha256 == NetworkIdentity.of(NETWORK).sha256
    assert identity != NetworkIdentity.of({**NETWORK, "encoder": {"type": "Tiny", "depth": 3}})


def test_where_initial_weights_lie_is_not_part_of_the_network():
    here, there, none = ({"type": "Tiny", "pretrained": path} for path in ("a/w.npz", "b/w.npz", None))
    assert len({NetworkIdentity.of(without_initial_weights(network)) for network in (here, there, none)}) == 1


def test_a_network_given_by_its_class_is_known_by_the_class_name():
    assert NetworkIdentity.of({"type": NetworkIdentity}) == NetworkIdentity.of({"type": "NetworkIdentity"})


def test_folds_of_different_networks_are_refused_and_both_folders_named(tmp_path):
    fill(tmp_path, ["a"], fold=0)
    store = fill(tmp_path, ["b"], fold=1, network={**NETWORK, "parts": []})
    both = [PredictionRequest("a", 0, "val", "s"), PredictionRequest("b", 1, "val", "s")]
    # Validation reads one fold and training the others: neither may pass.
    for requests in (both, both[:1], both[1:]):
        with pytest.raises(ValueError, match=r"different networks \(.*fold0/val.*fold1/val.*\)"):
            store.validate(requests)


def test_the_test_predictions_of_another_network_are_refused(tmp_path):
    fill(tmp_path, ["a"], fold=0)
    store = fill(tmp_path, ["t"], fold=0, split="test", network={"type": "Other"})
    with pytest.raises(ValueError, match=r"different networks \(Other.*fold0/test.*EncoderDecoder.*fold0/val"):
        store.validate([PredictionRequest("t", 0, "test", "s")])
    # Those of a fold that nobody asks for don't matter: phase 2 reads the test set of its own fold alone.
    assert store.validate([PredictionRequest("a", 0, "val", "s")]) == 8


def test_a_manifest_of_version_1_reads_as_one_of_an_unknown_network(tmp_path):
    fill(tmp_path, ["a"], fold=0)
    path = tmp_path / "fold0" / "val" / "manifest.json"
    content = json.loads(path.read_text())
    del content["network"], content["files"]
    path.write_text(json.dumps({**content, "version": 1}))
    store = fill(tmp_path, ["b"], fold=1)
    assert PredictionStore(tmp_path).manifest(0, "val").network is None
    assert store.validate([PredictionRequest("a", 0, "val", "s"), PredictionRequest("b", 1, "val", "s")]) == 8


def test_a_prediction_that_was_written_over_is_refused(tmp_path):
    store = fill(tmp_path, ["a", "b"])
    path = tmp_path / "fold0" / "val" / "a.npy"
    np.save(path, np.ones((8, 8), np.float32))
    with pytest.raises(ValueError, match=r"a\.npy: is not the file that was predicted .*predict_coarse\.py"):
        store.read("a", 0, "val")
    assert store.read("b", 0, "val").max() == 0.25
    # Of version 2 it isn't known what the files held.
    manifest_path = path.with_name("manifest.json")
    content = json.loads(manifest_path.read_text())
    del content["files"]
    manifest_path.write_text(json.dumps({**content, "version": 2}))
    assert PredictionStore(tmp_path).read("a", 0, "val").min() == 1
    assert PredictionStore(tmp_path).recorded_hash("a", 0, "val") == "cc"
    path.write_bytes(path.read_bytes().replace(b"(8, 8)", b"(9**9,"))
    with pytest.raises(ValueError, match=r"a\.npy: is damaged"):
        PredictionStore(tmp_path).read("a", 0, "val")


def test_a_manifest_of_a_later_version_is_refused(tmp_path):
    store = fill(tmp_path, ["a"])
    path = tmp_path / "fold0" / "val" / "manifest.json"
    path.write_text(path.read_text().replace('"version": 3', '"version": 4'))
    with pytest.raises(ValueError, match=r"manifest\.json: version 4, but this program reads 1, 2, 3"):
        store.manifest(0, "val")


def test_names_that_would_be_files_elsewhere_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'\.\./outside' has the character '/'"):
        fill(tmp_path, ["../outside"])
    assert not list(tmp_path.rglob("*.npy"))
    with pytest.raises(ValueError, match="has the character '/'"):
        fill(tmp_path, ["a"]).read("../val/a", 0, "val")


@pytest.mark.parametrize(
    "changed",
    [
        *(
            {"network": {"sha256": "a", "types": [{}]}},
            {"network": {"sha256": 1, "types": ["a"]}},
            {"network": {"types": []}},
        ),
        *(
            {"network": 3},
            {"coarse_size": {}},
            {"coarse_size": "4"},
            {"fold": True},
            {"checkpoint": 1},
            {"images": [1]},
        ),
        *({"images": {"a": 1}}, {"files": {"a": [1]}}),
    ],
    ids=str,
)
def test_a_manifest_of_other_kinds_of_values_is_refused(tmp_path, changed):
    fill(tmp_path, ["a"])
    path = tmp_path / "fold0/val/manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    with pytest.raises(UserError, match=r"manifest\.json: not a whole manifest"):
        PredictionStore(tmp_path).manifest(0, "val")
