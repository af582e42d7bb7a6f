"""Curves, chosen cases and pictures."""

import base64
import json

import cv2
import numpy as np

from ultraref.apis.report.case_choice import chosen_cases
from ultraref.apis.report.pictures import overlay_of
from ultraref.apis.report.training_log import read_training


def test_a_resumed_training_is_one_curve(tmp_path):
    def log(name, lines):
        (tmp_path / name / "vis_data").mkdir(parents=True)
        (tmp_path / name / "vis_data/scalars.json").write_text("\n".join(map(json.dumps, lines)))

    log("1_1", [dict(loss=4.0, epoch=1, step=10), dict(loss=3.0, epoch=1, step=20), dict(loss=9.0, epoch=2, step=30)])
    log(
        "1_2",
        [
            dict(loss=2.0, epoch=2, step=30, memory=2048),
            {"val_refined/dice": 0.7, "step": 1},
            dict(loss=1.0, epoch=2, step=40),
        ],
    )
    found = read_training(tmp_path)
    assert found.loss == [(0.5, 4.0), (1.0, 3.0), (1.5, 2.0), (2.0, 1.0)]
    assert found.dice == {"refined": [(1, 0.7)]}
    assert found.memory_gb == 2.0
    assert read_training(tmp_path / "1_1") is None


def rows(count):
    return [dict(dataset="", name=str(number), dice=number / 100) for number in range(count)]


def test_cases_are_chosen_once():
    found = chosen_cases(rows(101), "dice")
    names = {kind: [row["name"] for row in cases] for kind, cases in found.items()}
    assert names == {"Best": ["100", "99", "98"], "Median": ["51", "50", "49"], "Worst": ["0", "1", "2"]}
    for count in range(1, 12):
        chosen = [row["name"] for cases in chosen_cases(rows(count), "dice").values() for row in cases]
        assert len(chosen) == len(set(chosen)) == min(count, 3 * min(3, max(1, count // 3)))
    assert chosen_cases([dict(dataset="", name="a", dice=None)], "dice") == {}


def test_pictures_are_made_smaller_and_stay_in_their_folder(tmp_path, made):
    folder = tmp_path / "overlays"
    made.write_overlay(folder, "case", width=2400)
    made.write_overlay(folder, "set_case2", width=600)
    made.write_overlay(tmp_path, "outside")
    (folder / "broken.png").write_bytes(b"not a picture")

    def shape(name, dataset="set"):
        found = overlay_of(folder, dict(dataset=dataset, name=name))
        if found is None:
            return None
        data = base64.b64decode(found.removeprefix("data:image/jpeg;base64,"))
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape

    assert shape("case") == (160, 1200, 3)
    assert shape("case2") == (320, 600, 3)
    assert shape("../outside") is None
    assert shape("broken") is None
    assert shape("absent") is None
    assert overlay_of(None, dict(dataset="", name="case")) is None
