"""Learning curves of one or more runs."""

import io
import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ultraref.apis.compare import distinct_names
from ultraref.atomic import atomic_file
from ultraref.errors import MissingFileError, UserError

DEFAULT_KEYS = ("loss", "val_*/dice", "lr")
# By key of the log, (step, value) in order. Steps of training are iterations, those of validation epochs.
Curves = dict[str, list[tuple[float, float]]]


def read_curves(work_dir: str | Path) -> Curves:
    """Reads what a training logged: WORK_DIR/TIME/vis_data/scalars.json, of a run that was resumed several.

    Where a resumed run did a step again, the later value counts.

    Raises:
        FileNotFoundError: there is no log.
        UserError: a log is damaged.
    """
    files = sorted(Path(work_dir).glob("*/vis_data/scalars.json"))
    if not files:
        raise MissingFileError(
            f"{work_dir}: no log (*/vis_data/scalars.json); give the work directory of a training, such as work_dirs/gated_busi_fold0"
        )
    curves: dict[str, dict[float, float]] = {}
    for file in files:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                step = float(row["step"])
            except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
                if number == len(lines):
                    # The run was killed while it wrote, or writes now.
                    continue
                raise UserError(f"{file}, line {number}: not a line of a log ({error!r})") from error
            for key, value in row.items():
                if isinstance(value, (int, float)) and key not in ("step", "iter", "epoch"):
                    curves.setdefault(key, {})[step] = value
    return {key: sorted(points.items()) for key, points in curves.items()}


def plot_logs(work_dirs: Sequence[str | Path], out: str | Path, keys: Sequence[str] = DEFAULT_KEYS) -> list[str]:
    """Draws one panel for each key, with a line for each run.

    Args:
        work_dirs: of trainings.
        out: the picture, .png or .svg.
        keys: names of the log, or patterns with `*`.

    Returns:
        The keys that were drawn.

    Raises:
        FileNotFoundError: a run has no log.
        UserError: no run logged one of the keys, or the picture has another suffix.
    """
    out = Path(out)
    if out.suffix not in (".png", ".svg"):
        raise UserError(f"{out}: a picture ends in .png or .svg")
    if len({Path(path).resolve() for path in work_dirs}) < len(work_dirs):
        raise UserError(f"a run is given twice: {', '.join(map(str, work_dirs))}")
    curves = [read_curves(path) for path in work_dirs]
    known = sorted({key for run in curves for key in run})
    drawn = []
    for pattern in keys:
        found = [key for key in known if fnmatchcase(key, pattern) and key not in drawn]
        if not found and not any(fnmatchcase(key, pattern) for key in known):
            raise UserError(f"no run logged {pattern!r}; they logged {', '.join(known)}")
        drawn += found
    names = distinct_names([Path(path) for path in work_dirs])
    with atomic_file(out) as file:
        file.write(_draw(dict(zip(names, curves)), drawn, out.suffix[1:]))
    return drawn


def _draw(runs: Mapping[str, Curves], keys: Sequence[str], kind: str) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(3, len(keys))
    rows = -(-len(keys) // columns)
    # Not through pyplot, whose figures are global.
    figure = Figure(figsize=(4.5 * columns, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for place, key in enumerate(keys, 1):
        axes = figure.add_subplot(rows, columns, place)
        for number, (name, curves) in enumerate(runs.items()):
            points = curves.get(key)
            if points:
                axes.plot(*zip(*points), label=name, color=f"C{number}", marker="." if len(points) < 30 else None)
        axes.set_title(key, fontsize=10)
        axes.set_xlabel("epoch" if key.startswith("val_") else "iteration", fontsize=9)
        axes.grid(alpha=0.3)
        if place == 1 and len(runs) > 1:
            axes.legend(fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=120)
    return buffer.getvalue()
