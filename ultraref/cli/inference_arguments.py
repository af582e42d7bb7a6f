"""The arguments of the commands that run a model on files."""

import argparse
from typing import TYPE_CHECKING

from ultraref.cli.config_arguments import CfgOptions

if TYPE_CHECKING:
    from ultraref.apis import UltraRefInferencer

OUTPUTS = ("masks", "probabilities", "overlays", "gates", "sam", "dicom-seg")


def add_inference_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what both commands take: the model, the images, where the results go."""
    parser.add_argument("model", metavar="MODEL", help="recipe, config file, or folder of an exported model")
    parser.add_argument("input", metavar="INPUT", nargs="+", help="image files, folders (with those in them), globs")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="receives the results")
    parser.add_argument(
        "--weights",
        metavar="CHECKPOINT",
        help="checkpoint of the whole model, as training leaves it (default: the weights that the recipe names)",
    )
    parser.add_argument("--set", metavar="SET", help="the set of images of a recipe; some file names depend on it")
    parser.add_argument("--fold", metavar="FOLD", help="the fold of a recipe, likewise")
    parser.add_argument(
        "--save",
        nargs="+",
        choices=OUTPUTS,
        default=["masks"],
        metavar="KIND",
        help=f"what is written: {', '.join(OUTPUTS)} (default: masks)",
    )
    parser.add_argument("--threshold", type=float, default=0.5, help="lesion is what lies above it (default: 0.5)")
    parser.add_argument("--tta", action="store_true", help="average over the images and their mirror images")
    parser.add_argument(
        "--temporal-median",
        type=int,
        default=1,
        metavar="N",
        help="of a video, refine the median of the coarse probability over N frames, an odd number (default: 1, each frame alone)",
    )
    parser.add_argument(
        "--video-folders", action="store_true", help="with it: the images in a folder are the frames of one video"
    )
    parser.add_argument("--batch-size", type=int, default=8, help="images at a time (default: 8)")
    parser.add_argument("--device", help="default: cuda where there is one")
    parser.add_argument("--shard", type=_shard, default=(1, 1), metavar="I/N", help="do the I-th of N parts, I from 1")
    parser.add_argument("--max-pixels", type=int, default=40_000_000, help="refuse larger images (default: 40,000,000)")
    parser.add_argument(
        "--allow-custom-imports", action="store_true", help="import the modules that an exported model names: runs them"
    )
    parser.add_argument(
        "--cfg-options", nargs="+", action=CfgOptions, metavar="KEY=VALUE", help="change keys of the config"
    )


def inferencer_from(args: argparse.Namespace, **options) -> "UltraRefInferencer":
    """Builds the model that the arguments name."""
    from ultraref.apis import UltraRefInferencer

    return UltraRefInferencer(
        args.model,
        args.weights,
        args.device,
        set=args.set,
        fold=args.fold,
        cfg_options=args.cfg_options,
        max_pixels=args.max_pixels,
        allow_custom_imports=args.allow_custom_imports,
        tta=args.tta,
        temporal_median=args.temporal_median,
        video_folders=args.video_folders,
        **options,
    )


def run(args: argparse.Namespace, inferencer: "UltraRefInferencer", coarse: str | None = None) -> int:
    """Predicts, prints what came of it, and returns the exit status: 1 where something was left out."""
    import sys

    from ultraref.apis import predict_files

    report = predict_files(
        inferencer, args.input, args.out, coarse, args.save, args.threshold, args.batch_size, args.shard
    )
    kept = f", {report.kept} were there" if report.kept else ""
    print(f"wrote {report.written} predictions to {args.out}{kept}")
    if inferencer.temporal_median > 1 and report.alone:
        print(
            f"{report.alone} images are of no video, so that --temporal-median left them as they are; "
            "--video-folders takes the images in a folder as one"
        )
    for title, lines in (
        ("could not be predicted", [f"{name}: {reason}" for name, reason in sorted(report.failed.items())]),
        ("coarse masks belong to no image", [str(path) for path in report.unused]),
    ):
        if lines:
            print(f"{len(lines)} {title}:", *lines[:20], sep="\n- ", file=sys.stderr)
        if len(lines) > 20:
            print(f"- and {len(lines) - 20} more", file=sys.stderr)
    return 1 if report.failed or report.unused else 0


def _shard(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N, such as 3/8")
    return int(part), int(parts)
