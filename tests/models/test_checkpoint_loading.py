"""Loading one part of a checkpoint: whole, or a clear error."""

import pytest
import torch
from torch import nn

from ultraref import provenance
from ultraref.models.checkpoint_loading import compare_shapes, load_model, load_part, load_strictly
from ultraref.registry import MODELS
from ultraref.testing.tiny_models import tiny_refinement, tiny_refiner, tiny_sam


def write(path, state, **meta):
    torch.save(dict(state_dict=state, meta=meta), path)
    return path


def test_zero_matching_keys_name_both_sides():
    with pytest.raises(ValueError, match=r"other\.pth does not fit the model Linear") as error:
        load_strictly(nn.Linear(2, 2), {"encoder.weight": torch.zeros(1)}, "other.pth", hint="It holds an encoder")
    assert str(error.value).splitlines()[1:] == [
        "  2 missing in the file: weight, bias",
        "  1 in the file but not in the model: encoder.weight",
        "It holds an encoder",
    ]


def test_a_module_is_filled_whole_or_not_at_all():
    module = nn.Linear(2, 3)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with pytest.raises(ValueError, match=r"1 of another shape: bias is \(4,\) in the file, \(3,\) in the model"):
        load_strictly(module, {"weight": torch.zeros(3, 2), "bias": torch.zeros(4)}, "file.pth")
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_what_is_no_tensor_is_refused():
    with pytest.raises(ValueError, match=r"bias is \('str',\) in the file"):
        load_strictly(nn.Linear(2, 3), {"weight": torch.zeros(3, 2), "bias": "none"}, "file.pth")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(bad):
    module = nn.Linear(2, 3)
    before = module.bias.detach().clone()
    with pytest.raises(ValueError, match=r"file\.pth holds numbers that aren't finite, in 1 entries: weight"):
        load_strictly(module, {"weight": torch.full((3, 2), bad), "bias": torch.zeros(3)}, "file.pth")
    assert torch.equal(module.bias, before)
    # A sum that overflows isn't one of them.
    load_strictly(module, {"weight": torch.full((3, 2), 3e38), "bias": torch.zeros(3)}, "file.pth")


def test_optional_keys_may_be_missing_and_are_loaded_where_they_are_there():
    module = nn.Linear(2, 3)
    bias = module.bias.detach().clone()
    load_strictly(module, {"weight": torch.ones(3, 2)}, "file.pth", optional={"bias"})
    assert torch.equal(module.bias, bias)
    assert (module.weight == 1).all()
    load_strictly(module, {"weight": torch.ones(3, 2), "bias": torch.ones(3)}, "file.pth", optional={"bias"})
    assert (module.bias == 1).all()


def test_only_the_named_keys_are_filled_and_others_refused():
    module = nn.Linear(2, 3)
    load_strictly(module, {"bias": torch.ones(3)}, "file.pth", only={"bias"})
    assert (module.bias == 1).all()
    with pytest.raises(ValueError, match="1 in the file but not in the model: weight"):
        load_strictly(module, module.state_dict(), "file.pth", only={"bias"})


def test_a_long_list_is_cut():
    differences = compare_shapes({f"layer{i}": (1,) for i in range(7)}, {})
    assert str(differences) == "  7 missing in the file: layer0, layer1, layer2, layer3, layer4, ..."


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
    with pytest.raises(ValueError, match=r"weight is \(5, 2\) in the file, \(3, 2\) in the model"):
        load_part(nn.Linear(2, 3), path, prefix="network.")


def test_code_is_not_unpickled(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (print, ("unpickled",))

    torch.save(dict(state_dict={}, meta=Harmful()), tmp_path / "best.pth")
    with pytest.raises(ValueError, match=r"names __builtin__\.print, but a checkpoint holds tensors"):
        load_part(nn.Linear(2, 3), tmp_path / "best.pth", prefix="network.")


def test_a_whole_model_with_another_scale_than_in_training_is_refused(tmp_path):
    """In a test, a resumed run and `init_model` alike."""
    first = MODELS.build(tiny_refinement())
    checkpoint = dict(state_dict=first.state_dict(), meta=dict(input_contract=first.input_contract()))
    load_model(MODELS.build(tiny_refinement()), checkpoint, "best.pth")
    sam = tiny_sam(64, image_encoder=dict(tiny_sam(64)["image_encoder"], scale="minmax"))
    with pytest.raises(
        ValueError, match=r"(?s)the model in best\.pth was trained on other.*sam_scale: imagenet.*minmax in the"
    ):
        load_model(MODELS.build(tiny_refinement(refiner=tiny_refiner(sam=sam))), checkpoint, "best.pth")
    allowed = MODELS.build(tiny_refinement(refiner=tiny_refiner(sam=sam, allow_contract_change=True)))
    load_model(allowed, checkpoint, "best.pth")
    # Old checkpoints: no scale, which was ImageNet's, and no coarse size, or none known.
    old = {key: value for key, value in first.input_contract().items() if key != "sam_scale"}
    for contract in (old, dict(old, coarse_size=None), None):
        load_model(MODELS.build(tiny_refinement()), dict(checkpoint, meta=dict(input_contract=contract)), "best.pth")
