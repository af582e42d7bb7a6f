"""A whole cascade of tiny models on the session's phantoms, run once for all tests here."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]

SHARED = """
train_dataloader = dict(batch_size=8, num_workers=0, persistent_workers=False, drop_last=False, dataset={dataset})
val_dataloader = dict(batch_size=8, num_workers=0, persistent_workers=False, dataset={dataset})
test_dataloader = dict(batch_size=8, num_workers=0, dataset={dataset})
train_cfg = dict(max_epochs={epochs}, val_interval=1)
predictions_root = {predictions!r}
made_by = dict()
"""


def write_configs(folder: Path, data_root: Path) -> dict[str, str]:
    """Writes configs that shrink those of the quick start further, and returns their paths by name."""
    from ultraref.testing.tiny_models import tiny_network, tiny_sam

    predictions = str(folder / "predictions")
    network = f"model = dict(network=dict(_delete_=True, **{tiny_network(64)!r}))\n"
    sam = tiny_sam(128)
    paths = {}

    def write(name: str, base: str, model: str, epochs: int, **dataset) -> None:
        shared = SHARED.format(
            dataset=dict(dict(data_root=str(data_root)), **dataset), epochs=epochs, predictions=predictions
        )
        path = folder / "configs" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"_base_ = {str(ROOT / 'configs/quickstart' / base)!r}\n{model}{shared}")
        paths[name] = str(path)

    for fold in range(5):
        write(f"phase1_fold{fold}", f"phantoms_phase1_fold{fold}.py", network, epochs=1)
    write(
        "phase2_fold0",
        "phantoms_phase2_fold0.py",
        f"model = dict(refiner=dict(sam=dict(_delete_=True, **{sam!r})))\n",
        epochs=1,
        predictions=predictions,
    )
    joint = (
        "model = dict(coarse_source=dict(network=dict(_delete_=True, **{network!r}), checkpoint={coarse!r}), "
        "refiner=dict(sam=dict(_delete_=True, **{sam!r}), checkpoint={refiner!r}))\n"
    ).format(
        network=tiny_network(64),
        sam=sam,
        coarse=str(folder / "work/phase1_fold0/best.pth"),
        refiner=str(folder / "work/phase2_fold0/best.pth"),
    )
    write("ultrarefiner_fold0", "phantoms_ultrarefiner_fold0.py", joint, epochs=3)
    write("gated_fold0", "phantoms_gated_fold0.py", joint, epochs=1)
    return paths


@pytest.fixture(scope="session")
def cascade(session_folder, phantom_root):
    """The cascade, trained and tested: `ultraref.apis.cascade.Cascade`. Read only."""
    from ultraref.apis.cascade import Cascade, run_cascade

    folder = session_folder / "cascade"
    with FileLock(f"{folder}.lock"):
        paths = write_configs(folder, phantom_root)
        built = Cascade(
            phase1=[paths[f"phase1_fold{fold}"] for fold in range(5)],
            phase2=paths["phase2_fold0"],
            phase3=[paths["ultrarefiner_fold0"], paths["gated_fold0"]],
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
