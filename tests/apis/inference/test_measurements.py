"""The row of a prediction, against numbers counted by hand."""

import csv

import numpy as np
import torch

from ultraref.apis.inference.measurements import COLUMNS, measure, write_table
from ultraref.apis.inference.sample import Origin
from ultraref.structures import SegDataSample


def sample(coarse, sam, gate, **metainfo) -> SegDataSample:
    made = SegDataSample(metainfo=dict(name="x", predicted_iou=0.91234, coarse_empty=False, **metainfo))
    for name, value in dict(coarse=coarse, sam=sam, gate=gate, refined=sam).items():
        made.set_pixels(name, torch.as_tensor(value, dtype=torch.float32)[None])
    return made


def test_areas_box_and_flags():
    mask = np.zeros((20, 30), bool)
    mask[2:6, 3:8] = mask[10:12, 20:29] = True  # 20 + 18 pixels
    coarse = np.zeros((20, 30), bool)
    coarse[2:6, 3:8] = True
    origin = Origin("x.dcm", 3, 10, (0.1, 0.2), "SequenceOfUltrasoundRegions")
    row = measure(sample(coarse, mask, np.zeros_like(mask)), mask, coarse, origin)
    assert (row["lesions"], row["area_px"], row["coarse_area_px"], row["changed_px"]) == (2, 38, 20, 18)
    assert row["area_mm2"] == 0.76
    assert [row[key] for key in ("x1", "y1", "x2", "y2")] == [3, 2, 28, 11]
    assert (row["file"], row["frame"], row["height"], row["width"]) == ("x.dcm", 3, 20, 30)
    assert row["predicted_iou"] == 0.9123
    # SAM would add a lesion, and the gate lets nothing in; IoU 20 / 38 is above 0.5.
    assert (row["coarse_empty"], row["gate_closed"], row["disagreement"]) == (0, 1, 0)
    assert tuple(row) == COLUMNS


def test_disagreement_and_an_open_gate():
    p, q = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    p[:4], q[5:] = True, True
    row = measure(sample(p, q, np.ones_like(p)), q, p, Origin())
    assert (row["gate_closed"], row["disagreement"]) == (0, 1)


def test_what_a_quality_head_says():
    mask = np.ones((4, 4), bool)
    row = measure(sample(mask, mask, mask, predicted_dice=(0.71236, 0.8), predicted_harm=0.25), mask, mask, Origin())
    assert (row["predicted_dice_coarse"], row["predicted_dice_sam"], row["predicted_harm"]) == (0.7124, 0.8, 0.25)
    row = measure(sample(mask, mask, mask, predicted_dice=None, predicted_harm=None), mask, mask, Origin())
    assert (row["predicted_dice_coarse"], row["predicted_dice_sam"]) == ("", "")


def test_nothing_found_and_nothing_known():
    nothing = np.zeros((5, 5), bool)
    made = SegDataSample(metainfo=dict(name="x"))
    row = measure(made, nothing, None, Origin())
    assert (row["lesions"], row["area_px"]) == (0, 0)
    assert [row[key] for key in ("area_mm2", "x1", "coarse_area_px", "gate_closed", "predicted_iou")] == [""] * 5


def test_no_cell_is_a_formula(tmp_path):
    write_table(tmp_path / "t.csv", [dict(name="b"), dict(name="=1+1", area_px=4)])
    with open(tmp_path / "t.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["'=1+1", "b"]
    assert rows[0]["area_px"] == "4"
