"""Several models on the same cases: differences, intervals, tests, effect sizes, harm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ultraref.errors import UserError
from ultraref.evaluation.case import GROUPS
from ultraref.evaluation.metrics import CHANGE, LARGE_CHANGE
from ultraref.evaluation.statistics import (
    NonInferiority,
    bootstrap_mean_ci,
    holm,
    non_inferiority,
    paired_wilcoxon,
    resampling_of,
)

# How many cases an error lists.
_SHOWN = 20


@dataclass(frozen=True)
class Run:
    """What a test left.

    Attributes:
        name: what the comparison calls it.
        rows: its table of cases, as `read_cases` gives it.
        measured: `measured` of its metrics.json: how was measured.
    """

    name: str
    rows: Sequence[Mapping]
    measured: Mapping = field(default_factory=dict)

    def cases(self) -> dict[tuple[str, str], Mapping]:
        """Returns the rows by set and name.

        Raises:
            UserError: a case comes twice.
        """
        found: dict[tuple[str, str], Mapping] = {}
        for row in self.rows:
            key = row["dataset"], row["name"]
            if key in found:
                raise UserError(f"run {self.name}: the case {_label(key)} comes twice in its table")
            found[key] = row
        return found


@dataclass(frozen=True)
class Comparison:
    """One metric of one run against the reference run.

    Attributes:
        metric, label: its name and how it is shown.
        reference, other: names of the runs.
        images, units, unit: number of images; number and kind of the units that bootstrap and test count.
        reference_mean, other_mean, difference: means over images, and other minus reference.
        ci95: bootstrap interval of the difference.
        p, p_holm: of Wilcoxon's signed-rank test by unit, as it is and adjusted for all comparisons made together.
        effect: rank-biserial correlation, above 0 where the other run's values are higher.
        harmed, harmed_5: shares of images that are worse than in the reference by more than 0.01 and 0.05; None where the metric isn't in
            [0, 1].
        worst: the largest loss of an image, below 0, in the metric's own unit.
        decimals: digits after the point.
        non_inferior: outcome with the margin; None without one.
    """

    metric: str
    label: str
    reference: str
    other: str
    images: int
    units: int
    unit: str
    reference_mean: float
    other_mean: float
    difference: float
    ci95: tuple[float, float]
    p: float
    p_holm: float
    effect: float
    harmed: float | None
    harmed_5: float | None
    worst: float
    decimals: int
    non_inferior: NonInferiority | None


def compare_runs(
    runs: Sequence[Run], metrics: Sequence[str] = ("dice",), margin: float | None = None
) -> list[Comparison]:
    """Compares each run with the first one.

    Args:
        runs: two or more, on the same cases.
        metrics: names such as "dice" or "hd95", of the refined mask, or of the coarse one in a run without refinement; or the name of a
            column, such as "coarse_dice".
        margin: for non-inferiority, in the metric's own unit; None makes no such test.

    Returns:
        For each metric one comparison a run, in order.

    Raises:
        UserError: the cases differ, or how was measured; a run hasn't measured a metric; a margin is given for several metrics.
    """
    if len(runs) < 2:
        raise UserError(f"a comparison needs two runs or more; got {len(runs)}")
    if margin is not None and len(metrics) > 1:
        raise UserError("a margin is in a metric's own unit: with --margin name one metric")
    check_same_cases(runs)
    drafts = []
    for metric in metrics:
        described = _describe(runs, metric)
        columns = [_column(run, metric) for run in runs]
        drafts += [
            _compare(runs[0], other, metric, described, (columns[0], column), margin)
            for other, column in zip(runs[1:], columns[1:])
        ]
    adjusted = holm([draft["p"] for draft in drafts])
    return [Comparison(**draft, p_holm=p) for draft, p in zip(drafts, adjusted)]


def check_same_cases(runs: Sequence[Run]) -> list[str]:
    """Checks that all runs were measured on the same images, in the same way.

    Returns:
        What couldn't be checked, in words; nothing if all could.

    Raises:
        UserError: lists the cases that differ.
    """
    first, unknown = runs[0], []
    own = first.cases()
    for run in runs[1:]:
        other, pair = run.cases(), f"{first.name} and {run.name}"
        problems = [f"only in {first.name}: {_label(key)}" for key in own if key not in other]
        problems += [f"only in {run.name}: {_label(key)}" for key in other if key not in own]
        hashes = [(key, own[key].get("hash"), other[key].get("hash")) for key in own if key in other]
        problems += [f"other pixels under one name: {_label(key)}" for key, a, b in hashes if a and b and a != b]
        if problems:
            more = f"\n- and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
            shown = "\n".join(f"- {problem}" for problem in problems[:_SHOWN])
            raise UserError(
                f"the cases of {pair} differ, so that they can't be compared ({len(problems)} differences):\n{shown}{more}\nTest both on "
                "the same set and split"
            )
        if not all(a and b for _, a, b in hashes) and not _same_splits(first, run):
            unknown.append(f"{pair}: the tables have no hashes of the images; only their names were compared")
        for key in ("size", "threshold"):
            a, b = first.measured.get(key), run.measured.get(key)
            if a != b:
                raise UserError(
                    f"{pair} were measured differently: {key} is {a!r} and {b!r}; test again with one "
                    f"(--cfg-options test_evaluator.{key}=...)"
                )
    return unknown


def _same_splits(first: Run, other: Run) -> bool:
    a, b = first.measured.get("splits") or {}, other.measured.get("splits") or {}
    if a and b and None not in (*a.values(), *b.values()):
        if a != b:
            raise UserError(
                f"{first.name} and {other.name} were tested with different splits of {', '.join(sorted({*a, *b}))}"
            )
        return True
    return False


def _describe(runs: Sequence[Run], metric: str) -> Mapping:
    """Returns what metrics.json says of a metric, which must be the same in all runs."""
    group, _, bare = metric.partition("_")
    bare = bare if group in GROUPS else metric
    found = [run.measured.get("metrics", {}).get(bare) for run in runs]
    for run, described in zip(runs, found):
        if described is None:
            known = ", ".join(run.measured.get("metrics", {})) or "nothing"
            raise UserError(f"run {run.name} doesn't say what {bare!r} is; its metrics.json describes {known}")
        if described.get("rule") != found[0].get("rule"):
            raise UserError(
                f"{bare} was measured differently: in {runs[0].name} {found[0].get('rule')!r}, in {run.name} {described.get('rule')!r}"
            )
    return found[0]


def _column(run: Run, metric: str) -> str:
    for column in (metric, f"refined_{metric}", f"coarse_{metric}"):
        if any(isinstance(row.get(column), float) for row in run.rows):
            return column
    raise UserError(f"run {run.name} has no values of {metric!r} in its table of cases")


def _compare(
    reference: Run, other: Run, metric: str, described: Mapping, columns: tuple[str, str], margin: float | None
) -> dict:
    """Returns the arguments of a `Comparison`, but for the adjusted p value."""
    cases = other.cases()
    pairs = [(row, row[columns[0]], cases[key][columns[1]]) for key, row in reference.cases().items()]
    absent = [row["name"] for row, a, b in pairs if (a is None) != (b is None)]
    if absent:
        raise UserError(
            f"{metric}: only one of {reference.name} and {other.name} has a value for {', '.join(absent[:_SHOWN])}"
        )
    # A distance in mm, say, is known for some images only.
    pairs = [(row, a, b) for row, a, b in pairs if a is not None]
    before, after = (np.array([pair[place] for pair in pairs]) for place in (1, 2))
    units = resampling_of([row for row, *_ in pairs])
    difference = after - before
    lower = described["lower_is_better"]
    gain = -difference if lower else difference
    test = paired_wilcoxon(difference, units.groups)
    shares = [float(np.mean(gain < -limit)) if described["bounded"] else None for limit in (CHANGE, LARGE_CHANGE)]
    label = described["label"]
    return dict(
        metric=metric,
        label=label if metric.partition("_")[0] not in GROUPS else f"{label}, {metric.partition('_')[0]}",
        reference=reference.name,
        other=other.name,
        images=len(pairs),
        units=units.count,
        unit=units.unit,
        reference_mean=float(before.mean()),
        other_mean=float(after.mean()),
        difference=float(difference.mean()),
        ci95=bootstrap_mean_ci(difference, groups=units.groups),
        p=test.p,
        effect=test.effect,
        harmed=shares[0],
        harmed_5=shares[1],
        worst=float(min(gain.min(), 0.0)),
        decimals=int(described["decimals"]),
        non_inferior=None if margin is None else non_inferiority(difference, margin, units.groups, lower),
    )


def _label(key: tuple[str, str]) -> str:
    return "/".join(part for part in key if part)
