"""Work directories of made-up tests, whose numbers are known and whose names are hostile."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ultraref.evaluation.case_table import write_cases

HOSTILE = '<img src=x onerror="alert(1)">&{{7*7}}'
SET = "<b>set</b>"
METRICS = {
    "dice": dict(label="Dice", decimals=4, lower_is_better=False, bounded=True, rule="Overlap: <i>rule</i>"),
    "hd95": dict(label="HD95 (px)", decimals=2, lower_is_better=True, bounded=False, rule="Outlines"),
}
COARSE = np.round(np.linspace(0.3, 0.9, 40), 3)
# Of 40 images 10 gain 0.04, 24 stay, 4 lose 0.02 and 2 lose 0.1.
CHANGE = np.repeat([0.04, 0.0, -0.02, -0.1], [10, 24, 4, 2])
NAMES = [f"case_{number:02d}" if number else HOSTILE for number in range(40)]
BINS = dict(share=[0.9, 0.0, 0.1], probability=[0.1, None, 0.8], lesion=[0.05, None, 0.7])
CONFIG = """\
fold = 2
load_from = {checkpoint!r}
model = dict(
    gate=dict(gamma=1.0, type='UncertaintyGate'),
    refiner=dict(prompts=[dict(type='BoxPromptGenerator')], sam=dict(image_encoder=dict(type='SAMViT'))),
    type='RefinementSegmentor')
note = '{hostile}'
randomness = dict(seed=7)
test_dataloader = dict(batch_size=4)
"""


def write_test(folder, change=CHANGE, refines=True, gate="UncertaintyGate", names=NAMES):
    """Writes what a test of 40 images leaves, with the log of a training of two epochs beside it."""
    rows = []
    for number, (name, coarse, delta) in enumerate(zip(names, COARSE, change)):
        row = dict(
            dataset=SET,
            name=name,
            hash=f"hash {number}",
            group=str(number),
            group_kind="patient",
            case_class="malignant" if number % 4 == 0 else "benign",
            lesion_area=100 * (number + 1),
            coarse_empty=False,
            coarse_dice=float(coarse),
            coarse_hd95=10.0,
        )
        if refines:
            row.update(refined_dice=float(coarse + delta), refined_hd95=8.0, sam_dice=float(coarse), sam_hd95=12.0)
            row["delta_dice"] = float(delta)
        rows.append(row)
    folder.mkdir(parents=True)
    write_cases(folder / "metrics.csv", rows)
    groups = ("coarse", "refined", "sam") if refines else ("coarse",)
    content = {
        **{f"test_{group}/{metric}": 0.25 for group in groups for metric in ("brier", "ece")},
        "weights_seen": {SET: {"lite_medsam": dict(state="presumed", evidence="it <says> so", date="2026-01-01")}},
        "measured": dict(size="original", threshold=0.5, metrics=METRICS, splits={SET: "5711"}),
        "calibration": dict(num_bins=3, groups=dict.fromkeys(groups, BINS)),
    }
    (folder / "metrics.json").write_text(json.dumps(content))
    log = folder / "20260101_000002"
    (log / "vis_data").mkdir(parents=True)
    (log / f"{log.name}.json").write_text(json.dumps({"time": 0.2}))
    (log / f"{log.name}.log").write_text("System environment:\n    Python: 3.12.1 (main)\n    PyTorch: 2.9.0\n")
    config = CONFIG.format(checkpoint=str(folder / "best.pth"), hostile=HOSTILE.replace('"', ""))
    (log / "vis_data/config.py").write_text(config.replace("UncertaintyGate", gate))
    lines = [{"loss": 1.0 / step, "epoch": (step + 1) // 2, "iter": step, "step": step} for step in range(1, 5)]
    lines += [{"val_coarse/dice": 0.5, "val_refined/dice": 0.5 + epoch / 10, "step": epoch} for epoch in (1, 2)]
    training = folder / "20260101_000001/vis_data"
    training.mkdir(parents=True)
    (training / "scalars.json").write_text("\n".join(map(json.dumps, lines)) + '\n{"loss": 0.')
    return folder


def write_overlay(folder, name, width=1280):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    picture = cv2.resize(rng.integers(0, 255, (8, 32, 3), dtype=np.uint8), (width, 320))
    (folder / f"{name}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())


@pytest.fixture(scope="session")
def made():
    """`write_test(folder, ...)`, `write_overlay(folder, name)` and what they write."""
    return SimpleNamespace(
        write_test=write_test, write_overlay=write_overlay, hostile=HOSTILE, set=SET, change=CHANGE, coarse=COARSE
    )


@pytest.fixture(scope="session")
def written(tmp_path_factory, made):
    """A report of three runs, one of them without refinement, with overlays of all but two cases. Read only."""
    from ultraref.apis.report import read_study, write_report

    folder = tmp_path_factory.mktemp("report")
    runs = [
        made.write_test(folder / "gated"),
        made.write_test(folder / "plain", change=CHANGE / 2, gate="LearnedGate"),
        made.write_test(folder / "coarse", refines=False),
    ]
    for number in range(1, 39):
        made.write_overlay(runs[0] / "overlays", f"case_{number:02d}")
    study = read_study(runs, [HOSTILE, "a_run_whose_name_is_long_" * 4, "coarse only"], title=HOSTILE)
    return write_report(study, folder / "out")
