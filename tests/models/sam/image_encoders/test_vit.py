import pytest
import torch

from ultraref.models.sam import SAM, SAMViT
from ultraref.models.sam.image_encoders import vit
from ultraref.models.sam.image_encoders.relative_attention import METHODS
from ultraref.models.sam.image_encoders.vit import join_windows, pad_map, resize_pos_embed
from ultraref.structures import Prompts

TINY = {"type": "SAMViT", "arch": "tiny"}
# A map of 11 x 11 tokens, which windows of 4 don't fit.
ODD = {
    "arch": {"embed_dim": 64, "depth": 2, "num_heads": 2, "window_size": 4, "global_attn_indexes": [1]},
    "image_size": 176,
}


def relative_error(value, reference):
    return ((value - reference).abs().max() / reference.abs().max()).item()


def assert_gradients_match(ours, published, limit=1e-4):
    expected = dict(published.named_parameters())
    for name, parameter in ours.named_parameters():
        difference = (parameter.grad - expected[name].grad).norm() / expected[name].grad.norm()
        assert difference < limit, (name, difference.item())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("settings", [{}, ODD], ids=["tiny", "odd"])
def test_equals_the_package(twins, settings, method):
    ours, published = twins(**settings, attention=method)
    image = torch.randn(2, 3, ours.image_size, ours.image_size, requires_grad=True)
    image_twin = image.detach().clone().requires_grad_()
    embedding, expected = ours.encode(image).features, published.image_encoder(image_twin)
    assert relative_error(embedding, expected) < 1e-5
    weights = torch.randn_like(expected)
    (embedding * weights).sum().backward()
    (expected * weights).sum().backward()
    assert_gradients_match(ours.image_encoder, published.image_encoder)
    assert relative_error(image.grad, image_twin.grad) < 1e-4


def test_the_bias_matters_here(twins):
    # The parity tests above would be blind if the position terms changed little.
    ours, published = twins()
    image = torch.randn(1, 3, 256, 256)
    expected = published.image_encoder(image)
    with torch.no_grad():
        for block in ours.image_encoder.blocks:
            block.attn.rel_pos_w.zero_()
    assert relative_error(ours.encode(image).features, expected) > 0.1


@pytest.mark.parametrize("tokens", [1, 60, 150, 10**6])
def test_stripes_change_nothing(twins, monkeypatch, tokens):
    # Single windows' rows, two of them, an image, the batch.
    monkeypatch.setattr(vit, "STRIPE_TOKENS", tokens)
    ours, published = twins(**ODD)
    image = torch.randn(3, 3, 176, 176)
    with torch.no_grad():
        assert relative_error(ours.encode(image).features, published.image_encoder(image)) < 1e-5


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", METHODS)
def test_narrow_types_err_no_more_than_the_package(twins, dtype, method):
    ours, published = twins(attention=method)
    image = torch.randn(2, 3, 256, 256)
    with torch.no_grad():
        exact = published.image_encoder(image)
        with torch.autocast("cpu", dtype=dtype):
            error = (ours.encode(image).features.float() - exact).norm()
            package_error = (published.image_encoder(image).float() - exact).norm()
    # 5 %: both errors are sums of roundings, which differ in luck.
    assert error <= 1.05 * package_error


@pytest.mark.slow
def test_vit_b_equals_the_package(twins):
    ours, published = twins("vit_b")
    image = torch.randn(1, 3, 1024, 1024)
    with torch.no_grad():
        assert relative_error(ours.encode(image).features, published.image_encoder(image)) < 1e-4


def test_other_size_than_built_for(twins):
    # As the package would run it, had it been built for that size with resized position embeddings.
    ours, _ = twins(**ODD)
    _, published = twins(**{**ODD, "image_size": 240})
    with torch.no_grad():
        state = ours.image_encoder.state_dict()
        state["pos_embed"] = resize_pos_embed(state["pos_embed"], (15, 15))
        own = published.image_encoder.state_dict()
        # The package resizes relative positions at run time, given the shape that the file had.
        for name, value in state.items():
            if value.shape != own[name].shape:
                module, _, last = name.rpartition(".")
                setattr(published.image_encoder.get_submodule(module), last, torch.nn.Parameter(value))
        published.image_encoder.load_state_dict(state)
        image = torch.randn(1, 3, 240, 240)
        assert relative_error(ours.image_encoder(image), published.image_encoder(image)) < 1e-5


def test_encode_refuses_another_size():
    with pytest.raises(ValueError, match=r"SAMViT tiny at 256 px\) takes images \(B, 3, 256, 256\)"):
        SAM(TINY).encode(torch.zeros(1, 3, 128, 128))


def test_unknown_attention_is_an_error():
    with pytest.raises(ValueError, match="'fast' is not known; give 'auto' or one of appended, chunked"):
        SAMViT("tiny", attention="fast")


def test_activation_checkpointing_keeps_the_gradients(twins):
    plain, _ = twins(**ODD)
    saving, _ = twins(**ODD, checkpoint_activations=True)
    image = torch.randn(1, 3, 176, 176)
    kept = []
    for sam in (plain, saving):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, s=sizes: (s.append(t.numel()), t)[1], lambda t: t):
            embedding = sam.encode(image).features
        kept.append(sum(sizes))
        embedding.square().sum().backward()
    assert kept[1] < kept[0] / 2
    for a, b in zip(plain.image_encoder.parameters(), saving.image_encoder.parameters()):
        torch.testing.assert_close(a.grad, b.grad)


def test_frozen_encoder_builds_no_graph():
    sam = SAM({"type": "SAMViT", **ODD})
    assert not sam.encode(torch.randn(1, 3, 176, 176)).features.requires_grad
    image = torch.randn(1, 3, 176, 176, requires_grad=True)
    assert sam.encode(image).features.requires_grad  # the gradient of the image is asked for


def test_channels_last(twins):
    ours, published = twins(**ODD)
    image = torch.randn(2, 3, 176, 176)
    expected = published.image_encoder(image)
    ours = ours.to(memory_format=torch.channels_last)
    embedding = ours.encode(image.to(memory_format=torch.channels_last)).features
    assert embedding.is_contiguous(memory_format=torch.channels_last)
    assert relative_error(embedding, expected) < 1e-5


def test_windows_are_padded_with_the_given_vector():
    x = torch.arange(2 * 5 * 3 * 1.0).view(2, 5, 3, 1)
    padded = pad_map(x, torch.tensor([9.0]), 4)
    assert padded.shape == (2, 8, 4, 1)
    assert torch.equal(padded[:, :5, :3], x)
    assert (padded[:, 5:] == 9).all()
    assert (padded[:, :, 3:] == 9).all()


def test_windows_are_joined_in_order():
    x = torch.arange(2 * 4 * 6.0).view(2, 4, 6, 1)
    windows = torch.cat([w for image in x for row in image.split(2) for w in (c[None] for c in row.split(2, 1))])
    assert torch.equal(join_windows(windows, 2, 4, 6), x)
    assert torch.equal(join_windows(windows, 2, 3, 5), x[:, :3, :5])


COMPILED = {
    "arch": {"embed_dim": 16, "depth": 2, "num_heads": 2, "window_size": 3, "out_channels": 16},
    "image_size": 64,
}


@pytest.mark.slow
def test_compiles_to_one_graph(twins):
    ours, _ = twins(**COMPILED)
    image = torch.randn(1, 3, 64, 64)
    box = torch.tensor([[3.0, 4, 40, 50]])

    def refine(image):
        logits, iou = ours.decode(ours.encode(image), Prompts(box=box))
        return logits.square().mean() + iou.sum()

    expected = refine(image)
    expected_grads = torch.autograd.grad(expected, ours.image_encoder.parameters())
    loss = torch.compile(refine, fullgraph=True, backend="aot_eager")(image)
    grads = torch.autograd.grad(loss, ours.image_encoder.parameters())
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(grads, expected_grads, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_compiles_to_machine_code(twins):
    ours, _ = twins(**COMPILED)
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = ours.encode(image).features
        compiled = torch.compile(ours.image_encoder, fullgraph=True)(image)
    torch.testing.assert_close(compiled, expected, rtol=1e-4, atol=1e-4)
