"""Times the conversion of made-up screenshots, with masking, hashing and grouping, by the wall clock.

Every image is a screenshot of one scanner around a tissue of its own; one in fifty has a copy. The images are written first, which isn't timed.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from ultraref.atomic import write_json
from ultraref.datasets.converters import Found, RawSample, convert
from ultraref.testing.screenshot import make_screen, make_tissue


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=2000, help="images (default: %(default)s)")
    parser.add_argument("--size", type=int, nargs=2, default=[600, 800], help="height and width (default: 600 800)")
    parser.add_argument("--without-screen", action="store_true", help="tissue alone")
    parser.add_argument("--json", help="file to write the results to")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples = write_samples(Path(folder), args.num, tuple(args.size), not args.without_screen)
        start, start_cpu = time.perf_counter(), time.process_time()
        report = convert(Found(samples), Path(folder) / "converted", "benchmark")
        result = {
            "images": args.num,
            "size": args.size,
            "screen": not args.without_screen,
            "seconds": round(time.perf_counter() - start, 1),
            "cpu_seconds": round(time.process_time() - start_cpu, 1),
            "groups": report.num_groups,
        }
    print(
        f"{result['images']} images: {result['seconds']} s, {result['cpu_seconds']} s of CPU, {result['groups']} groups"
    )
    if args.json:
        write_json(args.json, result)


def write_samples(folder: Path, num: int, size: tuple[int, int], has_screen: bool) -> list[RawSample]:
    """Writes images and masks of (height, width) pixels."""
    screen, samples = make_screen(*size), []
    for number in track(range(num), description="images"):
        # Every fiftieth image is a darker copy of the one before.
        rng = np.random.default_rng(number - (number % 50 == 49))
        tissue = make_tissue(rng, *size)
        if number % 50 == 49:
            tissue = np.round(0.8 * tissue + 10).astype(np.uint8)
        image = screen.show(tissue) if has_screen else tissue
        mask = np.zeros(image.shape, np.uint8)
        top, left = rng.integers(size[0] // 4, size[0] // 2), rng.integers(size[1] // 4, size[1] // 2)
        mask[top : top + size[0] // 5, left : left + size[1] // 5] = 255
        paths = folder / f"i{number:05d}.png", folder / f"i{number:05d}_mask.png"
        for path, array in zip(paths, (image, mask)):
            Image.fromarray(array).save(path, compress_level=1)
        samples.append(RawSample(f"i{number:05d}", paths[0], (paths[1],)))
    return samples


if __name__ == "__main__":
    main()
