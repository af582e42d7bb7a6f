"""Exports a trained model: as a bundle for ultraref, or as ONNX or TorchScript files for programs that don't have it:
python tools/export.py configs/phase3/gated.py work_dirs/gated_busi_fold0/best.pth --set busi --fold 0 --format bundle --out gated
"""

import argparse

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_config_arguments(parser)
    parser.add_argument("checkpoint", help="checkpoint of the whole model")
    parser.add_argument(
        "--format",
        choices=["bundle", "onnx", "torchscript"],
        required=True,
        help="bundle: safetensors, config.json and a model card, which ultraref loads; the others: one file for each part",
    )
    parser.add_argument("--out", metavar="FOLDER", required=True, help="folder that is written, whole or not at all")


def main(args: argparse.Namespace) -> int:
    """Exports, prints the files, and returns the exit status."""
    from ultraref.apis.export import export

    folder = export(config_from(args), args.checkpoint, args.format, args.out)
    for path in sorted(folder.iterdir()):
        print(f"wrote {path} ({path.stat().st_size:,} bytes)")
    return 0
