import pytest
import torch

from ultraref import provenance
from ultraref.models.sam import SAM
from ultraref.models.sam.image_encoders.vit import resize_pos_embed

TINY = {"type": "SAMViT", "arch": "tiny"}
NESTINGS = {
    "plain": lambda s: s,
    "with_constants": lambda s: {**s, "pixel_mean": torch.zeros(3, 1, 1), "pixel_std": torch.ones(3, 1, 1)},
    "model": lambda s: {"model": s, "epoch": 3, "optimizer": {"state": {}}},
    "state_dict": lambda s: {"state_dict": s, "meta": {"seed": 0}},
    "module": lambda s: {f"module.{k}": v for k, v in s.items()},
    "module_sam": lambda s: {f"module.sam.{k}": v for k, v in s.items()},
    "part_of_a_model": lambda s: {
        "state_dict": {**{f"refiner.sam.{k}": v for k, v in s.items()}, "gate.weight": torch.zeros(2)}
    },
}


@pytest.fixture
def saved(build_sam, tmp_path):
    sam = build_sam()
    with torch.no_grad():
        for parameter in sam.parameters():
            parameter.normal_()

    def save(change=lambda s: s, name="sam.pth"):
        torch.save(change(sam.state_dict()), tmp_path / name)
        return sam, tmp_path / name

    return save


@pytest.mark.parametrize("nesting", NESTINGS)
def test_reads_every_nesting(build_sam, saved, nesting):
    sam, path = saved(NESTINGS[nesting])
    loaded = build_sam(checkpoint=str(path)).state_dict()
    assert all(torch.equal(loaded[k], v) for k, v in sam.state_dict().items())


def test_what_is_saved_loads_in_segment_anything(build_sam, published_of):
    sam = build_sam()
    published_of(sam).load_state_dict(sam.state_dict(), strict=True)


def test_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=r"(?s)none.pth does not exist.*get_weights.*sam_vit_b: SAM ViT-B .SAMViT vit_b.  https://.*MedSAM",
    ):
        SAM(TINY, checkpoint=tmp_path / "none.pth")


def test_another_arch_is_guessed(build_sam, saved, tmp_path):
    torch.save(SAM(TINY).state_dict(), tmp_path / "tiny.pth")
    with pytest.raises(ValueError, match="looks like SAMViT with arch='tiny' at 256 px") as error:
        build_sam(checkpoint=tmp_path / "tiny.pth")
    assert "image_encoder.pos_embed is (1, 16, 16, 192) in the file, (1, 4, 4, 32) in the model" in str(error.value)
    assert "in the file but not in the model: image_encoder.blocks.2." in str(error.value)
    _, path = saved()
    with pytest.raises(ValueError, match="looks like SAMViT with embed_dim=32, depth=2, patch_size=16 at 64 px"):
        SAM(TINY, checkpoint=path)


def test_first_missing_and_unexpected_keys_are_listed(build_sam, saved):
    def change(state):
        state = {k: v for k, v in state.items() if "iou_token" not in k}
        return {**state, "extra.weight": torch.zeros(1)}

    with pytest.raises(ValueError) as error:
        build_sam(checkpoint=saved(change)[1])
    assert "1 missing in the file: mask_decoder.iou_token.weight" in str(error.value)
    assert "1 in the file but not in the model: extra.weight" in str(error.value)


def test_not_a_sam(tmp_path):
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"is not a SAM checkpoint.*It holds conv.weight"):
        SAM(TINY, checkpoint=tmp_path / "other.pth")


def test_pickled_objects_are_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (exit, ("unpickled",))

    torch.save({"model": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(ValueError, match="can't be read as weights"):
        SAM(TINY, checkpoint=tmp_path / "trap.pth")


def test_positions_are_resized_to_another_image_size(build_sam, saved):
    sam, path = saved()
    larger = build_sam(96, checkpoint=path)
    source, state = sam.state_dict(), larger.state_dict()
    positions = resize_pos_embed(source["image_encoder.pos_embed"], (6, 6))
    assert torch.equal(state["image_encoder.pos_embed"], positions)
    # Block 0 has windows, whose positions don't depend on the image; block 1 sees the map, 4 x 4 and now 6 x 6.
    windowed, whole = "image_encoder.blocks.0.attn.rel_pos_h", "image_encoder.blocks.1.attn.rel_pos_h"
    assert torch.equal(state[windowed], source[windowed])
    assert state[whole].shape == (11, 16)
    # Resized on loading or at run time, the function is the same.
    image = torch.randn(1, 3, 96, 96)
    torch.testing.assert_close(larger.encode(image).features, sam.image_encoder(image), rtol=1e-4, atol=1e-4)


def test_where_the_weights_come_from_is_noted(build_sam, saved):
    """Of a published file, of an unknown one, and of a checkpoint of this package, which hands on what it notes."""
    known = build_sam(checkpoint=saved(name="sam_vit_b_01ec64.pth")[1])
    assert list(provenance.collect_weights(known)) == ["sam_vit_b_01ec64.pth"]
    assert known.profile.scale == "imagenet"
    unknown = build_sam(checkpoint=saved(name="own.pth")[1])
    assert provenance.collect_weights(unknown)["own.pth"]["seen"] == {}
    assert unknown.profile is None

    meta = {"trained_on": ["a", "b"], "profiles": {"sam_vit_b": {"seen": {}}}}
    _, path = saved(lambda state: {"state_dict": {f"refiner.sam.{k}": v for k, v in state.items()}, "meta": meta})
    trained = build_sam(checkpoint=str(path))
    assert provenance.collect(trained) == {str(path): {"a", "b"}}
    assert provenance.collect_weights(trained) == meta["profiles"]
    assert trained.profile is None
