"""Converts any folder of images and masks, found by templates of their paths:
python tools/dataset_converters/folder.py SRC DST --images "{patient}/img/{frame}.png" --masks "{patient}/seg/{frame}.png"
"""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted
from ultraref.cli.convert.lesion_arguments import DRY_RUN, MASK_OPTIONS, lesion_choice, preview

OPTIONS = {
    "--images": {
        "default": "images/{name}.*",
        "metavar": "TEMPLATE",
        "help": "images below SRC, with named parts; patient, study, side, video, frame, class and split fill those columns, others "
        "become columns of their own; {part:REGEX} limits a part, * is any text (default: %(default)s)",
    },
    "--masks": {
        "default": "masks/{name}.*",
        "metavar": "TEMPLATE",
        "help": "their masks, which have the same parts; several are united where it has a part of its own or a * (default: %(default)s)",
    },
    **MASK_OPTIONS,
    **DRY_RUN,
    "--folds": {
        "metavar": "FILE",
        "help": "splits_final.json of an nnU-Net that is trained already: its folds are taken over, and images that it doesn't have "
        "are for testing",
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, None, OPTIONS, src_help="folder that the templates are below")


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_folder

    found = find_folder(args.src, args.images, args.masks, lesion_choice(args))
    if args.folds is not None:
        from ultraref.datasets.prediction_import import NnunetSplits, adopt_folds

        found = adopt_folds(found, NnunetSplits.read(args.folds))
    return preview(found) if args.dry_run else write_converted(found, args)
