"""What a measure of `RefinementMetric` is: one kind of metric in one file."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from ultraref.evaluation.case import BOTH_EMPTY, EMPTY_PREDICTION, EMPTY_TRUTH, GROUPS, Case
from ultraref.evaluation.table import TableRow

Row = Mapping[str, object]


class BaseMeasure(ABC):
    """Contract: adds columns to the row of each image, and makes metrics of the whole table.

    A subclass is one file with `@METRICS.register_module()`, and is named in the config under
    `test_evaluator.measures`. Of a metric NAME of a prediction GROUP ("coarse", "refined", "sam") the column is GROUP_NAME; for those
    in `per_image`, `RefinementMetric` adds the column delta_NAME, refined minus coarse.

    Attributes:
        rule: how it measures, what it does where a mask is empty, and its options' values: a line that is printed with the result.
        table: metric -> how the printed table shows it; those without an entry are logged alone.
        per_image: metrics that are a mean over the images' columns.
        needs: measures whose columns `summarise` reads.
    """

    rule: str = ""
    table: Mapping[str, TableRow] = {}
    per_image: Sequence[str] = ()
    needs: tuple[type["BaseMeasure"], ...] = ()

    @abstractmethod
    def measure(self, case: Case) -> dict[str, object]:
        """Returns the columns of one image: numbers, words, None where something can't be said.

        A column whose name begins with "_" is for `summarise` and `details`, and is not written to the CSV; its value must
        survive pickling, as it goes from one process to another.
        """

    def summarise(self, rows: Sequence[Row]) -> dict[str, float]:
        """Returns metrics of the table, by "GROUP/NAME": here the means of `per_image`. What can't be said is left out."""
        return column_means(rows, self.per_image)

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """Returns lines that are printed below the table; the rule, and how many images it touched."""
        return [self.rule] if self.rule else []

    def details(self, rows: Sequence[Row]) -> dict:
        """Returns what a report needs beyond single numbers, in plain types; it goes into metrics.json."""
        return {}


def column_means(rows: Sequence[Row], names: Sequence[str]) -> dict[str, float]:
    """Returns "GROUP/NAME" -> mean of the column GROUP_NAME over the rows that have it."""
    means = {}
    for group in (*GROUPS, "delta"):
        for name in names:
            values = [row[f"{group}_{name}"] for row in rows if row.get(f"{group}_{name}") is not None]
            if values:
                means[f"{group}/{name}"] = float(np.mean(values))
    return means


def measured_groups(rows: Sequence[Row]) -> list[str]:
    """Returns those of GROUPS that the table has."""
    return [group for group in GROUPS if any(f"{group}_emptiness" in row for row in rows)]


def add_delta(summary: dict[str, float], names: Sequence[str]) -> dict[str, float]:
    """Adds "delta/NAME", refined minus coarse, of metrics that are no mean over images."""
    for name in names:
        if f"coarse/{name}" in summary and f"refined/{name}" in summary:
            summary[f"delta/{name}"] = summary[f"refined/{name}"] - summary[f"coarse/{name}"]
    return summary


def emptiness_notes(rows: Sequence[Row], rule: str) -> list[str]:
    """Returns the rule for empty masks and how many images of each group it touched, or that there were none."""
    touched, parts = 0, []
    for group in measured_groups(rows):
        counts = {kind: sum(row.get(f"{group}_emptiness") == kind for row in rows) for kind in _WORDS}
        said = [f"{count} {_WORDS[kind]}" for kind, count in counts.items() if count]
        parts.append(f"{group} {', '.join(said) or 'none'}")
        touched += sum(counts.values())
    if not touched:
        return ["No image has an empty mask"]
    return [rule, f"Images with an empty mask: {'; '.join(parts)}; of {len(rows)}"]


_WORDS = {
    EMPTY_PREDICTION: "missed (prediction empty)",
    EMPTY_TRUTH: "spurious (truth empty)",
    BOTH_EMPTY: "both empty",
}
