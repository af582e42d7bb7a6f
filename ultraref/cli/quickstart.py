"""Runs all three phases: with tiny models on made-up images, or from published weights on real BUSI:
python tools/quickstart.py phantoms
python tools/quickstart.py busi --source FOLDER_OF_THE_PUBLISHED_FILES
The short name of python tools/run_protocol.py quickstart, and of ... busi.
"""

import argparse
import os
from pathlib import Path

from ultraref.errors import MissingFileError, UserError

PROTOCOLS = {"phantoms": "quickstart", "busi": "busi"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("data", choices=list(PROTOCOLS))
    parser.add_argument("--source", help="busi: the folder with benign/, malignant/ and normal/")


def main(args: argparse.Namespace) -> int:
    """Trains and tests, prints what refinement changed, and returns the exit status."""
    is_converted = Path(os.environ.get("ULTRAREF_DATA", "data"), "busi", "splits.json").is_file()
    if args.data == "busi" and not is_converted:
        # Before anything is fetched.
        if not args.source:
            raise UserError("give --source, the folder of the published BUSI files (benign/, malignant/, normal/)")
        if not Path(args.source).is_dir():
            raise MissingFileError(f"--source {args.source}: no such folder; give that of the published BUSI files")
    from ultraref.protocol.run import run_protocol

    # Images that are converted need no source.
    sources = {"busi": args.source} if args.data == "busi" and not is_converted else {}
    return run_protocol(PROTOCOLS[args.data], sources=sources)
