"""Fixtures that tests of many parts share."""

import io
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock
from PIL import Image

from ultraref.datasets import Splits
from ultraref.datasets.converters import convert, find_busi, find_folder
from ultraref.testing.phantom_dataset import write_phantom_busi


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_works() -> None:
    """A shell starts what it puts in the background with SIGINT ignored, which the tests of SIGINT would inherit."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory) -> Path:
    """A folder that all pytest-xdist workers of one run share."""
    base = tmp_path_factory.getbasetemp()
    # A worker's own base is a folder in that of the run.
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def build_once(folder: Path, build) -> Path:
    """Calls `build(folder)` in the first process that asks for the folder; the others wait for it."""
    with FileLock(f"{folder}.lock"):
        done = folder.with_name(f"{folder.name}.done")
        if not done.exists():
            build(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def raw_phantoms(session_folder) -> Path:
    """30 phantoms in BUSI's published layout: 17 benign, 10 malignant, 3 normal. Read only."""
    return build_once(session_folder / "raw_phantoms", lambda folder: write_phantom_busi(folder, num=30, seed=0))


@pytest.fixture(scope="session")
def phantom_root(session_folder, raw_phantoms) -> Path:
    """`raw_phantoms` converted: 27 images, 5 of them for testing, the others in 5 folds. Read only."""
    return build_once(
        session_folder / "phantoms", lambda folder: convert(find_busi(raw_phantoms), folder, dataset="phantoms")
    )


@pytest.fixture(scope="session")
def larger_phantoms(session_folder, phantom_root) -> Path:
    """The images of `phantom_root` under names of their own, at 40 % more, recoded, with another seed and so another split. Read only."""

    def build(folder: Path) -> None:
        raw = folder.with_name(f"{folder.name}_raw")
        for number, (name, entry) in enumerate(Splits.read(phantom_root).images.items()):
            for kind, way in (("images", Image.Resampling.BICUBIC), ("masks", Image.Resampling.NEAREST)):
                picture = Image.open(phantom_root / entry.split / kind / f"{name}.png")
                (raw / kind).mkdir(parents=True, exist_ok=True)
                size = tuple(round(1.4 * side) for side in picture.size)
                picture.resize(size, way).save(raw / kind / f"case{number}.png")
        convert(find_folder(raw), folder, "large", seed=5)

    return build_once(session_folder / "larger_phantoms", build)


ROOT = Path(__file__).parents[1]
# By set, where its images are; runs and predictions are told apart by set and fold.
SHARED = """
run_name = {folder!r} + "/work/{{set}}_{{stem}}_{{fold}}"
predictions_root = {folder!r} + f"/predictions_{{_base_.set_name}}"
images = dict(data_root={roots!r}[_base_.set_name]{stored})
loader = dict(batch_size=8, num_workers=0, persistent_workers=False, dataset=images)
train_dataloader = dict(loader, drop_last=False)
val_dataloader = test_dataloader = loader
val_evaluator = test_evaluator = dict(size="model")
train_cfg = dict(max_epochs={epochs}, val_interval=1)
made_by = dict()
"""
CHECKPOINT = "{folder}/work/{{_base_.set_name}}_{phase}_fold{{_base_.fold}}/best.pth"


def write_protocol(folder: Path, roots: Mapping[str, Path], epochs: Mapping[str, int], **variables) -> SimpleNamespace:
    """Writes recipes that shrink those of the quick start further, and a protocol of them.

    Args:
        folder: receives recipes/, protocol.py, and what it makes: work/, predictions.
        roots: the converted images by set; "phantoms" and "busi" are known to the quick start.
        epochs: by recipe: phase1, phase2, ultrarefiner, gated, or gated with a number.
        variables: further ones of the protocol.

    Returns:
        `protocol`, `phase1`, `phase2`, `phase3` (paths), `set` (the first one) and `work_dir`.
    """
    from ultraref.testing.tiny_models import tiny_network, tiny_sam

    network, sam = f"dict(_delete_=True, **{tiny_network(64)!r})", f"dict(_delete_=True, **{tiny_sam(128)!r})"
    phase1, phase2 = (f"f{CHECKPOINT.format(folder=folder, phase=phase)!r}" for phase in ("phase1", "phase2"))
    models = {
        "phase1": f"model = dict(network={network})\n",
        "phase2": f"model = dict(refiner=dict(sam={sam}))\n",
        "phase3": f"phase1, phase2 = {phase1}, {phase2}\nmodel = dict(coarse_source=dict(network={network}, "
        f"checkpoint=phase1), refiner=dict(sam={sam}, checkpoint=phase2))\n",
    }
    paths = {}
    for name, number in epochs.items():
        shared = SHARED.format(
            folder=str(folder),
            roots={set: str(root) for set, root in roots.items()},
            stored=", predictions=predictions_root" if name == "phase2" else "",
            epochs=number,
        )
        path = folder / "recipes" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        base = str(
            ROOT / "configs/quickstart" / f"{name.rstrip('0123456789') if name.startswith('gated') else name}.py"
        )
        path.write_text(f"_base_ = {base!r}\n{models.get(name, models['phase3'])}{shared}")
        paths[name] = str(path)
    variants = [path for name, path in paths.items() if not name.startswith("phase")]
    content = dict(
        phase1=paths["phase1"],
        phase2=paths.get("phase2"),
        phase3=variants,
        work_dir=str(folder / "work"),
        **{"sets": {name: {} for name in roots}, **variables},
    )
    protocol = folder / "protocol.py"
    protocol.write_text("".join(f"{name} = {value!r}\n" for name, value in content.items()))
    return SimpleNamespace(
        protocol=str(protocol),
        phase1=paths["phase1"],
        phase2=paths.get("phase2"),
        phase3=variants,
        set=next(iter(roots)),
        work_dir=content["work_dir"],
    )


def run_protocol_quietly(protocol: str, **options) -> tuple[int, str]:
    """Runs a protocol from the repository's folder; returns the exit status and what a log file would get."""
    from rich.console import Console

    from ultraref.protocol.run import run_protocol

    printed = io.StringIO()
    before = os.getcwd()
    os.chdir(ROOT)
    try:
        status = run_protocol(protocol, console=Console(file=printed, width=200, soft_wrap=True), **options)
    finally:
        os.chdir(before)
    return status, printed.getvalue()


@pytest.fixture(scope="session")
def protocol_tools() -> SimpleNamespace:
    """`write(folder, roots, epochs, **variables)` and `run(protocol, **options)` of toy protocols."""
    return SimpleNamespace(write=write_protocol, run=run_protocol_quietly)


@pytest.fixture(scope="session")
def cascade(session_folder, phantom_root) -> SimpleNamespace:
    """A protocol of tiny models on the session's phantoms, run once for all tests: see `write_protocol`. Read only."""
    folder = session_folder / "cascade"
    epochs = {"phase1": 1, "phase2": 1, "ultrarefiner": 3, "gated": 1}

    def build(folder: Path) -> None:
        status, printed = run_protocol_quietly(
            write_protocol(folder, {"phantoms": phantom_root}, epochs, jobs=2).protocol
        )
        assert status == 0, printed
        (folder / "printed.txt").write_text(printed)

    build_once(folder, build)
    return write_protocol(folder, {"phantoms": phantom_root}, epochs, jobs=2)


@pytest.fixture(scope="session")
def busi_root() -> Path:
    """The folder of the published BUSI files."""
    folder = os.environ.get("ULTRAREF_BUSI")
    if not folder:
        pytest.skip(
            "needs the published BUSI files: set ULTRAREF_BUSI to the folder that holds benign/, malignant/, normal/"
        )
    return Path(folder)
