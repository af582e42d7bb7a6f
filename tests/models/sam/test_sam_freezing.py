import pytest
import torch

from ultraref.models.sam import SAM

SMALL = {"image_size": 64, "embed_dim": 32, "depth": 2, "num_heads": 2, "window_size": 3, "out_chans": 32}


def trains(module):
    flags = {p.requires_grad for p in module.parameters()}
    assert len(flags) == 1
    return flags.pop()


def test_frozen_parts_stay_in_eval_mode():
    sam = SAM(SMALL, freeze=("image_encoder", "prompt_encoder")).train()
    assert not sam.image_encoder.training
    assert not sam.image_encoder.blocks[0].training
    assert not trains(sam.image_encoder)
    assert not trains(sam.prompt_encoder)
    assert sam.mask_decoder.training
    assert trains(sam.mask_decoder)


def test_unfrozen_parts_train_again():
    sam = SAM(SMALL).train()
    sam.unfreeze("image_encoder")
    assert sam.image_encoder.training
    assert trains(sam.image_encoder)
    sam.freeze("mask_decoder")
    assert not sam.mask_decoder.training
    assert not trains(sam.mask_decoder)
    assert not sam.eval().image_encoder.training


def test_adapters_train_in_a_frozen_encoder():
    sam = SAM(SMALL, lora={"rank": 2, "dropout": 0.1}).train()
    names = {n for n, p in sam.image_encoder.named_parameters() if p.requires_grad}
    assert names == {f"blocks.{i}.attn.qkv.lora_{c}" for i in (0, 1) for c in "ab"}
    assert sam.image_encoder.blocks[0].attn.qkv.training  # for its dropout
    assert not sam.image_encoder.blocks[0].training
    sam.unfreeze("image_encoder")
    assert {n for n, p in sam.image_encoder.named_parameters() if p.requires_grad} == names
    assert not sam.eval().image_encoder.blocks[0].attn.qkv.training


def test_unknown_part_is_an_error():
    with pytest.raises(ValueError, match="no part 'encoder' to freeze; it has image_encoder, prompt_encoder"):
        SAM(SMALL, freeze=("encoder",))


def test_is_registered():
    from ultraref.registry import MODELS

    assert isinstance(MODELS.build({"type": "SAM", "arch": SMALL}), SAM)
    assert next(SAM(SMALL).parameters()).dtype == torch.float32
