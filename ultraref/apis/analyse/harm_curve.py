"""Coverage against harm and gain, for each score by which a case may be accepted."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from ultraref.atomic import atomic_file
from ultraref.errors import UserError
from ultraref.evaluation.case_table import read_cases
from ultraref.evaluation.harm_curve import HarmCurve, available_scores, harm_curve

# Share harmed that a printed line is about.
LIMITS = (0.05, 0.10)


def draw_harm_curves(runs: Sequence[str | Path], out: str | Path, scores: Sequence[str] = ()) -> dict[str, HarmCurve]:
    """Draws harm over coverage and gain over harm, a line for each score, of the cases of all runs together.

    Args:
        runs: work directories of tests (or their metrics.csv) in which every case was refined, such as the folds of one recipe.
        out: the picture, .png or .svg.
        scores: of `ultraref.evaluation.harm_curve.SCORES`; by default all that the tables have.

    Returns:
        The curves by score.

    Raises:
        FileNotFoundError: a run has no table of cases.
        UserError: a score is not known, or not in a table; the picture has another suffix.
    """
    out = Path(out)
    if out.suffix not in (".png", ".svg"):
        raise UserError(f"{out}: a picture ends in .png or .svg")
    paths = [Path(run) / "metrics.csv" if Path(run).is_dir() else Path(run) for run in runs]
    rows = [row for path in paths for row in read_cases(path)]
    curves = {score: harm_curve(rows, score) for score in scores or available_scores(rows)}
    if not curves:
        raise UserError(f"{paths[0]}: has no column delta_dice; give the test of a model that refines")
    with atomic_file(out) as file:
        file.write(_draw(curves, len(rows), out.suffix[1:]))
    return curves


def describe_curves(curves: Mapping[str, HarmCurve]) -> list[str]:
    """Returns a line for each score: the greatest gain within each of LIMITS, chosen on these very cases."""
    lines = []
    for score, curve in curves.items():
        parts = []
        for limit in LIMITS:
            coverage, harmed, gain = curve.best_within(limit)
            parts.append(f"{gain:+.4f} at {harmed:.1%} harmed ({coverage:.0%} accepted)")
        lines.append(f"{score}: " + ", ".join(parts))
    return lines


def _draw(curves: Mapping[str, HarmCurve], count: int, kind: str) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Not through pyplot, whose figures are global.
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    harm, gain = figure.subplots(1, 2)
    for number, (score, curve) in enumerate(curves.items()):
        style = dict(label=score, color=f"C{number}", linestyle="--" if score == "oracle" else "-", linewidth=1.3)
        harm.plot(100 * curve.coverage, 100 * curve.harmed, **style)
        gain.plot(100 * curve.harmed, curve.gain, **style)
    harm.set(xlabel=f"accepted, % of {count} images", ylabel="harmed, % of all", title="coverage against harm")
    gain.set(xlabel="harmed, % of all", ylabel="mean change of Dice", title="harm against gain")
    for axes in (harm, gain):
        axes.grid(alpha=0.3)
    harm.legend(fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=90)
    return buffer.getvalue()
