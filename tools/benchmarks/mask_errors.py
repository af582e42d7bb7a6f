"""Times the simulated segmentation errors against one SciPy distance transform of the same masks, on one thread.

Masks are scaled to each size by nearest neighbour. A sample is all that the augmentor does: the primary error,
secondary perturbations, the soft map and the record. Times are CPU times of the process, so that other programs on the
machine hardly count, and for every mask the transform, each type and the default mix are timed in turn. A ratio is mean
time / mean time of the transform.
"""

import argparse
import time
from collections.abc import Callable

import cv2
import numpy as np
from rich.progress import track
from scipy.ndimage import distance_transform_edt

from ultraref.atomic import write_json
from ultraref.datasets.mask_errors import PRESETS, MaskErrorAugmentor
from ultraref.datasets.mask_errors.find_masks import find_masks
from ultraref.testing.phantom import make_phantom

# The mix varies more from sample to sample than a single type does.
MIX_DRAWS = 8


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--masks", help="mask file, folder of masks or dataset (default: masks of phantoms)")
    parser.add_argument("--json", help="file to write the results to: size -> times and ratios")
    parser.add_argument(
        "--num", type=int, default=40, help="masks to use, evenly spaced by name (default: %(default)s)"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024], help="default: 256 512 1024")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    cv2.setNumThreads(1)
    masks = list(find_masks(args.masks).values()) if args.masks else phantom_masks(args.num, args.seed)
    chosen = np.unique(np.linspace(0, len(masks) - 1, min(args.num, len(masks))).round().astype(int))
    report = {}
    for size in args.sizes:
        scaled = [cv2.resize(masks[index], (size, size), interpolation=cv2.INTER_NEAREST) for index in chosen]
        result = benchmark(track(scaled, description=f"{size} px"), args.seed)
        report[str(size)] = result
        print_result(size, result)
    if args.json:
        write_json(args.json, report)


def phantom_masks(num: int, seed: int) -> list[np.ndarray]:
    """Masks of ``num`` made-up images, benign and malignant in turn."""
    phantoms = (
        make_phantom(np.random.default_rng([seed, index]), ("benign", "malignant")[index % 2]) for index in range(num)
    )
    return [np.maximum.reduce(phantom.masks) for phantom in phantoms]


def benchmark(masks, seed: int) -> dict:
    """Time one SciPy transform, every type and the default mix on masks of one size.

    Args:
        masks: Iterable of (H, W) uint8 in {0, 1}.
        seed: Sample k of mask i draws from ``default_rng([seed, k, i])``.

    Returns:
        ``num_masks``; ``edt_ms``; ``mix_ms`` and ``mix_ratio``; ``max_ratio`` over the types; ``types``: name -> ``ms``
        and ``ratio``.
    """
    singles = [MaskErrorAugmentor(weights={name: 1.0}) for name in PRESETS["default"]]
    augmentors = {augmentor.errors[0].name: augmentor for augmentor in singles}
    mix = MaskErrorAugmentor()
    edt_ms, mix_ms, type_ms = [], [], {name: [] for name in augmentors}
    for index, mask in enumerate(masks):
        if index == 0:
            mix(mask, np.random.default_rng(seed))  # the first call pays for lazy imports and cold caches
            distance_transform_edt(mask)
        edt_ms.append(_milliseconds(distance_transform_edt, mask))
        for name, augmentor in augmentors.items():
            type_ms[name].append(_milliseconds(augmentor, mask, np.random.default_rng([seed, 0, index])))
        mix_ms += [_milliseconds(mix, mask, np.random.default_rng([seed, k, index])) for k in range(MIX_DRAWS)]
    edt = float(np.mean(edt_ms))
    types = {name: {"ms": float(np.mean(ms)), "ratio": float(np.mean(ms)) / edt} for name, ms in type_ms.items()}
    return {
        "num_masks": len(edt_ms),
        "edt_ms": edt,
        "mix_ms": float(np.mean(mix_ms)),
        "mix_ratio": float(np.mean(mix_ms)) / edt,
        "max_ratio": max(entry["ratio"] for entry in types.values()),
        "types": types,
    }


def _milliseconds(function: Callable, *arguments) -> float:
    start = time.process_time()
    function(*arguments)
    return 1e3 * (time.process_time() - start)


def print_result(size: int, result: dict) -> None:
    """Prints one size's times as a table."""
    print(f"{size} px: SciPy transform {result['edt_ms']:.2f} ms")
    for name, entry in [
        *result["types"].items(),
        ("default mix", {"ms": result["mix_ms"], "ratio": result["mix_ratio"]}),
    ]:
        print(f"  {name:26s} {entry['ms']:7.2f} ms  {entry['ratio']:.3f}")


if __name__ == "__main__":
    main()
