import pytest
import torch

from ultraref.models.sam.image_encoders import relative_attention as module
from ultraref.models.sam.image_encoders.relative_attention import METHODS, relative_attention, relative_table


def make_inputs(shape, dtype=torch.float64, requires_grad=False):
    generator = torch.Generator().manual_seed(0)
    height, width, dim = shape[2:]
    sizes = [shape] * 3 + [(2 * height - 1, dim), (2 * width - 1, dim)]
    return [torch.randn(s, generator=generator, dtype=dtype).requires_grad_(requires_grad) for s in sizes]


def by_definition(q, k, v, rel_h, rel_w):
    """The formula of the module's docstring, pair by pair."""
    height, width, dim = q.shape[2:]
    cells = [(i, j) for i in range(height) for j in range(width)]
    out = torch.zeros_like(v)
    for i, j in cells:
        query = q[:, :, i, j]
        scores = [
            dim**-0.5 * (query * k[:, :, a, b]).sum(-1)
            + query @ rel_h[i - a + height - 1]
            + query @ rel_w[j - b + width - 1]
            for a, b in cells
        ]
        weights = torch.stack(scores, -1).softmax(-1)
        out[:, :, i, j] = torch.einsum("bnc,bncd->bnd", weights, v.flatten(2, 3))
    return out


@pytest.mark.parametrize("method", METHODS)
def test_equals_the_definition(method):
    inputs = make_inputs((2, 2, 3, 5, 4))
    torch.testing.assert_close(relative_attention(*inputs, method), by_definition(*inputs), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("scores", [1, 30, 100, 500, 10**6])
def test_chunk_size_changes_nothing(monkeypatch, scores):
    # 15 tokens: one query at a time, two, several maps at a time, and all at once.
    inputs = make_inputs((2, 3, 3, 5, 4), requires_grad=True)
    expected = by_definition(*inputs)
    expected_grads = torch.autograd.grad(expected.square().sum(), inputs)
    monkeypatch.setattr(module, "CHUNK_SCORES", scores)
    out = relative_attention(*inputs, "chunked")
    torch.testing.assert_close(out, expected, rtol=1e-10, atol=1e-12)
    grads = torch.autograd.grad(out.square().sum(), inputs)
    torch.testing.assert_close(grads, expected_grads, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_gradients(method):
    inputs = make_inputs((1, 1, 2, 3, 3), requires_grad=True)
    assert torch.autograd.gradcheck(lambda *x: relative_attention(*x, method), inputs)


def test_table_looks_up_the_distance():
    table = relative_table(torch.arange(7.0)[:, None], 4)
    assert table[3, 0].item() == 6  # distance +3 is the last row
    assert table[0, 3].item() == 0
    assert torch.equal(table.diagonal(), torch.full((1, 4), 3.0))


def test_table_is_resized_linearly():
    # A line stays a line: 3 rows resized to 7 at pixel centres, -1/3 and 2 + 1/3 clamped to the ends.
    table = relative_table(torch.arange(3.0)[:, None], 4)
    expected = ((torch.arange(7.0) + 0.5) * 3 / 7 - 0.5).clamp(0, 2)
    torch.testing.assert_close(table[3, :, 0], expected.flip(0)[:4])
