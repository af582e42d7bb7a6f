"""Converts outlines of LabelMe, VIA, CVAT, Supervisely or YOLO:
python tools/dataset_converters/annotations.py SRC DST [--format labelme|via|cvat|supervisely|yolo] [--classes NODULE]
"""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted
from ultraref.cli.convert.lesion_arguments import CLASSES, DRY_RUN, preview, split_names

OPTIONS = {
    "--format": {
        "choices": ("labelme", "via", "cvat", "supervisely", "yolo"),
        "help": "the tool that wrote the annotations (default: what the files look like)",
    },
    **CLASSES,
    "--label-attribute": {"metavar": "NAME", "help": "of VIA: the attribute of regions that is the class"},
    "--new-split": {
        "action": "store_true",
        "help": "make an own split, where folders are called train, valid and test; by default theirs is kept",
    },
    **DRY_RUN,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, None, OPTIONS, src_help="folder of the annotations and the images")


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_annotations

    found = find_annotations(
        args.src, args.format, split_names(args.classes), args.label_attribute, keep_split=not args.new_split
    )
    return preview(found) if args.dry_run else write_converted(found, args)
