"""Writes a converted set as COCO instances: python tools/dataset_converters/to_coco.py ROOT OUT.json."""

import argparse
import sys

from rich.progress import track

from ultraref.atomic import write_json
from ultraref.console import run
from ultraref.datasets.converters import to_coco


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", help="the converted set")
    parser.add_argument("out", help="JSON file to write; file names in it are relative to ROOT")
    args = parser.parse_args()
    content = to_coco(args.root, lambda names: track(names, description="masks"))
    write_json(args.out, content, indent=None)
    print(f"{args.out}: {len(content['images'])} images, {len(content['annotations'])} annotations")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
