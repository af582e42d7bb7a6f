"""Writes a report of tests, one page that stands alone; the first run is the one that cases and harm are told of:
python tools/report.py work_dirs/gated_busi_fold0 work_dirs/ultrarefiner_busi_fold0 --overlays overlays --out report
python tools/report.py work_dirs/quickstart --out report    (a protocol's work directory: all its tests)
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="work directory of a test, or NAME=FOLDER to call it by another name; or that of a protocol, alone",
    )
    parser.add_argument(
        "--out", metavar="DIR", required=True, help="receives report.html and report_tables/ (CSV and LaTeX)"
    )
    parser.add_argument(
        "--overlays",
        metavar="FOLDER",
        help="pictures of the first run's cases, from tools/test.py --show-dir (default: its overlays folder)",
    )
    parser.add_argument("--title", help="of the page (default: the first run's name)")


def main(args: argparse.Namespace) -> int:
    """Writes the report, and returns the exit status."""
    from ultraref.apis.report import read_runs_named, write_report
    from ultraref.protocol.report import is_protocol, read_protocol_study

    if len(args.runs) == 1 and is_protocol(args.runs[0]):
        study = read_protocol_study(args.runs[0], args.title, args.overlays)
    else:
        study = read_runs_named(args.runs, args.title, args.overlays)
    path = write_report(study, args.out)
    print(f"wrote {path} ({path.stat().st_size:,} bytes), tables in {Path(args.out) / 'report_tables'}")
    return 0
