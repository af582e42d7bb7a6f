"""Converts NIfTI images and masks: python tools/dataset_converters/nifti.py SRC DST [--images GLOB] [--masks TEMPLATE] [--stack]."""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted

OPTIONS = {
    "--images": {"default": "imagesTr/*", "metavar": "GLOB", "help": "images, below SRC (default: %(default)s)"},
    "--masks": {
        "default": "labelsTr/{case}.nii.gz",
        "metavar": "TEMPLATE",
        "help": "mask of an image, below SRC; {folder} and {name} are the image's, {case} is {name} less nnU-Net's _0000 (default: "
        "%(default)s)",
    },
    "--classes": {"nargs": "+", "metavar": "VALUE", "help": "values of the masks that are lesion"},
    "--every": {"type": int, "default": 1, "metavar": "N", "help": "every N-th frame of a file (default: 1)"},
    "--stack": {"action": "store_true", "help": "the third axis of a volume holds frames"},
    "--patient": {"metavar": "REGEX", "help": "its first group, in the image's path below SRC, is the patient"},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, "nifti", OPTIONS)


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_nifti

    found = find_nifti(
        args.src,
        images=args.images,
        masks=args.masks,
        classes=args.classes,
        every=args.every,
        stack=args.stack,
        patient=args.patient,
    )
    return write_converted(found, args)
