"""Calibrates a ConformalGate on the validation fold, so that it harms at most a given share of the cases:
python tools/calibrate_gate.py configs/ablations/gates/gate_conformal.py work_dirs/lite_busi_fold0/best.pth --set busi --fold 0
"""

import argparse

from ultraref.cli.config_arguments import add_config_arguments, config_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_config_arguments(parser, "config whose model.gate is a ConformalGate")
    parser.add_argument("checkpoint", help="trained model, with this gate or with the one inside it")
    parser.add_argument("--alpha", type=float, default=0.05, help="greatest share harmed (default: %(default)s)")
    parser.add_argument(
        "--out", metavar="FILE", help="the new checkpoint (default: NAME_calibrated.pth beside the given)"
    )
    parser.add_argument("--device", help="default: cuda where there is one")


def main(args: argparse.Namespace) -> int:
    """Calibrates, prints what is promised and the file that was written, and returns the exit status."""
    from ultraref.apis import calibrate_gate
    from ultraref.engine.gate_calibration import PROMISE, describe_calibration

    cfg = config_from(args)
    path, record = calibrate_gate(cfg, args.checkpoint, args.alpha, out=args.out, device=args.device)
    print(f"{describe_calibration(record)}.\n{PROMISE}.\nwrote {path}")
    return 0
