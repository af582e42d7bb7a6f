"""What models cost, as far as their runs tell."""

from collections.abc import Mapping

from ultraref.apis.report.study import Study, TestedRun
from ultraref.apis.report.tables import ReportTable, number
from ultraref.apis.report.training_log import TrainingLog

_UNKNOWN = {
    "Parameters": "parameters (the checkpoint isn't where the test read it)",
    "Test (ms an image)": "time of the test (its log isn't there)",
    "Training (s)": "time of the training (known of a protocol's runs)",
    "Training (GB)": "memory in training (logged on a GPU only)",
}


def cost_table(study: Study, logs: Mapping[str, TrainingLog]) -> ReportTable:
    """Returns parameters, times and memory of each run; a column that is known of none is left out, and said below.

    Args:
        study: the study.
        logs: of trainings, by name.
    """
    columns = {
        "Parameters": [_count(sum(run.facts.parameters.values())) for run in study.runs],
        "Test (ms an image)": [number(run.facts.milliseconds, 0) for run in study.runs],
        "Training (s)": [number(study.seconds.get(run.name), 0) for run in study.runs],
        "Training (GB)": [number(logs[run.name].memory_gb if run.name in logs else None, 1) for run in study.runs],
    }
    known = {name: cells for name, cells in columns.items() if any(cells)}
    rows = [
        [run.name, _parts(run), *(cells[place] for cells in known.values())] for place, run in enumerate(study.runs)
    ]
    unknown = [_UNKNOWN[name] for name in columns if name not in known]
    notes = [f"Not known: {', '.join([*unknown, 'FLOPs and memory of inference, which a test does not measure'])}."]
    if "Parameters" in known:
        notes.insert(0, "Parameters: values of the checkpoint, without the statistics of batch norms.")
    if "Test (ms an image)" in known:
        notes.insert(
            0,
            "Time of the test: loading, model and measuring together, divided by the batch size, on the machine of that test; compare "
            "models by it only where that was the same and idle.",
        )
    return ReportTable("costs", "Parameters and time", ["Run", "Parts", *known], rows, notes, num_words=2)


def _count(value: int) -> str:
    return f"{value:,}" if value else ""


def _parts(run: TestedRun) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in run.facts.parameters.items())
