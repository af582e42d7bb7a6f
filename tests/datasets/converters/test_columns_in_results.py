"""What the published tables say of a case arrives in a test's table of cases, by way of cases.csv and the samples."""

import numpy as np
import pytest
import torch
from PIL import Image

from ultraref.datasets import LesionDataset
from ultraref.datasets.converters import convert, find_busbra, find_busi
from ultraref.evaluation import RefinementMetric
from ultraref.evaluation.case_table import read_cases
from ultraref.evaluation.subgroups import subgroups

PIPELINE = [
    {"type": "LoadImage"},
    {"type": "LoadLesionMask"},
    {"type": "ResizeToModels", "inputs": ["coarse"], "gt": "coarse"},
    {"type": "PackSegInputs", "keep_original": True},
]


def table_of(found, root, name):
    """What a test of all images writes, of a model that finds nothing."""
    convert(found, root, name)
    metric = RefinementMetric(stage="test", csv_path=str(root.parent / "metrics.csv"))
    for item in LesionDataset(str(root), "all", pipeline=PIPELINE, sizes={"coarse": 16}):
        sample = item["data_samples"]
        sample.set_pixels("coarse", torch.zeros(1, 16, 16))
        metric.process({}, [sample.to_dict()])
    metric.evaluate(len(read_names(root)))
    return read_cases(root.parent / "metrics.csv")


def read_names(root):
    return LesionDataset(str(root), "all").names


def test_bus_bra(archive, tmp_path):
    """The columns as published; what stands in them is made up."""
    lines = ["ID,Case,Histology,Pathology,BIRADS,Device,Width,Height,Side,BBOX"]
    for number in range(1, 9):
        archive.image(f"Images/bus_{number:04d}-l.png")
        archive.mask(f"Masks/mask_{number:04d}-l.png")
        lines.append(
            f"bus_{number:04d}-l,{number:03d},Histology {number % 2},{'benign' if number % 2 else 'malignant'},{2 + number % 4},"
            f'Scanner {number % 2},60,48,{"left" if number % 4 else "right"},"[12,10,14,14]"'
        )
    archive.text("bus_data.csv", "\n".join(lines) + "\n")
    rows = {row["name"]: row for row in table_of(find_busbra(archive.root), tmp_path / "set", "busbra")}
    row = rows["bus_0004-l"]
    expected = {
        "case_path": "Images/bus_0004-l.png",
        "case_patient": "004",
        "case_histology": "Histology 0",
        "case_class": "malignant",
        "case_birads": "2",
        "case_device": "Scanner 0",
        "case_width": "60",
        "case_height": "48",
        "case_side": "right",
        "case_bbox": "[12,10,14,14]",
        "case_lesion_area": "196",
        "case_lesion_parts": "1",
    }
    assert {column: row[column] for column in expected} == expected
    assert (row["group"], row["group_kind"]) == ("004", "patient")
    parts = subgroups(list(rows.values()))
    assert {"case_birads", "case_class", "case_device", "case_histology", "case_side"} <= parts.keys()
    assert not {"case_path", "case_patient", "case_bbox", "case_width"} & parts.keys()


@pytest.mark.parametrize("prefix", ["", "Dataset_BUSI_with_GT/"])
def test_busi(archive, tmp_path, prefix):
    for number in range(1, 4):
        for category in ("benign", "malignant", "normal"):
            archive.image(f"{prefix}{category}/{category} ({number}).png")
            lesion = None if category != "normal" else np.zeros((48, 60), np.uint8)
            archive.mask(f"{prefix}{category}/{category} ({number})_mask.png", lesion)
    second = np.zeros((48, 60), np.uint8)
    second[40:44, 40:45] = 255
    Image.fromarray(second).save(archive.path(f"{prefix}benign/benign (2)_mask_1.png"))
    rows = {row["name"]: row for row in table_of(find_busi(archive.root), tmp_path / "set", "busi")}
    assert sorted(rows) == [f"{c}_{n:04d}" for c in ("benign", "malignant") for n in (1, 2, 3)]
    row = rows["benign_0002"]
    assert (row["case_class"], row["case_path"]) == ("benign", "benign/benign (2).png")
    assert (row["case_lesion_area"], row["case_lesion_parts"]) == ("216", "2")
