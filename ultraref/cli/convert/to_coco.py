"""Writes a converted set as COCO instances: python tools/dataset_converters/to_coco.py ROOT OUT.json."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument("root", help="the converted set")
    parser.add_argument("out", help="JSON file to write; file names in it are relative to ROOT")


def main(args: argparse.Namespace) -> int:
    """Writes the file, prints what is in it, and returns the exit status."""
    from rich.progress import track

    from ultraref.apis.output_folder import check_writable_file
    from ultraref.atomic import write_json
    from ultraref.datasets.converters import to_coco

    check_writable_file(args.out, "OUT")
    content = to_coco(args.root, lambda names: track(names, description="masks"))
    write_json(args.out, content, indent=None)
    print(f"{args.out}: {len(content['images'])} images, {len(content['annotations'])} annotations")
    return 0
