"""Many files at once: predictions written, a bad file reported, an interrupted run continued."""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ultraref import csv_table
from ultraref.apis.inference.coarse_masks import CoarseMasks
from ultraref.apis.inference.files import InputFile, find_files
from ultraref.apis.inference.journal import Journal
from ultraref.apis.inference.measurements import write_table
from ultraref.apis.inference.set_cases import SetCases
from ultraref.apis.inference.tasks import Task
from ultraref.apis.inference.writer import OUTPUTS, PredictionWriter
from ultraref.apis.inferencer import UltraRefInferencer
from ultraref.apis.output_folder import check_output_folder
from ultraref.errors import UserError
from ultraref.models.sam.fingerprint import weights_fingerprint

# Files that never hold more than one image.
_SINGLE_FRAME = (".png", ".jpg", ".jpeg", ".bmp")


@dataclass
class PredictReport:
    """What came of a run over many files.

    Attributes:
        written: frames that this run predicted.
        kept: frames that an earlier run had.
        failed: reason by name of what couldn't be read or predicted.
        unused: coarse masks that belong to no image; not looked for in a part of the files.
        alone: frames that this run predicted and that are of no video.
    """

    written: int = 0
    kept: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    unused: list[Path] = field(default_factory=list)
    alone: int = 0


def predict_files(
    inferencer: UltraRefInferencer,
    inputs: str | os.PathLike | Sequence[str | os.PathLike],
    out: str | os.PathLike,
    coarse: str | os.PathLike | None = None,
    outputs: Sequence[str] = ("masks",),
    threshold: float = 0.5,
    batch_size: int = 8,
    shard: tuple[int, int] = (1, 1),
    show_progress: bool = True,
) -> PredictReport:
    """Predicts files and writes what `PredictionWriter` writes.

    Called again with the same settings it does what is missing, or whose file has changed. OUT/failed.csv lists what failed, where
    something did. predictions.csv has the columns `measurements.COLUMNS`, and of images of a converted set what its cases.csv says
    of them (`SetCases`).

    Args:
        inferencer: the model.
        inputs: paths, globs and folders.
        out: receives everything.
        coarse: folder of coarse masks to refine, matched by name (`CoarseMasks`), or the mask of a single image.
        outputs: see `PredictionWriter`.
        threshold: see `PredictionWriter`.
        batch_size: images that the model sees at a time.
        shard: (i, n), i from 1 on: predict the i-th of n parts of the files, the frames of a video in one part; its table and journal have a name of their own.
        show_progress: draw a bar.

    Raises:
        UserError: nothing to predict, or the folder holds results of other settings, or is or lies in a folder of the inputs, or the set
            that an image lies in is damaged.
    """
    out, (part, parts) = Path(out), shard
    if not 1 <= part <= parts:
        raise UserError(f"the shard is {part}/{parts}; it must be I/N with I from 1 to N")
    all_files = find_files(inputs, inferencer.video_folders)
    units = list(dict.fromkeys(file.video or file.name for file in all_files))
    own = set(units[part - 1 :: parts])
    files = {file.name: file for file in all_files if (file.video or file.name) in own}
    masks = None if coarse is None else _coarse_masks(coarse, all_files)
    _refuse_overlap(out, inputs, [file.path for file in all_files], coarse)
    _refuse_frame_names({file.name: file.path for file in all_files})
    check_output_folder(out, "--out")
    cases = SetCases()
    known = {name: cases.of(file.path) for name, file in files.items()}
    suffix = "" if parts == 1 else f"_{part}of{parts}"
    journal = Journal(out / f"predictions{suffix}.jsonl", _settings(inferencer, outputs, threshold, coarse))
    report = PredictReport()
    by_frame: dict[str, InputFile] = {}

    def fail(name: str, error: Exception) -> None:
        report.failed[name] = str(error).splitlines()[0] or type(error).__name__

    def wanted(name: str) -> bool:
        file = by_frame[name] = files.get(name) or files[name.rpartition("_f")[0]]
        # A DICOM Segmentation holds all frames, so that a part of them would not do.
        done = "dicom-seg" not in outputs and journal.is_done(name, file) and _has_files(out, name, outputs)
        if done:
            report.kept += 1
            if isinstance(masks, CoarseMasks):
                masks.find(name)
        return not done

    def note(row: dict) -> None:
        journal.add(row, by_frame[row["name"]])
        report.written += 1

    tasks = [Task(file.name, file, coarse=masks) for file in files.values()]
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with (
            PredictionWriter(out, outputs, threshold, on_written=note) as writer,
            Progress(*bar, transient=True, disable=not show_progress) as progress,
        ):
            line, seen = progress.add_task("files", total=len(files)), set()
            for prediction in inferencer.stream(tasks, batch_size=batch_size, on_error=fail, wanted=wanted):
                writer.add(prediction.sample, prediction.image, prediction.origin)
                report.alone += prediction.origin.video is None
                seen.add(prediction.origin.path)
                progress.update(line, completed=len(seen) + len(report.failed))
    finally:
        journal.close()
    write_table(
        out / f"predictions{suffix}.csv",
        [
            {**journal.rows[name], **known[file.name]}
            for name, file in by_frame.items()
            if name in journal.rows and name not in report.failed
        ],
    )
    _write_failures(out / f"failed{suffix}.csv", report.failed)
    if isinstance(masks, CoarseMasks) and parts == 1:
        for name in report.failed:
            masks.claim(name)
        report.unused = masks.unused()
    return report


def _refuse_frame_names(paths: Mapping[str, Path]) -> None:
    """Refuses a file that is called like a frame of another: a_f0003.png beside a.tif."""
    for name, path in paths.items():
        base = re.sub(r"_f\d{4,}$", "", name)
        if base != name and base in paths and not paths[base].name.lower().endswith(_SINGLE_FRAME):
            raise UserError(
                f"the results of {path} and of a frame of {paths[base]} could both be called {name}; rename one of them"
            )


def _coarse_masks(coarse: str | os.PathLike, files: Sequence[InputFile]) -> CoarseMasks | Path:
    """Returns where the images find their coarse masks."""
    path = Path(coarse).expanduser()
    if not path.is_file():
        return CoarseMasks(coarse)
    if len(files) > 1:
        raise UserError(
            f"--coarse {coarse} is one mask, but there are {len(files)} images; give the folder of their masks"
        )
    return path


def _settings(
    inferencer: UltraRefInferencer, outputs: Sequence[str], threshold: float, coarse: str | os.PathLike | None
) -> dict:
    """What results depend on, beside the files."""
    maker = inferencer.maker
    return {
        "model": weights_fingerprint(inferencer.model),
        "config": hashlib.sha256(str(inferencer.cfg.get("model")).encode()).hexdigest(),
        "outputs": sorted(outputs),
        "threshold": threshold,
        "coarse": None if coarse is None else str(Path(coarse).resolve()),
        "coarse_kind": inferencer.coarse_kind,
        "each_lesion": maker.each_lesion,
        "softness": maker.softness,
        # Not there without, so that a run of before this option goes on.
        **({} if inferencer.tta_model is None else {"tta_model": inferencer.tta_model}),
        **({} if inferencer.temporal_median == 1 else {"temporal_median": inferencer.temporal_median}),
        **({"video_folders": True} if inferencer.video_folders else {}),
    }


def _has_files(out: Path, name: str, outputs: Sequence[str]) -> bool:
    """Whether the files are there that every model gives."""
    return all(
        (out / output / f"{name}{OUTPUTS[output]}").is_file()
        for output in outputs
        if output in ("masks", "probabilities", "overlays")
    )


def _refuse_overlap(
    out: Path,
    inputs: str | os.PathLike | Sequence[str | os.PathLike],
    files: Sequence[Path],
    coarse: str | os.PathLike | None,
) -> None:
    """Refuses a folder whose results would be inputs of the next call, or write over inputs."""
    out_path = out.expanduser().resolve()
    named = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    searched = [Path(each).expanduser().resolve() for each in (*named, *([] if coarse is None else [coarse]))]
    for folder in searched:
        if folder.is_dir() and (out_path == folder or folder in out_path.parents):
            raise UserError(f"--out {out} lies in {folder}, which is searched for inputs; give a folder outside of it")
    for path in (*files, *searched):
        if out_path in path.resolve().parents:
            raise UserError(f"--out {out} holds {path}, one of the inputs; give a folder of its own for the results")


def _write_failures(path: Path, failed: dict[str, str]) -> None:
    if not failed:
        path.unlink(missing_ok=True)
        return
    csv_table.write_table(path, ["name", "reason"], sorted(failed.items()))
