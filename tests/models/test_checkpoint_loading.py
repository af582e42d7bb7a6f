"""Loading one part of a checkpoint: whole, or a clear error."""

import pytest
import torch
from torch import nn

from ultraref import provenance
from ultraref.models.checkpoint_loading import load_part


def write(path, state, **meta):
    torch.save(dict(state_dict=state, meta=meta), path)
    return path


def test_part_is_loaded_and_its_training_images_are_noted(tmp_path):
    source, target = nn.Linear(2, 3), nn.Linear(2, 3)
    state = {"network." + key: value for key, value in source.state_dict().items()}
    path = write(tmp_path / "best.pth", {**state, "other.weight": torch.zeros(1)}, trained_on=["a", "b"])
    load_part(target, path, prefix="network.")
    assert torch.equal(source.weight, target.weight)
    assert provenance.collect(target) == {str(path): frozenset({"a", "b"})}


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pth"):
        load_part(nn.Linear(2, 3), tmp_path / "nowhere.pth", prefix="network.")


def test_missing_part_names_those_there_are(tmp_path):
    path = write(tmp_path / "best.pth", {"refiner.weight": torch.zeros(3, 2)})
    with pytest.raises(ValueError, match=r"no part 'network'; its parts are refiner"):
        load_part(nn.Linear(2, 3), path, prefix="network.")


def test_shapes_that_differ_are_named(tmp_path):
    path = write(tmp_path / "best.pth", {"network.weight": torch.zeros(5, 2), "network.bias": torch.zeros(3)})
    with pytest.raises(ValueError, match=r"weight: \(5, 2\) in the file, \(3, 2\) in the model"):
        load_part(nn.Linear(2, 3), path, prefix="network.")


def test_code_is_not_unpickled(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (print, ("unpickled",))

    torch.save(dict(state_dict={}, meta=Harmful()), tmp_path / "best.pth")
    with pytest.raises(ValueError, match="can't be read"):
        load_part(nn.Linear(2, 3), tmp_path / "best.pth", prefix="network.")
