"""timm's networks as encoders: maps, normalisation, weights from a file."""

import pytest
import timm
import torch

from ultraref import provenance
from ultraref.errors import UserError
from ultraref.models.coarse.encoders import TimmEncoder, timm_encoder

NETWORK = "resnet10t"


@pytest.mark.parametrize(
    ("name", "kwargs", "reductions"),
    [
        (NETWORK, {}, (2, 4, 8, 16, 32)),
        (NETWORK, {"out_indices": (0, 1, 2, 3)}, (2, 4, 8, 16)),
        ("convnext_atto", {}, (4, 8, 16, 32)),
        # A network that computes in NHWC.
        (
            "swin_tiny_patch4_window7_224",
            {"img_size": 64, "depths": (1, 1), "num_heads": (2, 2), "embed_dim": 16},
            (4, 8),
        ),
    ],
)
def test_maps_are_at_their_reductions(name, kwargs, reductions):
    encoder = TimmEncoder(name, **kwargs).eval()
    maps = encoder(torch.rand(1, 1, 64, 64))
    assert encoder.reductions == reductions
    assert [tuple(m.shape) for m in maps] == [(1, c, 64 // r, 64 // r) for c, r in zip(encoder.channels, reductions)]


def test_image_is_normalised_as_timm_states():
    encoder = TimmEncoder(NETWORK, in_channels=3).eval()
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet
    image = torch.rand(1, 3, 64, 64)
    by_hand = torch.stack([(image[:, i] - mean[i]) / std[i] for i in range(3)], dim=1)
    for ours, theirs in zip(encoder(image), encoder.net(by_hand)):
        assert torch.allclose(ours, theirs, atol=1e-5)
    grey = TimmEncoder(NETWORK)
    assert grey.mean.item() == pytest.approx(sum(mean) / 3)
    assert grey.std.item() == pytest.approx(sum(std) / 3)
    assert not any(name in grey.state_dict() for name in ("mean", "std"))


def test_weights_come_from_a_file_and_are_summed_for_grey(tmp_path):
    torch.manual_seed(0)
    source = timm.create_model(NETWORK)
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    loaded = TimmEncoder(NETWORK, checkpoint=tmp_path / "weights.pth").net.state_dict()
    first = "conv1.0.weight"
    assert torch.allclose(loaded[first], source.state_dict()[first].sum(1, keepdim=True))
    others = [name for name in loaded if name != first]
    assert others
    assert all(torch.equal(loaded[name], source.state_dict()[name]) for name in others)


def test_file_of_another_network_is_refused(tmp_path):
    torch.save(timm.create_model("convnext_atto").state_dict(), tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth doesn't hold timm's resnet10t: .* missing \(conv1\.0\.weight"):
        TimmEncoder(NETWORK, checkpoint=tmp_path / "other.pth")


def test_file_of_other_shapes_is_refused(tmp_path):
    torch.save(timm.create_model("resnet14t").state_dict(), tmp_path / "bottlenecks.pth")
    with pytest.raises(ValueError, match=r"bottlenecks\.pth"):
        TimmEncoder(NETWORK, checkpoint=tmp_path / "bottlenecks.pth")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pth of resnet10t"):
        TimmEncoder(NETWORK, checkpoint=tmp_path / "nowhere.pth")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"name": "resnet_with_typo"}, r"no network 'resnet_with_typo'; it has .*resnet"),
        ({"name": NETWORK, "pretrained": True, "checkpoint": "a.pth"}, "not both"),
        ({"name": NETWORK, "out_indices": (9,)}, r"out_indices=\(9,\)"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        TimmEncoder(**kwargs)


def test_where_the_weights_come_from_is_noted(tmp_path, monkeypatch):
    """Of a file: its record, or that there is none; of a download: what the tag of its data says."""
    source = timm.create_model(NETWORK)
    torch.save(source.state_dict(), tmp_path / "own.pth")
    from_file = TimmEncoder(NETWORK, checkpoint=tmp_path / "own.pth")
    assert provenance.collect_weights(from_file)["own.pth"]["seen"] == {}
    assert provenance.collect_weights(TimmEncoder(NETWORK)) == {}

    create = timm.create_model
    monkeypatch.setattr(timm_encoder, "cached_weights", lambda name: None)
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, **options: create(name, **options))
    fetched = provenance.collect_weights(TimmEncoder(f"{NETWORK}.c3_in1k", pretrained=True))
    assert fetched[f"{NETWORK}.c3_in1k"]["seen"]["busi"]["state"] == "unseen"


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_damaged_weights_and_such_with_code_are_one_line(tmp_path, suffix):
    class Code:
        def __reduce__(self):
            return (print, ("ran",))

    path = tmp_path / f"weights.{suffix}"
    torch.save({"w": Code()}, path)
    with pytest.raises(UserError, match=r"weights\.\w+ can't be read as weights") as error:
        TimmEncoder(NETWORK, checkpoint=path)
    assert "weights_only" not in str(error.value)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    state = timm.create_model(NETWORK, in_chans=1, num_classes=0).state_dict()
    state["conv1.0.weight"][0, 0, 0, 0] = torch.nan
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(
        UserError, match=r"weights\.pth holds numbers that aren't finite, in 1 entries: conv1\.0\.weight"
    ):
        TimmEncoder(NETWORK, checkpoint=tmp_path / "weights.pth")
