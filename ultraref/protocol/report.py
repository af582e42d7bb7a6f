"""The report of a protocol: what its tests, trainings and overlays come to on one page."""

from collections.abc import Mapping
from pathlib import Path

from ultraref.apis.report import Study, read_study, write_report
from ultraref.errors import UserError
from ultraref.json_file import read_json
from ultraref.protocol.plan import PLAN_NAME
from ultraref.protocol.step import Plan, Step

# The phase-3 trainings, then the earlier ones: the curves of the first dozen are drawn.
_TRAININGS = ("phase3", "phase2", "phase1")


def write_protocol_report(step: Step, plan: Plan) -> None:
    """Writes report.html and report_tables/ into the folder of a protocol."""
    folder = step.arguments["folder"]
    write_report(_study(step.arguments, plan, folder), folder)


def is_protocol(folder: str | Path) -> bool:
    """Whether a folder is the work directory of a protocol."""
    return (Path(folder) / PLAN_NAME).is_file()


def read_protocol_study(folder: str | Path, title: str | None = None, overlays: str | Path | None = None) -> Study:
    """Reads what the last call of a protocol left.

    Args:
        folder: its work directory.
        title, overlays: in place of the protocol's.

    Raises:
        UserError: the last call was about other steps than the report, or isn't finished.
    """
    path = Path(folder) / PLAN_NAME
    content = read_json(path, "plan of a protocol", hint="run the protocol again")
    try:
        plan = Plan.from_dict(content["plan"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: is no plan of a protocol ({error!r}); run the protocol again") from error
    step = next((step for step in plan.steps if step.kind == "report"), None)
    if step is None:
        raise UserError(f"{path}: the last call of this protocol had no report; run it again without --steps")
    return _study(step.arguments, plan, folder, title, overlays)


def _study(
    arguments: Mapping,
    plan: Plan,
    folder: str | Path,
    title: str | None = None,
    overlays: str | Path | None = None,
) -> Study:
    trainings = {
        step.name.removeprefix("train_"): step.arguments["work_dir"]
        for kind in _TRAININGS
        for step in plan.steps
        if step.kind == kind
    }
    summary = Path(folder) / "summary.json"
    seconds = read_json(summary, "summary of a protocol", finite=False)["seconds"] if summary.is_file() else {}
    own = Path(folder) / "overlays"
    return read_study(
        [str(Path(result).parent) for result in arguments["tests"].values()],
        list(arguments["tests"]),
        title or arguments["title"],
        overlays or (own if own.is_dir() else None),
        trainings,
        {name.removeprefix("train_"): value for name, value in seconds.items() if name.startswith("train_")},
    )
