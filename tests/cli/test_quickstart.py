"""The quick start in an empty folder, without its trainings."""

import argparse

from ultraref.apis import cascade, load_config
from ultraref.cli import quickstart

METRICS = dict(dice=0.5, iou=0.5, precision=0.5, recall=0.5, accuracy=0.5)
MODEL = dict(
    n_test=5, coarse=METRICS, refined=METRICS, delta=METRICS, delta_dice_ci95=[0.1, 0.2], helped=0.5, harmed=0, worst=0
)


def test_data_and_recipes_are_found_and_everything_goes_to_work_dirs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(quickstart, "NUM_PHANTOMS", 30)
    monkeypatch.setattr(quickstart, "MAX_SIDE", 64)
    read = []

    def run_cascade(asked):
        for recipe in (asked.phase1, asked.phase2, *asked.phase3):
            cfg = load_config(recipe, set=asked.set, fold=0)
            assert (tmp_path / cfg.train_dataloader.dataset.data_root / "splits.json").is_file()
            read.append(cfg.work_dir)
        return {"models": {"tiny": MODEL}}

    monkeypatch.setattr(cascade, "run_cascade", run_cascade)
    for _ in range(2):
        assert quickstart.main(argparse.Namespace(data="phantoms", source=None)) == 0
    assert "Dice rises by more than 0.01 in 50 % of the images" in capsys.readouterr().out
    assert len(read) == 8
    assert all(folder.startswith("work_dirs/quickstart/") for folder in read)
    assert [path.name for path in tmp_path.iterdir()] == ["work_dirs"]
