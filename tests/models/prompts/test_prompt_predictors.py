"""Points, boxes and masks predicted from SAM's embedding: the contract of all, and the frame of each."""

import pytest
import torch

from ultraref.models.prompts import PPN
from ultraref.models.prompts.ppn import to_pixels
from ultraref.models.prompts.ppn_heads import soft_argmax
from ultraref.registry import PROMPT_PREDICTORS

C, E, S, M = 16, 8, 128, 32
PROMPT_PREDICTORS.import_from_location()
CASES = {
    "PPN": {},
    "PPN gap": {"head": "gap"},
    "PPN hard": {"labels": "hard"},
    "QueryPromptPredictor": {"num_heads": 2, "mlp_dim": 32},
}


def build(case, **options):
    torch.manual_seed(0)
    return PROMPT_PREDICTORS.build({"type": case.split()[0], "embed_dim": C, **CASES[case], **options}).eval()


def embedding(batch=3, **options):
    return torch.randn(batch, C, E, E, generator=torch.Generator().manual_seed(1), **options)


def test_every_registered_predictor_is_tested_here():
    assert set(PROMPT_PREDICTORS.module_dict) == {case.split()[0] for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_contract(case):
    predictor = build(case)
    prompts = predictor(embedding() * 5, S, M)
    fields = prompts.as_dict()
    for name in ("points", "box"):
        if name in fields:
            assert 0 <= fields[name].min() <= fields[name].max() <= S - 1
    if "points" in fields:
        assert fields["points"].shape == (3, 7, 2)
        assert fields["labels"].shape == (3, 7)
        assert 0 <= fields["labels"].min() <= fields["labels"].max() <= 1
    if "box" in fields:
        assert (fields["box"][:, 2:] >= fields["box"][:, :2]).all()
        assert fields["mask_logits"].shape == (3, 1, M, M)
    for row in range(3):
        alone = predictor(embedding()[row : row + 1] * 5, S, M).as_dict()
        for name, value in fields.items():
            torch.testing.assert_close(alone[name], value[row : row + 1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_coordinates_are_full_precision_under_autocast_and_keep_float64(case):
    with torch.autocast("cpu", torch.bfloat16):
        prompts = build(case)(embedding(), S, M).as_dict()
    assert {value.dtype for value in prompts.values()} == {torch.float32}
    prompts = build(case).double()(embedding(dtype=torch.float64), S, M).as_dict()
    assert {value.dtype for value in prompts.values()} == {torch.float64}


def test_soft_argmax_by_hand():
    heat = torch.full((1, 2, 4, 8), -1e9, dtype=torch.float64)
    heat[0, 0, 1, 6] = 0
    heat[0, 1, 0, 0] = heat[0, 1, 0, 2] = 0
    weights, share = soft_argmax(heat)
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 2, dtype=torch.float64))
    expected = [[[6.5 / 8, 1.5 / 4], [1.5 / 8, 0.5 / 4]]]
    torch.testing.assert_close(share, torch.tensor(expected, dtype=torch.float64))


def test_shares_become_pixel_indices():
    # The middle of the frame is 0.5 below S / 2; its edges are kept within the outermost pixels' centres.
    share = torch.tensor([0.0, 0.5 / S, 0.5, 1 - 0.5 / S, 1.0])
    assert to_pixels(share, S).tolist() == [0, 0, S / 2 - 0.5, S - 1, S - 1]


@pytest.mark.parametrize("cell", [(0, 0), (2, 5), (7, 3)])
def test_points_of_the_heatmap_head_lie_where_the_lesion_is(cell):
    ppn = build("PPN", hidden_dim=8)
    # Pass the embedding's first channel through to every heat map.
    ppn.head.trunk = torch.nn.Identity()
    ppn.head.heat = torch.nn.Conv2d(C, 7, 1, bias=False)
    ppn.head.label = torch.nn.Linear(C, 1)
    torch.nn.init.zeros_(ppn.head.heat.weight)
    ppn.head.heat.weight.data[:, 0] = 1
    hot = torch.zeros(1, C, E, E)
    hot[0, 0, cell[0], cell[1]] = 100
    points = ppn(hot, S, M).points
    # The centre of cell (row, column) in a frame of S / E pixels a cell.
    expected = [(cell[1] + 0.5) * S / E - 0.5, (cell[0] + 0.5) * S / E - 0.5]
    torch.testing.assert_close(points, torch.tensor(expected).expand(1, 7, 2))


def test_shape_of_the_reference():
    assert PPN()(torch.randn(2, 256, 64, 64), 1024, 256).points.shape == (2, 7, 2)
    assert PPN(head="gap").eval().predict(torch.randn(2, 256, 64, 64), 1024).shape == (2, 7, 3)


def test_soft_labels_are_the_sigmoid_and_hard_ones_its_rounding():
    soft, hard = build("PPN")(embedding(), S, M), build("PPN hard")(embedding(), S, M)
    torch.testing.assert_close(soft.labels, soft.label_logits.sigmoid())
    assert torch.equal(hard.labels, soft.labels.round())
    assert soft.labels.requires_grad
    assert not hard.labels.requires_grad


@pytest.mark.parametrize(
    ("options", "message"), [({"head": "mlp"}, "head is 'mlp'.*heatmap, gap"), ({"labels": "no"}, "labels is 'no'")]
)
def test_unknown_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        PPN(**options)
