"""Stores out-of-fold coarse predictions for phase 2:
python tools/predict_coarse.py configs/phase1/transunet.py work_dirs/transunet_busi_fold0/best.pth --set busi --fold 0
"""

import argparse
import sys

from ultraref.apis.config import add_config_arguments, config_from


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_config_arguments(parser, "phase-1 recipe")
    parser.add_argument("checkpoint", help="checkpoint that this config made")
    parser.add_argument(
        "--split", choices=["val", "test"], default="val", help="the fold that was held out, or the test set"
    )
    parser.add_argument("--out", metavar="FOLDER", help="root of the store (default: predictions_root of the config)")
    parser.add_argument("--device", help="default: cuda where there is one")
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    from ultraref.apis import predict_coarse

    cfg = config_from(args)
    folder = predict_coarse(cfg, args.checkpoint, args.split, root=args.out, device=args.device)
    print(f"wrote {folder}")
    return 0


if __name__ == "__main__":
    from ultraref.console import run

    sys.exit(run(main))
