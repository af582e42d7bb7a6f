import pytest
import torch
from torch._subclasses.fake_tensor import DynamicOutputShapeException, FakeTensorMode

from ultraref.models.sam import SAM, ImageEmbedding
from ultraref.structures import Prompts

TINY = {"type": "SAMViT", "arch": "tiny"}
BATCH = 3
LABELS = torch.tensor([[1.0, 0.0, -1.0], [1.0, 1.0, 0.0], [0.0, -1.0, -1.0]])


def make_prompts(*kinds):
    generator = torch.Generator().manual_seed(0)
    drawn = {
        "points": torch.rand(BATCH, 3, 2, generator=generator) * 255,
        "labels": LABELS,
        "box": torch.rand(BATCH, 4, generator=generator) * 255,
        "mask_logits": torch.randn(BATCH, 1, 64, 64, generator=generator) * 5,
    }
    return Prompts(**{k: drawn[k] for k in kinds})


def published_loop(sam, embedding, prompts, multimask_output):
    """As the package is used: one image at a time."""
    results = []
    for i, row in enumerate(embedding.split(1)):
        given = {k: v[i : i + 1] for k, v in prompts.as_dict().items()}
        sparse, dense = sam.prompt_encoder(
            points=(given["points"], given["labels"]) if "points" in given else None,
            boxes=given.get("box"),
            masks=given.get("mask_logits"),
        )
        position = sam.prompt_encoder.get_dense_pe()
        results.append(sam.mask_decoder(row, position, sparse, dense, multimask_output))
    logits, iou = zip(*results)
    return torch.cat(logits), torch.cat(iou)


KINDS = [
    (),
    ("points", "labels"),
    ("box",),
    ("mask_logits",),
    ("points", "labels", "box"),
    ("points", "labels", "box", "mask_logits"),
]


@pytest.mark.parametrize("multimask_output", [True, False])
@pytest.mark.parametrize("kinds", KINDS, ids="+".join)
def test_equals_the_packages_loop(twins, kinds, multimask_output):
    ours, published = twins()
    embedding = torch.randn(BATCH, 128, 16, 16)
    prompts = make_prompts(*kinds)
    logits, iou = ours.decode(ImageEmbedding(embedding), prompts, multimask_output)
    expected, expected_iou = published_loop(published, embedding, prompts, multimask_output)
    assert logits.shape == (BATCH, 3 if multimask_output else 1, 64, 64)
    assert (logits - expected).abs().max() < 1e-5 * expected.abs().max()
    torch.testing.assert_close(iou, expected_iou, rtol=1e-5, atol=1e-5)


def test_gradients_equal_the_packages_loop(twins):
    ours, published = twins()
    prompts = make_prompts("points", "labels", "box", "mask_logits")
    embedding = torch.randn(BATCH, 128, 16, 16)
    inputs, weights = [], torch.randn(BATCH, 3, 64, 64)

    def decode_ours(sam, embedding, prompts, multimask_output):
        return sam.decode(ImageEmbedding(embedding), prompts, multimask_output)

    for sam, decode in ((ours, decode_ours), (published, published_loop)):
        leaves = [x.clone().requires_grad_() for x in (embedding, prompts.points, prompts.box, prompts.mask_logits)]
        given = Prompts(points=leaves[1], labels=prompts.labels, box=leaves[2], mask_logits=leaves[3])
        logits, iou = decode(sam, leaves[0], given, multimask_output=True)
        ((logits * weights).mean() + iou.sum()).backward()
        inputs.append([x.grad for x in leaves])
    for grad, expected in zip(*inputs):
        assert (grad - expected).norm() <= 1e-4 * expected.norm()
    expected = dict(published.named_parameters())
    # A key's bias shifts all scores of a query alike: its gradient is zero but for rounding.
    floor = 1e-6 * max(p.grad.norm() for p in ours.mask_decoder.parameters())
    for part in ("prompt_encoder", "mask_decoder"):
        for name, parameter in getattr(ours, part).named_parameters():
            reference = expected[f"{part}.{name}"].grad
            if reference is None:  # the package has no use for it with these prompts
                assert parameter.grad is None or not parameter.grad.any(), name
            else:
                assert (parameter.grad - reference).norm() <= 1e-4 * reference.norm() + floor, name


def test_every_decoder_weight_has_a_gradient():
    # DistributedDataParallel stops at parameters without one.
    sam = SAM(TINY)
    logits, iou = sam.decode(ImageEmbedding(torch.randn(1, 128, 16, 16)), Prompts(box=torch.tensor([[1.0, 2, 30, 40]])))
    (logits.sum() + iou.sum()).backward()
    assert all(p.grad is not None for p in sam.mask_decoder.parameters())


def test_soft_label_mixes_the_two_embeddings():
    encoder = SAM(TINY).double().prompt_encoder
    points = torch.tensor([[[40.0, 60.0]]], dtype=torch.float64)

    def token(label):
        labels = torch.tensor([[label]], dtype=torch.float64)
        return encoder(Prompts(points=points, labels=labels), 1)[0][:, 0]

    torch.testing.assert_close(token(0.3), 0.7 * token(0.0) + 0.3 * token(1.0))


def test_gradients_reach_points_and_labels():
    encoder = SAM(TINY).double().prompt_encoder
    points = torch.tensor([[[40.0, 60.0], [7.0, 9.0]]], dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([[0.3, 0.9]], dtype=torch.float64, requires_grad=True)
    weights = torch.randn(1, 3, 128, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda p, q: (encoder(Prompts(points=p, labels=q), 1)[0] * weights).sum(), (points, labels)
    )


def test_padding_point_does_not_depend_on_where_it_is(twins):
    ours, _ = twins()
    embedding = torch.randn(BATCH, 128, 16, 16)
    prompts = make_prompts("points", "labels")
    moved = torch.where(LABELS[..., None] < 0, prompts.points + 50, prompts.points)
    same = ours.decode(ImageEmbedding(embedding), Prompts(points=moved, labels=LABELS))[0]
    torch.testing.assert_close(same, ours.decode(ImageEmbedding(embedding), prompts)[0], rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_coordinates_are_encoded_in_fp32_under_autocast(dtype):
    sam = SAM(TINY)
    prompts = make_prompts("points", "labels", "box")
    exact, _ = sam.prompt_encoder(prompts, BATCH)
    with torch.autocast("cpu", dtype=dtype):
        tokens, _ = sam.prompt_encoder(prompts, BATCH)
        position = sam.prompt_encoder.dense_position_tokens()
        logits, iou = sam.decode(ImageEmbedding(torch.randn(BATCH, 128, 16, 16)), prompts)
    assert torch.equal(tokens, exact)
    torch.testing.assert_close(position, sam.prompt_encoder.get_dense_pe().flatten(2).transpose(1, 2))
    assert logits.isfinite().all()
    assert iou.isfinite().all()


def test_decode_never_waits_for_the_device(twins):
    # Fake tensors have no values: whatever reads one, as the package's boolean indexing does, is an error.
    prompts = make_prompts("points", "labels", "mask_logits")
    ours, published = twins()
    with FakeTensorMode(allow_non_fake_inputs=True):
        embedding = torch.randn(BATCH, 128, 16, 16)
        logits, iou = ours.decode(ImageEmbedding(embedding), prompts)
        assert logits.shape == (BATCH, 3, 64, 64)
        assert iou.shape == (BATCH, 3)
        with pytest.raises(DynamicOutputShapeException):
            published.prompt_encoder((prompts.points, prompts.labels), None, None)


def test_wrong_prompts_are_errors():
    sam, embedding = SAM(TINY), torch.randn(2, 128, 16, 16)
    with pytest.raises(ValueError, match="box has 3 rows, but the image embedding 2"):
        sam.decode(ImageEmbedding(embedding), Prompts(box=torch.zeros(3, 4)))
    with pytest.raises(ValueError, match=r"this SAM takes \(B, 1, 64 x 64\)"):
        sam.decode(ImageEmbedding(embedding), Prompts(mask_logits=torch.zeros(2, 1, 256, 256)))
