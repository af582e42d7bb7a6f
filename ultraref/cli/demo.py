"""Opens a local page to refine lesions by clicks, boxes and a brush. Without a MODEL it is LiteMedSAM as it was published:
python tools/demo.py
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        default="refine/lite_medsam.py",
        help="recipe, config file, or folder of an exported model that refines (default: refine/lite_medsam.py)",
    )
    parser.add_argument(
        "--weights",
        metavar="CHECKPOINT",
        help="checkpoint of the whole model, as training leaves it (default: the weights that the recipe names)",
    )
    parser.add_argument("--set", metavar="SET", help="the set of images of a recipe; some file names depend on it")
    parser.add_argument("--fold", metavar="FOLD", help="the fold of a recipe, likewise")
    parser.add_argument("--device", help="default: cuda where there is one")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: 127.0.0.1, this machine alone); there is no password",
    )
    parser.add_argument("--port", type=_port, default=7860, help="default: 7860")
    parser.add_argument(
        "--max-mb", type=_positive, default=64, metavar="N", help="refuse larger files (default: 64 MB)"
    )
    parser.add_argument(
        "--max-pixels",
        type=_positive,
        default=16_000_000,
        metavar="N",
        help="refuse larger images (default: 16,000,000)",
    )


def main(args: argparse.Namespace) -> int:
    """Serves the page until Ctrl-C or a signal to end, and returns the exit status."""
    import signal
    import threading
    from pathlib import Path

    from ultraref.apis.demo.demo_model import DemoModel, make_demo_model
    from ultraref.apis.demo.serve import demo_server, is_loopback

    def make(folder: Path) -> DemoModel:
        return make_demo_model(args.model, args.weights, args.device, folder, args.max_pixels, args.set, args.fold)

    # So that the temporary folder goes then too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with demo_server(make, args.host, args.port, args.max_mb * 1_000_000, args.max_pixels) as address:
        if not is_loopback(args.host):
            print(f"whoever reaches {args.host} can use this page: there is no password")
        print(f"{address} is open; Ctrl-C ends it", flush=True)
        threading.Event().wait()
    return 0


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port; it is a number from 1 to 65535")
    return int(text)


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)
