"""The page: all sections of a study, and how they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ultraref.apis.report.case_choice import chosen_cases
from ultraref.apis.report.costs import cost_table
from ultraref.apis.report.figures import COLOURS, change_plot, quality_plot, reliability_plot, training_plot
from ultraref.apis.report.harm_tables import breakdown_tables, harm_table, worst_table
from ultraref.apis.report.headline import describe_images, headline_tables, same_images
from ultraref.apis.report.pictures import overlay_of
from ultraref.apis.report.provenance_tables import configuration, data_table, model_table, seen_by_runs, versions
from ultraref.apis.report.study import Study, TestedRun
from ultraref.apis.report.subgroup_tables import false_alarm_table, subgroup_tables
from ultraref.apis.report.tables import ReportTable, number, percent, write_tables
from ultraref.apis.report.training_log import read_training
from ultraref.atomic import atomic_file
from ultraref.errors import UserError
from ultraref.evaluation.harm import worst_cases
from ultraref.evaluation.metrics import case_changes
from ultraref.evaluation.statistics import bootstrap_mean_ci, resampling_of

REPORT_NAME, TABLES_NAME = "report.html", "report_tables"
# Trainings whose curves are drawn.
_MOST_TRAININGS = 12


@dataclass(frozen=True)
class CaseView:
    """A case as the page shows it.

    Attributes:
        name: of the image, with its set.
        text: its numbers.
        picture: data URI of its overlay; None without one.
    """

    name: str
    text: str
    picture: str | None


def write_report(study: Study, out: str | Path) -> Path:
    """Writes report.html, and report_tables/ with each table as CSV and LaTeX.

    Args:
        study: what it is about.
        out: folder for both.

    Returns:
        The page.

    Raises:
        UserError: Jinja2 or Matplotlib isn't installed, or a file can't be written.
    """
    content = _content(study)
    text = _render(content)
    folder = Path(out)
    write_tables(folder / TABLES_NAME, content["tables"])
    with atomic_file(folder / REPORT_NAME, "w") as file:
        file.write(text)
    return folder / REPORT_NAME


def _render(content: Mapping) -> str:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise UserError("a report needs Jinja2: pip install jinja2") from error
    folder = Path(__file__).parent
    # Names of images, sets and runs are a user's: everything is escaped but the style and the plots, which hold none.
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["own"] = Markup
    style = (folder / "report.css").read_text(encoding="utf-8")
    return environment.get_template("report.html").render(style=Markup(style), colours=COLOURS, **content)


def _content(study: Study) -> dict:
    """What the template takes."""
    main = study.runs[0]
    logs = {name: log for name, folder in study.trainings.items() if (log := read_training(folder)) is not None}
    refined = [run for run in study.runs if run.is_refined]
    content = {
        "title": study.title,
        "main": main.name,
        "runs": [run.name for run in study.runs],
        "images": describe_images(main),
        "is_comparable": len(same_images(study.runs)) == 1,
        "key_numbers": _key_numbers(main),
        "headline": headline_tables(study.runs),
        "rules": _rules(main),
        "subgroups": subgroup_tables(study.runs),
        "false_alarms": false_alarm_table(study.runs),
        "harm": _harm(study, refined),
        "calibration": _calibration(study),
        "cases": _cases(study),
        "has_overlays": study.overlays is not None,
        "curves": [(name, training_plot(log, n)) for n, (name, log) in enumerate(list(logs.items())[:_MOST_TRAININGS])],
        "more_trainings": max(0, len(logs) - _MOST_TRAININGS),
        "costs": cost_table(study, logs),
        "data": data_table(study.runs),
        "models": model_table(study.runs),
        "seen": seen_by_runs(study.runs),
        "configuration": configuration(main),
        "versions": versions(main),
        "config_text": main.facts.config_text,
    }
    harm, calibration = content["harm"], content["calibration"]
    content["tables"] = [
        *content["headline"],
        *content["subgroups"],
        *([content["false_alarms"]] if content["false_alarms"] else []),
        *([harm["table"], *harm["breakdown"], harm["worst_table"]] if harm else []),
        *([calibration["table"]] if calibration else []),
        *(content["costs"], content["data"], content["models"]),
    ]
    return content


def _key_numbers(run: TestedRun) -> list[tuple[str, str, str]]:
    """Name, value and interval of what is seen first."""
    rows = run.run.rows
    groups = resampling_of(rows).groups
    found = []
    for group in ("coarse", "refined"):
        if run.has(group):
            values = [row[f"{group}_dice"] for row in rows]
            found.append((f"Dice, {group}", number(sum(values) / len(values)), _bounds(values, groups)))
    if run.is_refined:
        changes = [row["delta_dice"] for row in rows]
        found.append(
            ("Difference", number(sum(changes) / len(changes), sign=True), _bounds(changes, groups, sign=True))
        )
        shares = case_changes(changes)
        found.append(("Worse by > 1 point", percent(shares["harmed"]), f"by > 5 points {percent(shares['harmed_5'])}"))
        found.append(("Better by > 1 point", percent(shares["helped"]), f"by > 5 points {percent(shares['helped_5'])}"))
    return found


def _bounds(values: Sequence[float], groups: Sequence[str], sign: bool = False) -> str:
    low, high = bootstrap_mean_ci(values, groups=groups)
    return f"95 %: {number(low, sign=sign)} to {number(high, sign=sign)}"


def _rules(run: TestedRun) -> list[str]:
    """How was measured, a line for each measure."""
    described = run.run.measured.get("metrics") or {}
    return list(dict.fromkeys(str(metric["rule"]) for metric in described.values() if metric.get("rule")))


def _harm(study: Study, refined: Sequence[TestedRun]) -> dict | None:
    """Of all runs that refine, and in detail of the study's first one."""
    if not refined:
        return None
    main = refined[0]
    rows = main.run.rows
    worst = [
        CaseView(
            _name(row),
            f"Dice {number(row['coarse_dice'])} to {number(row['refined_dice'])} ({number(row['delta_dice'], sign=True)})",
            overlay_of(study.overlays, row) if main is study.runs[0] else None,
        )
        for row in worst_cases(rows)
    ]
    changes = [row["delta_dice"] for row in rows]
    return {
        "run": main.name,
        "table": harm_table(refined),
        "changes": change_plot(changes),
        "quality": quality_plot([row["coarse_dice"] for row in rows], changes),
        "breakdown": breakdown_tables(main),
        "worst_table": worst_table(main),
        "worst": worst,
    }


def _calibration(study: Study) -> dict | None:
    """The reliability diagram of the first run, and the numbers of all."""
    groups = (study.runs[0].metrics.get("calibration") or {}).get("groups")
    if not groups:
        return None
    rows = []
    for run in study.runs:
        for group in ("coarse", "sam", "refined"):
            values = [run.metrics.get(f"test_{group}/{metric}") for metric in ("brier", "ece")]
            if None not in values:
                rows.append([run.name, group, *map(number, values)])
    head = ["Run", "Probability", "Brier score", "Calibration error"]
    known = {group: groups[group] for group in COLOURS if group in groups}
    return {
        "plot": reliability_plot(known),
        "groups": list(known),
        "table": ReportTable("calibration", "Brier score and calibration error", head, rows, (), num_words=2),
    }


def _cases(study: Study) -> dict[str, list[CaseView]]:
    """Best, median and worst cases of the first run by the Dice of its final result."""
    main = study.runs[0]
    found = {}
    for kind, rows in chosen_cases(main.run.rows, f"{main.group}_dice").items():
        found[kind] = [CaseView(_name(row), _numbers(row), overlay_of(study.overlays, row)) for row in rows]
    return found


def _name(row: Mapping) -> str:
    return " / ".join(str(part) for part in (row["dataset"], row["name"]) if part)


def _numbers(row: Mapping) -> str:
    values = [(group, row.get(f"{group}_dice")) for group in ("coarse", "sam", "refined")]
    return "Dice: " + ", ".join(f"{group} {number(value)}" for group, value in values if value is not None)
