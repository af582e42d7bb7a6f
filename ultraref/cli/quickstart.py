"""Runs all three phases: with tiny models on made-up images, or from published weights on real BUSI:
python tools/quickstart.py phantoms
python tools/quickstart.py busi --source FOLDER_OF_THE_PUBLISHED_FILES
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from ultraref.errors import MissingFileError, UserError

NUM_PHANTOMS = 560
# The tiny networks see 64 and 128 pixels. Larger files would only take longer to read.
MAX_SIDE = 192
# By data set: where the converted images lie, and where summary and overlays go.
DATA = {
    "phantoms": Path("work_dirs/quickstart/data/phantoms"),
    "busi": Path(os.environ.get("ULTRAREF_DATA", "data"), "busi"),
}
WORK_DIRS = {"phantoms": Path("work_dirs/quickstart"), "busi": Path("work_dirs/quickstart_busi")}
# Tiny networks from scratch on phantoms; on BUSI the recipes of a small machine, which start from published weights.
RECIPES = {
    "phantoms": dict(
        phase1="configs/quickstart/phase1.py",
        phase2="configs/quickstart/phase2.py",
        phase3=["configs/quickstart/ultrarefiner.py", "configs/quickstart/gated.py"],
    ),
    "busi": dict(
        phase1="configs/phase1/unet.py",
        phase2="configs/phase2/lite.py",
        phase3=["configs/phase3/lite.py", "configs/phase3/lite_gated.py"],
    ),
}
WEIGHTS = {"phantoms": (), "busi": ("tf_efficientnet_lite0", "lite_medsam")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("data", choices=["phantoms", "busi"])
    parser.add_argument("--source", help="busi: the folder with benign/, malignant/ and normal/")


def main(args: argparse.Namespace) -> int:
    """Trains and tests, prints what refinement changed, and returns the exit status."""
    begun = time.perf_counter()
    _prepare(args.data, args.source)
    from ultraref.apis.cascade import Cascade, run_cascade
    from ultraref.evaluation import refinement_table

    work_dir = WORK_DIRS[args.data]
    cascade = Cascade(**RECIPES[args.data], set=args.data, work_dir=str(work_dir), jobs=5)
    summary = run_cascade(cascade)
    for name, model in summary["models"].items():
        low, high = model["delta_dice_ci95"]
        means = {group: model[group] for group in ("coarse", "refined", "delta")}
        title = f"{name}: {model['n_test']} test images"
        print("\n" + refinement_table(means, title))
        print(f"Dice difference: {model['delta']['dice']:+.4f}, 95 % bootstrap interval {low:+.4f} to {high:+.4f}")
        print(
            f"Dice rises by more than 0.01 in {100 * model['helped']:.0f} % of the images and falls by more in "
            f"{100 * model['harmed']:.0f} %, at worst by {max(-model['worst'], 0):.2f}"
        )
    print(
        f"\nSummary: {work_dir}/summary.json. Overlays: {work_dir}/overlays. TensorBoard: tensorboard --logdir {work_dir}"
    )
    print(f"{time.perf_counter() - begun:.0f} s")
    return 0


def _prepare(data: str, source: str | None) -> None:
    """Gets the published weights and the converted images where they aren't there yet, by the commands that a user would run."""
    converted = (DATA[data] / "splits.json").is_file()
    if not converted and data == "busi" and not source:
        raise UserError("give --source, the folder of the published BUSI files (benign/, malignant/, normal/)")
    if not converted and source and not Path(source).is_dir():
        # Before anything is fetched.
        raise MissingFileError(f"--source {source}: no such folder; give that of the published BUSI files")
    for name in WEIGHTS[data]:
        _run("weights", "get", name)
    if converted:
        return
    if data == "phantoms":
        raw = DATA[data].with_name("phantoms_raw")
        # Also where it was begun before: each image depends on the seed and its number alone, so nothing is lost.
        _run("phantoms", str(raw), "--num", str(NUM_PHANTOMS), "--seed", "0", "--max-side", str(MAX_SIDE))
        source = str(raw)
    _run("convert", "busi", source, str(DATA[data]))


def _run(*arguments: str) -> None:
    """Runs another sub-command; ends with its exit status if it fails."""
    status = subprocess.run([sys.executable, "-m", "ultraref", *arguments]).returncode
    if status:
        raise SystemExit(status)
