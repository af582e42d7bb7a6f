"""A whole cascade of tiny models on the session's phantoms, run once for all tests here."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]

SHARED = """
run_name = {run_name!r}
predictions_root = {predictions!r}
loader = dict(batch_size=8, num_workers=0, persistent_workers=False, dataset={dataset})
train_dataloader = dict(loader, drop_last=False)
val_dataloader = test_dataloader = loader
train_cfg = dict(max_epochs={epochs}, val_interval=1)
made_by = dict()
"""


def write_recipes(folder: Path, data_root: Path) -> dict[str, str]:
    """Writes recipes that shrink those of the quick start further, and returns their paths by name."""
    from ultraref.testing.tiny_models import tiny_network, tiny_sam

    predictions = str(folder / "predictions")
    network = f"model = dict(network=dict(_delete_=True, **{tiny_network(64)!r}))\n"
    sam = tiny_sam(128)
    paths = {}

    def write(name: str, model: str, epochs: int, **dataset) -> None:
        shared = SHARED.format(
            dataset=dict(dict(data_root=str(data_root)), **dataset),
            epochs=epochs,
            predictions=predictions,
            run_name=f"{folder}/work/{{stem}}_{{fold}}",
        )
        path = folder / "recipes" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        base = str(ROOT / "configs/quickstart" / f"{name}.py")
        path.write_text(f"_base_ = {base!r}\n{model}{shared}")
        paths[name] = str(path)

    write("phase1", network, epochs=1)
    write(
        "phase2",
        f"model = dict(refiner=dict(sam=dict(_delete_=True, **{sam!r})))\n",
        epochs=1,
        predictions=predictions,
    )
    joint = (
        f"checkpoint = '{folder}/work/{{}}_fold{{}}/best.pth'\n"
        "phase1, phase2 = (checkpoint.format(phase, _base_.fold) for phase in ('phase1', 'phase2'))\n"
        f"network, sam = dict(_delete_=True, **{tiny_network(64)!r}), dict(_delete_=True, **{sam!r})\n"
        "model = dict(coarse_source=dict(network=network, checkpoint=phase1), refiner=dict(sam=sam, checkpoint=phase2))\n"
        "del network, sam\n"
    )
    write("ultrarefiner", joint, epochs=3)
    write("gated", joint, epochs=1)
    return paths


@pytest.fixture(scope="session")
def cascade(session_folder, phantom_root):
    """The cascade, trained and tested: `ultraref.apis.cascade.Cascade`. Read only."""
    from ultraref.apis.cascade import Cascade, run_cascade

    folder = session_folder / "cascade"
    with FileLock(f"{folder}.lock"):
        paths = write_recipes(folder, phantom_root)
        built = Cascade(
            phase1=paths["phase1"],
            phase2=paths["phase2"],
            phase3=[paths["ultrarefiner"], paths["gated"]],
            set="phantoms",
            work_dir=str(folder / "work"),
        )
        if not (folder / "work" / "summary.json").exists():
            before = os.getcwd()
            os.chdir(ROOT)
            try:
                run_cascade(built)
            finally:
                os.chdir(before)
    return built
