"""Converts any folder of images and masks:
python tools/dataset_converters/folder.py SRC DST --images "*/image_*.png" --masks "*/*_mask.png" \\
    --mask-name "{name}_mask"
"""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted

OPTIONS = {
    "--images": {"default": "images/*", "metavar": "GLOB", "help": "images, below SRC (default: %(default)s)"},
    "--masks": {"default": "masks/*", "metavar": "GLOB", "help": "masks, below SRC (default: %(default)s)"},
    "--mask-name": {
        "default": "{name}",
        "metavar": "PATTERN",
        "help": "stem of the masks of image {name}; with a *, there may be several; {case} is {name} less nnU-Net's _0000 "
        "(default: %(default)s)",
    },
    "--patient": {"metavar": "REGEX", "help": "its first group, in the image's path below SRC, is the patient"},
    "--class": {"dest": "category", "metavar": "REGEX", "help": "its first group is the class"},
    "--folds": {
        "metavar": "FILE",
        "help": "splits_final.json of an nnU-Net that is trained already: its folds are taken over, and images that it doesn't have "
        "are for testing",
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, "folder", OPTIONS)


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_folder

    found = find_folder(
        args.src,
        images=args.images,
        masks=args.masks,
        mask_name=args.mask_name,
        patient=args.patient,
        category=args.category,
    )
    if args.folds is not None:
        from ultraref.datasets.prediction_import import NnunetSplits, adopt_folds

        found = adopt_folds(found, NnunetSplits.read(args.folds))
    return write_converted(found, args)
