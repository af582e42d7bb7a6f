"""What an attack on this program found that it took without a word, one test an attack, and where the others' tests are."""

import ast
import csv
import json
import os
import shutil
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook

from ultraref.apis import train
from ultraref.apis.output_folder import check_output_folder
from ultraref.checkpoint import load_checkpoint_file, save_atomically
from ultraref.datasets import LesionDataset
from ultraref.datasets.coco_dataset import CocoLesionDataset
from ultraref.datasets.image_io import encode_png, read_image
from ultraref.engine import UltraRunner
from ultraref.errors import UserError
from ultraref.evaluation.case_table import write_cases
from ultraref.testing.soak.isolation import call_each

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS / "engine"))
from engine_toys import toy_config  # noqa: E402

# Attacks whose tests take what others made, or stand with more of their kind.
ELSEWHERE = {
    "children of a killed quick start overwrite the next one": [
        "protocol/test_run.py::test_no_step_outlives_a_killed_runner",
        "test_processes.py::test_a_process_ends_with_its_killed_parent_though_in_another_session",
    ],
    "best.pth's score is that of other batch-norm statistics than it holds": [
        "engine/test_distributed.py::test_batch_norm_statistics_are_equal_and_the_best_score_is_that_of_its_file"
    ],
    "a stored prediction is another than was made": ["datasets/test_prediction_store.py::test_damaged_files_are_named"],
    "a folder is lost by a kill between two renames": [
        "test_atomic.py::test_a_kill_between_the_renames_loses_no_folder"
    ],
    "torchrun without --launcher trains twice in one folder": [
        "engine/test_launch_check.py::test_torchrun_without_launcher_is_refused"
    ],
}


def toy_run(work_dir: Path, name: str, **options):
    cfg = toy_config(work_dir, epochs=2, runner_type="UltraRunner", **options)
    cfg.experiment_name = f"attacks_{name}"
    return cfg


def coco(folder: Path, segmentation, height: int = 40, width: int = 60) -> Path:
    """Writes an image of 40 x 60 pixels and a COCO file of one object."""
    (folder / "a.png").write_bytes(encode_png(np.zeros((40, 60), np.uint8)))
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": height, "width": width}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": segmentation, "iscrowd": 0}],
        "categories": [{"id": 1, "name": "lesion"}],
    }
    (folder / "coco.json").write_text(json.dumps(content))
    return folder / "coco.json"


def test_masks_overwritten_by_predictions(phantom_root, tmp_path):
    """Dice was 1.0000, with status 0."""
    root = tmp_path / "data"
    shutil.copytree(phantom_root, root)
    for option in ("--out", "--show-dir"):
        with pytest.raises(UserError, match="a converted data set: results could write over it"):
            check_output_folder(root / "test/masks", option)
    dataset = LesionDataset(str(root), "test", pipeline=[dict(type="LoadImage"), dict(type="LoadLesionMask")])
    assert dataset[0]["gt_seg_map"].any()
    mask = root / "test/masks" / f"{dataset.names[0]}.png"
    mask.write_bytes(encode_png(255 * np.ones_like(dataset[0]["gt_seg_map"])))
    with pytest.raises(UserError, match=r"is not the file that splits\.json records"):
        dataset[0]


def test_nan_gradient(tmp_path):
    """The network was filled with NaN, and saved as the best."""

    class Break(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            if runner.iter == 4:
                runner.model.refiner[0].weight.register_hook(lambda gradient: gradient * float("nan"))

    runner = UltraRunner.from_cfg(toy_run(tmp_path, "nan"))
    runner.register_hook(Break())
    with pytest.raises(UserError, match="the gradient isn't finite at iteration 5"):
        runner.train()
    assert all(parameter.isfinite().all() for parameter in runner.model.parameters())
    for name in ("last.pth", "best.pth"):
        assert load_checkpoint_file(tmp_path / name)["meta"]["epoch"] == 1


def test_flipped_bit(tmp_path):
    """Dice changed by 0.06: torch reads the other weight."""
    weight = torch.linspace(0.1, 0.9, 50)
    path = tmp_path / "best.pth"
    save_atomically({"state_dict": {"weight": weight}, "meta": {"epoch": 1}}, path)
    content = bytearray(path.read_bytes())
    content[content.index(weight.numpy().tobytes()) + 3] ^= 64
    path.write_bytes(content)
    assert not torch.equal(torch.load(path, weights_only=True)["state_dict"]["weight"], weight)
    with pytest.raises(UserError, match=r"best\.pth is damaged: its content doesn't fit its checksum"):
        load_checkpoint_file(path)


def test_old_run_resumed_as_new(tmp_path):
    """The new run went on from the old one's checkpoint."""
    train(toy_run(tmp_path, "old"))
    old = (tmp_path / "last.pth").read_bytes()
    other = {"optimizer": {"type": "AdamW", "lr": 0.5}}
    with pytest.raises(UserError, match=r"(?s)comes from another run.*optim_wrapper\.optimizer\.lr: 0\.01 in the"):
        train(toy_run(tmp_path, "resumed", optim_wrapper=other), resume=True)
    assert (tmp_path / "last.pth").read_bytes() == old
    runner = train(toy_run(tmp_path, "new", optim_wrapper=other))
    assert (tmp_path / "earlier_1/last.pth").read_bytes() == old
    assert runner.iter == 6
    assert len(runner.message_hub.get_scalar("train/loss").data[0]) == 6


def test_absurd_tensor(tmp_path):
    """A file of a few hundred bytes took 4 PB of addresses, or the memory there was."""
    state = {"weight": torch.zeros(1).expand(1 << 50)}
    torch.save({"state_dict": state, "meta": {}}, tmp_path / "best.pth")
    with pytest.raises(UserError, match="tensor of 1125899906842624 elements"):
        load_checkpoint_file(tmp_path / "best.pth")


@pytest.mark.parametrize("counts", ["0", [3], [2401], [-1, 2401], [2400.5]], ids=repr)
def test_short_run_lengths(tmp_path, counts):
    """pycocotools left what the runs don't cover as the memory was, and that was the ground truth."""
    path = coco(tmp_path, {"size": [40, 60], "counts": counts})
    with pytest.raises(UserError, match=r"coco\.json: 1 problem"):
        CocoLesionDataset(str(path))
    with pytest.raises(UserError, match="no sample"):
        CocoLesionDataset(str(path), problems="skip")


@pytest.mark.parametrize(
    "polygon", [[0, 0, 1e9, 0, 1e9, 1e9], [0, 0, 1e300, 0, 9, 9], [0, 0, 9, 0, 9, "1e9"]], ids=repr
)
def test_coordinate_of_a_billion(tmp_path, polygon):
    """pycocotools ended the process."""
    path = coco(tmp_path, [polygon])

    def read(_):
        CocoLesionDataset(str(path))

    (outcome,) = call_each(read, [0])
    assert (outcome.kind, "coco.json: 1 problem" in outcome.text) == ("refused", True)


def test_image_of_ten_billion_pixels(tmp_path):
    """A PNG of 100 bytes took the memory of its header's size."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match=r"100000 x 100000 .* more than the limit of 40000000"):
        read_image(tmp_path / "a.png")


def test_file_names_that_leave_their_folder(tmp_path):
    """An image outside of the set was read, or written over."""
    (tmp_path / "set").mkdir()
    path = coco(tmp_path / "set", [[5, 5, 20, 5, 20, 20]])
    (tmp_path / "outside.png").write_bytes(encode_png(np.zeros((40, 60), np.uint8)))
    for name in ("../outside.png", str(tmp_path / "outside.png"), "a/../../outside.png"):
        content = json.loads(path.read_text())
        content["images"][0]["file_name"] = name
        path.write_text(json.dumps(content))
        with pytest.raises(UserError, match=r"coco\.json: "):
            CocoLesionDataset(str(path))


def test_formula_in_a_table(tmp_path):
    """A spreadsheet that opens metrics.csv would have run what an image was called."""
    names = ["=HYPERLINK(1)", "+1+cmd", "-2-cmd", "@SUM(1)", "benign (1)"]
    rows = [{"dataset": "set", "name": name, "refined_dice": -0.5} for name in names]
    write_cases(tmp_path / "metrics.csv", rows)
    with open(tmp_path / "metrics.csv", encoding="utf-8", newline="") as file:
        cells = [row["name"] for row in csv.DictReader(file)]
    assert [cell[0] for cell in cells] == ["'"] * 4 + ["b"]


def test_two_runs_in_one_work_dir(tmp_path):
    """Two trainings wrote one last.pth in turn."""
    cfg = toy_run(tmp_path, "second")
    owner = {"host": os.uname().nodename, "pid": os.getppid(), "started": None}
    (tmp_path / "run.lock").write_text(json.dumps(owner))
    with pytest.raises(UserError, match=f"is in use by process {os.getppid()} of this host"):
        train(cfg)
    assert not list(tmp_path.glob("*.pth"))


@pytest.mark.parametrize("test", [test for tests in ELSEWHERE.values() for test in tests])
def test_the_other_attacks_have_their_tests(test):
    file, name = test.split("::")
    functions = {node.name for node in ast.parse((TESTS / file).read_text()).body if isinstance(node, ast.FunctionDef)}
    assert name in functions
