"""Plain types, safe files."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer

from ultraref.checkpoint import from_plain, load_checkpoint_file, save_atomically, to_plain


def test_to_plain_round_trip_keeps_values(tmp_path):
    original = {
        "scalars": [np.float64(0.1), np.int32(3), np.bool_(True), None, "text"],
        "config": ConfigDict(lr=0.1, betas=(0.9, 0.999)),
        "array": np.arange(3),
        "path": Path("a/b"),
        "hashes": frozenset({"b", "a"}),
        "weights": torch.nn.Parameter(torch.ones(2)),
    }
    torch.save(to_plain(original), tmp_path / "file.pth")
    loaded = torch.load(tmp_path / "file.pth", weights_only=True)
    assert loaded["scalars"] == [0.1, 3, True, None, "text"]
    assert [type(v) for v in loaded["scalars"][:3]] == [float, int, bool]
    assert loaded["config"] == {"lr": 0.1, "betas": (0.9, 0.999)}
    assert type(loaded["config"]) is dict
    assert loaded["array"].tolist() == [0, 1, 2]
    assert loaded["path"] == "a/b"
    assert loaded["hashes"] == ["a", "b"]
    assert type(loaded["weights"]) is torch.Tensor


def test_history_buffer_survives_with_counts_and_length(tmp_path):
    buffer = HistoryBuffer([1.5, 2.5], [1, 3], max_length=10)
    torch.save(to_plain({"loss": buffer}), tmp_path / "file.pth")
    rebuilt = from_plain(torch.load(tmp_path / "file.pth", weights_only=True))["loss"]
    assert isinstance(rebuilt, HistoryBuffer)
    # Sum of values over sum of counts, as HistoryBuffer defines its mean.
    assert rebuilt.mean() == 4.0 / 4
    assert rebuilt.max_length == 10
    assert rebuilt.data[0].dtype == np.float64


def test_state_dict_metadata_is_kept():
    state = torch.nn.BatchNorm1d(2).state_dict()
    plain = to_plain(state)
    assert isinstance(plain, OrderedDict)
    assert plain._metadata == state._metadata


def test_to_plain_names_what_it_cannot_hold():
    with pytest.raises(TypeError, match=r"checkpoint\['meta'\]\['hooks'\]\[1\] is a builtins.object"):
        to_plain({"meta": {"hooks": [1, object()]}})


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "last.pth"
    save_atomically({"state_dict": {}, "meta": {"epoch": 1}}, path)

    class Unpicklable:
        def __reduce__(self):
            raise RuntimeError("killed while writing")

    with pytest.raises(RuntimeError, match="killed while writing"):
        save_atomically({"first": torch.zeros(1000), "then": Unpicklable()}, path)
    assert load_checkpoint_file(path)["meta"]["epoch"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["last.pth"]


def test_saved_file_has_the_permissions_of_the_umask(tmp_path):
    (tmp_path / "plain").touch()
    save_atomically({}, tmp_path / "file.pth")
    assert (tmp_path / "file.pth").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_load_names_missing_damaged_and_foreign_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing.pth does not exist"):
        load_checkpoint_file(tmp_path / "nothing.pth")
    save_atomically({"state_dict": {"w": torch.zeros(1000)}, "meta": {}}, tmp_path / "half.pth")
    whole = (tmp_path / "half.pth").read_bytes()
    (tmp_path / "half.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"half.pth can't be read: damaged or incomplete"):
        load_checkpoint_file(tmp_path / "half.pth")
    save_atomically({"image_encoder.weight": torch.zeros(1)}, tmp_path / "sam.pth")
    with pytest.raises(ValueError, match=r"no `state_dict`.*`checkpoint` option"):
        load_checkpoint_file(tmp_path / "sam.pth")


def test_load_runs_no_code_from_the_file(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"state_dict": {}, "meta": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ValueError, match=r"names \S+getattr, but a checkpoint holds tensors and plain types only"):
        load_checkpoint_file(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()
