"""What a report takes from the log of a training."""

import json

from ultraref.apis.report.training_log import read_training


def test_a_damaged_line_counts_by_its_numbers(tmp_path):
    path = tmp_path / "20260101_000000/vis_data/scalars.json"
    path.parent.mkdir(parents=True)
    entries = [
        {"step": 1, "epoch": 1, "loss": 0.5, "memory": 2048},
        {"step": 2, "epoch": None, "loss": 0.4},
        {"step": 3, "epoch": 1, "loss": 0.25, "memory": "much"},
        {"step": None, "val_refined/dice": 0.5},
    ]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    log = read_training(tmp_path)
    # Two lines of one epoch, evenly spread.
    assert log.loss == [(0.5, 0.5), (1.0, 0.25)]
    assert (log.dice, log.memory_gb) == ({}, 2.0)
