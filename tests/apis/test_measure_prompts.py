"""The numbers that `ultraref measure-prompts` gives, and what it prints and writes."""

import json

import cv2
import numpy as np
import pytest
import torch

from ultraref.apis.measure_prompts import ROIS, TRANSFORMS, box_iou, measure_roi, tight_box
from ultraref.cli.main import run_tool


def test_tight_box_and_iou():
    lesion = torch.zeros(2, 1, 16, 16, dtype=torch.bool)
    lesion[0, 0, 3:6, 4:11] = True
    lesion[1, 0, 0, 15] = True
    assert tight_box(lesion).tolist() == [[4, 3, 10, 5], [15, 0, 15, 0]]
    a, b = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[2.0, 1, 6, 4]])
    # 2 x 3 in common, 16 and 12 in each.
    assert box_iou(a, b).item() == pytest.approx(6 / 22)


def test_roi_numbers():
    lesion = torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    lesion[0, 0, 4:8, 4:8] = True
    row = measure_roi(torch.tensor([[-2.5, 3.5, 5.5, 11.5]]), lesion, tight_box(lesion))
    # Columns 4 and 5 of 4 to 7 lie in the ROI of 8 x 8, which ends left of the frame.
    assert {key: value.item() for key, value in row.items()} == pytest.approx(
        {
            "lesion whole in ROI": False,
            "share of lesion in ROI": 0.5,
            "magnification (median)": 2,
            "reaches past the frame": True,
        }
    )


def test_main_prints_and_writes_both_tables(tmp_path, capsys):
    for name, (x, y) in {"a": (30, 40), "b": (60, 25)}.items():
        mask = np.zeros((80, 96), np.uint8)
        cv2.ellipse(mask, (x, y), (16, 9), 20, 0, 360, 255, -1)
        cv2.imwrite(str(tmp_path / f"{name}_mask.png"), mask)
    out = tmp_path / "numbers.json"
    arguments = [str(tmp_path), "--json", str(out), "--size", "64", "--coarse-size", "56"]
    assert run_tool("measure_prompts", arguments) == 0
    printed, result = capsys.readouterr().out, json.loads(out.read_text())
    assert result["masks"] == 2
    perfect = result["prompts"][0]
    assert perfect["coarse mask"] == "true mask"
    # An ellipse holds its centroid and that of the background around it. It reaches to 2 std along every direction, so
    # that wider boxes are worse.
    assert perfect["positive in lesion, power 1"] == 1
    assert perfect["negative outside, far_corner"] == 1
    assert perfect["negative outside, background_centroid, tau 1"] == 0
    assert perfect["box IoU, 2.0 std"] > perfect["box IoU, 2.5 std"] > perfect["box IoU, 3.0 std"]
    # Areas of 2.5 and 3 std are in the ratio 25 to 36, and the lesion's box lies in both.
    assert perfect["box IoU, 3.0 std"] == pytest.approx(perfect["box IoU, 2.5 std"] * 25 / 36)
    assert all(row["lesion whole in ROI"] == 1 for row in result["roi"] if row["coarse mask"] == "true mask")
    assert printed.count("| true mask |") == (len(ROIS) + 1) * 2 * len(TRANSFORMS)
