"""Compares predicting a folder in batches with a loop over its images, one call an image.

A tiny model and made-up images: what is measured is what stands around the network. The two ways alternate within one run; each is
given as wall, user and system time, the ratio as the median of the pairs. Also printed: how the process's memory and open files grow
from the first folder run to the last.
"""

import argparse
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ultraref.apis import UltraRefInferencer, predict_files
from ultraref.atomic import write_json
from ultraref.registry import MODELS
from ultraref.testing.phantom import make_phantom
from ultraref.testing.tiny_models import tiny_refinement


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=500, help="images (default: %(default)s)")
    parser.add_argument("--side", type=int, default=96, help="their longer side in pixels (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=32, help="of the folder run (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=3, help="how often both are timed (default: %(default)s)")
    parser.add_argument("--json", help="file to write the results to")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder / "images", args.num, args.side)
        inferencer = tiny_inferencer(folder)
        report = compare(inferencer, folder, args.batch_size, args.pairs)
    for way in ("loop", "folder"):
        times = "  ".join(f"{kind} {value:.2f} s" for kind, value in report[way].items())
        print(f"{way:>6}: {times}")
    print(f" ratio: {report['ratio']:.2f} (loop / folder, wall), {report['cpu_ratio']:.2f} (user + system)")
    print(f"growth: {report['rss_growth_mb']:.1f} MB resident, {report['open_files_growth']} open files")
    if args.json:
        write_json(args.json, report)


def write_images(folder: Path, num: int, side: int) -> None:
    """Writes made-up images of a few shapes."""
    folder.mkdir()
    phantom = make_phantom(np.random.default_rng(0), "benign").image
    for index in range(num):
        height = side - 4 * (index % 5)
        cv2.imwrite(str(folder / f"{index:04d}.png"), cv2.resize(np.roll(phantom, index, 1), (side, height)))


def tiny_inferencer(folder: Path) -> UltraRefInferencer:
    """A phase-3 model with random weights."""
    steps = [dict(type="ResizeToModels", inputs=("coarse", "sam"), gt="sam"), dict(type="PackSegInputs")]
    cfg = Config(dict(model=tiny_refinement(), test_dataloader=dict(dataset=dict(pipeline=steps))))
    init_default_scope("ultraref")
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict(), meta={}), folder / "best.pth")
    return UltraRefInferencer(cfg, folder / "best.pth", "cpu")


def compare(inferencer: UltraRefInferencer, folder: Path, batch_size: int, pairs: int) -> dict:
    """Times both ways in turn."""
    images = sorted((folder / "images").iterdir())

    def loop(turn: int) -> None:
        for image in images:
            inferencer(image, batch_size=1, out_dir=folder / f"loop{turn}" / image.stem)

    def whole(turn: int) -> None:
        predict_files(
            inferencer, folder / "images", folder / f"folder{turn}", batch_size=batch_size, show_progress=False
        )

    loops, wholes, resident, files = [], [], [], []
    for turn in range(pairs):
        loops.append(timed(lambda: loop(turn)))  # noqa: B023, called at once
        wholes.append(timed(lambda: whole(turn)))  # noqa: B023, called at once
        resident.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20)
        files.append(len(os.listdir("/proc/self/fd")))
    middle = {kind: [run[kind] for run in loops] for kind in ("wall", "user", "system")}
    return {
        "loop": {kind: statistics.median(values) for kind, values in middle.items()},
        "folder": {kind: statistics.median(run[kind] for run in wholes) for kind in ("wall", "user", "system")},
        "ratio": statistics.median(a["wall"] / b["wall"] for a, b in zip(loops, wholes)),
        "cpu_ratio": statistics.median(
            (a["user"] + a["system"]) / (b["user"] + b["system"]) for a, b in zip(loops, wholes)
        ),
        "rss_growth_mb": resident[-1] - resident[0],
        "open_files_growth": files[-1] - files[0],
    }


def timed(work) -> dict[str, float]:
    """Wall, user and system time of a call, in seconds."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return dict(wall=wall, user=after.ru_utime - before.ru_utime, system=after.ru_stime - before.ru_stime)


if __name__ == "__main__":
    main()
