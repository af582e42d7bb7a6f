"""What a report is about: tested runs, and where their trainings' logs and overlays are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ultraref.apis.compare import read_runs
from ultraref.apis.report.run_facts import RunFacts, read_facts
from ultraref.errors import UserError
from ultraref.evaluation.comparison import Run
from ultraref.json_file import read_json


@dataclass(frozen=True)
class TestedRun:
    """What a test left.

    Attributes:
        name: what the report calls it.
        folder: its work directory.
        run: table of cases, and how was measured.
        metrics: the content of metrics.json.
        facts: what else its folder tells.
    """

    # pytest would take the class for a test.
    __test__ = False

    name: str
    folder: Path
    run: Run
    metrics: Mapping
    facts: RunFacts

    @property
    def is_refined(self) -> bool:
        """Whether the model refines, or is a coarse network alone."""
        return all(row.get("delta_dice") is not None for row in self.run.rows)

    @property
    def group(self) -> str:
        """The group of its final result, "refined" or "coarse"."""
        return "refined" if any(row.get("refined_dice") is not None for row in self.run.rows) else "coarse"

    def has(self, group: str) -> bool:
        """Whether the masks of a group were measured in every image."""
        return all(row.get(f"{group}_dice") is not None for row in self.run.rows)


@dataclass(frozen=True)
class Study:
    """What a report is about.

    Attributes:
        title: of the page.
        runs: the tested runs; harm, cases and configuration are those of the first one.
        overlays: folder with pictures of the first run's cases; None for none.
        trainings: by name, work directories whose learning curves are shown.
        seconds: by the name of a training, how long it took, where that is known.
    """

    title: str
    runs: Sequence[TestedRun]
    overlays: Path | None = None
    trainings: Mapping[str, Path] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


def read_runs_named(words: Sequence[str], title: str | None = None, overlays: str | Path | None = None) -> Study:
    """Reads runs as a command line names them: FOLDER, or NAME=FOLDER.

    Args:
        words: of the command line. A word with a sign that is a folder as it stands is one.
        title: see `read_study`.
        overlays: see `read_study`.

    Raises:
        FileNotFoundError, UserError: see `read_study`.
    """
    given: list[str] = []
    folders: list[str] = []
    for word in words:
        name, sign, folder = word.partition("=")
        is_named = bool(sign and name and folder) and not Path(word).is_dir()
        given.append(name if is_named else "")
        folders.append(folder if is_named else word)
    return read_study(folders, given, title or "", overlays)


def read_study(
    folders: Sequence[str | Path],
    names: Sequence[str] | None = None,
    title: str = "",
    overlays: str | Path | None = None,
    trainings: Mapping[str, str | Path] | None = None,
    seconds: Mapping[str, float] | None = None,
) -> Study:
    """Reads what tests left.

    Args:
        folders: work directories of tests.
        names: what the report calls them; where one is empty, as much of the path as tells the runs apart.
        title: of the page; by default the first run's name.
        overlays: pictures of the first run's cases, as `--show-dir` of a test writes them; by default those in its overlays folder.
        trainings: by name, work directories of trainings; by default those of the runs.
        seconds: see `Study`.

    Raises:
        FileNotFoundError: a run has no metrics.csv or metrics.json, or there is no folder `overlays`.
        UserError: one can't be read, a run is given twice, or two have one name.
    """
    paths = [Path(folder) for folder in folders]
    found = read_runs([str(path) for path in paths])
    names = [given or run.name for given, run in zip(names or [""] * len(found), found)]
    if len(set(names)) < len(names):
        raise UserError(f"two runs have one name: {', '.join(names)}")
    runs = []
    for name, path, run in zip(names, paths, found):
        if not any(f"{group}_dice" in row for row in run.rows for group in ("coarse", "refined")):
            raise UserError(f"{path}/metrics.csv has no column of Dice; test again with tools/test.py")
        metrics = read_json(path / "metrics.json", "file of metrics", finite=False)
        runs.append(TestedRun(name, path, Run(name, run.rows, run.measured), metrics, read_facts(path)))
    if overlays is not None and not Path(overlays).is_dir():
        raise UserError(
            f"{overlays}: no such folder of overlays; tools/test.py --show-dir FOLDER draws one of every case"
        )
    own = paths[0] / "overlays"
    return Study(
        title=title or names[0],
        runs=runs,
        overlays=Path(overlays) if overlays is not None else own if own.is_dir() else None,
        trainings={name: Path(path) for name, path in (trainings or dict(zip(names, paths))).items()},
        seconds=dict(seconds or {}),
    )
