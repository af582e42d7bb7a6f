import pytest
import torch

from ultraref.models.sam import SAM


def trains(module):
    flags = {p.requires_grad for p in module.parameters()}
    assert len(flags) == 1
    return flags.pop()


def test_frozen_parts_stay_in_eval_mode(build_sam):
    sam = build_sam(freeze=("image_encoder", "prompt_encoder")).train()
    assert not sam.image_encoder.training
    assert not sam.image_encoder.blocks[0].training
    assert not trains(sam.image_encoder)
    assert not trains(sam.prompt_encoder)
    assert sam.mask_decoder.training
    assert trains(sam.mask_decoder)


def test_unfrozen_parts_train_again(build_sam):
    sam = build_sam().train()
    sam.unfreeze("image_encoder")
    assert sam.image_encoder.training
    assert trains(sam.image_encoder)
    sam.freeze("mask_decoder")
    assert not sam.mask_decoder.training
    assert not trains(sam.mask_decoder)
    assert not sam.eval().image_encoder.training


def test_adapters_train_in_a_frozen_encoder(build_sam):
    sam = build_sam(lora={"rank": 2, "dropout": 0.1}).train()
    names = {n for n, p in sam.image_encoder.named_parameters() if p.requires_grad}
    assert names == {f"blocks.{i}.attn.qkv.lora_{c}" for i in (0, 1) for c in "ab"}
    assert sam.image_encoder.blocks[0].attn.qkv.training  # for its dropout
    assert not sam.image_encoder.blocks[0].training
    sam.unfreeze("image_encoder")
    assert {n for n, p in sam.image_encoder.named_parameters() if p.requires_grad} == names
    assert not sam.train().image_encoder.blocks[0].training  # all but the adapters is still frozen
    assert not sam.eval().image_encoder.blocks[0].attn.qkv.training


def test_unknown_part_is_an_error(build_sam):
    with pytest.raises(ValueError, match="no part 'encoder' to freeze; it has image_encoder, prompt_encoder"):
        build_sam(freeze=("encoder",))


def test_is_registered(build_sam):
    from ultraref.registry import MODELS

    assert isinstance(MODELS.build({"type": "SAM", "image_encoder": {"type": "SAMViT", "arch": "tiny"}}), SAM)
    assert next(build_sam().parameters()).dtype == torch.float32


def test_an_encoder_works_without_gradients_where_none_is_kept(build_sam):
    image = torch.rand(1, 3, 64, 64)
    seen = []

    def encode(sam, image):
        sam.image_encoder.register_forward_pre_hook(lambda *_: seen.append(torch.is_grad_enabled()))
        return sam.encode(image).features.requires_grad

    assert not encode(build_sam(), image)
    assert encode(build_sam(), image.clone().requires_grad_())
    assert encode(build_sam(lora={"rank": 2}), image)
    assert encode(build_sam(freeze=()), image)
    with torch.no_grad():
        assert not encode(build_sam(freeze=()), image)
    assert seen == [False, True, True, True, False]


def test_a_compiled_encoder_keeps_its_weights_and_names(build_sam, monkeypatch):
    """torch.compile is stood in for by a wrapper that counts the calls: compiling takes a minute."""
    calls = []
    monkeypatch.setattr(torch, "compile", lambda call, **_: lambda *inputs: (calls.append(1), call(*inputs))[1])
    plain, compiled = build_sam(), build_sam(compile_image_encoder=True)
    assert list(compiled.state_dict()) == list(plain.state_dict())
    compiled.load_state_dict(plain.state_dict())
    image = torch.rand(1, 3, plain.image_size, plain.image_size)
    torch.testing.assert_close(compiled.encode(image).features, plain.encode(image).features)
    assert len(calls) == 1
