"""Tests on sets that a recipe doesn't name: their tables, the coarse network of phase 2, and what is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ultraref import apis
from ultraref.apis import load_config
from ultraref.apis.converted_sets import folder_name, roots_of
from ultraref.apis.ensemble import member_names
from ultraref.checkpoint import save_atomically
from ultraref.cli.main import main
from ultraref.datasets import LesionDataset
from ultraref.datasets.converters import Found, RawSample, convert
from ultraref.errors import MissingFileError, UserError
from ultraref.evaluation.case_table import read_cases
from ultraref.testing.phantom import make_phantom


def load(cascade, path, work_dir=None):
    return load_config(path, work_dir=work_dir, set=cascade.set, fold=0)


def best(cascade, path) -> str:
    return str(Path(load(cascade, path).work_dir) / "best.pth")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    """A set of other images, of another size: ten with a lesion and three without; all for testing, two devices."""
    raw = tmp_path_factory.mktemp("raw")
    samples = []
    for number in range(13):
        rng = np.random.default_rng([5, number])
        phantom = make_phantom(rng, "benign" if number < 10 else "normal")
        mask = np.any(phantom.masks, axis=0) if number < 10 else np.zeros_like(phantom.image)
        for name, picture in (("i", phantom.image), ("m", mask.astype(np.uint8) * 255)):
            Image.fromarray(picture).resize((150, 110), Image.Resampling.NEAREST).save(raw / f"{name}{number}.png")
        samples.append(
            RawSample(
                f"i{number}",
                raw / f"i{number}.png",
                (raw / f"m{number}.png",),
                spacing=(0.1, 0.2),
                spacing_source="made up",
                attributes={"Device": f"scanner {number % 2}", "Age": str(40 + number)},
            )
        )
    root = tmp_path_factory.mktemp("set") / "clinic"
    convert(Found(samples, source=raw), root, "clinic", test_percent=100, keep_normals=True)
    return root


def test_a_phase_2_checkpoint_runs_its_coarse_network_on_other_sets(cascade, clinic, phantom_root, tmp_path):
    """On a copy of its own set, elsewhere, that gives what the stored predictions gave."""
    copy = shutil.copytree(phantom_root, tmp_path / "a,b" / "copy")
    own = apis.test(load(cascade, cascade.phase2, tmp_path / "own"), best(cascade, cascade.phase2))
    options = dict(data=[copy, clinic])
    found = apis.test(load(cascade, cascade.phase2, tmp_path / "both"), best(cascade, cascade.phase2), **options)
    content = json.loads((tmp_path / "both/metrics.json").read_text())
    sets = content["sets"]
    for group in ("coarse", "refined", "delta"):
        assert sets["phantoms"][f"{group}/dice"] == pytest.approx(own[f"test_{group}/dice"], abs=1e-5)
        assert found[f"test_{group}/dice_clinic"] == sets["clinic"][f"{group}/dice"]
    assert (sets["clinic"]["images"], sets["clinic"]["normals"], sets["phantoms"]["normals"]) == (10, 3, 0)
    assert 0 <= sets["clinic"]["refined/normal_alarms"] <= 1
    assert content["tested_on"] == {"part": "test", "roots": [str(copy), str(clinic)]}
    rows = [row for row in read_cases(tmp_path / "both/metrics.csv") if row["dataset"] == "clinic"]
    assert sorted({row["case_device"] for row in rows}) == ["scanner 0", "scanner 1"]
    assert {row["name"]: row["case_age"] for row in rows}["i7"] == "47"
    assert all(row["refined_hd95_mm"] is not None for row in rows)
    assert len(read_cases(tmp_path / "both/normals.csv")) == 3


@pytest.fixture
def two_refiners(cascade, tmp_path) -> list[str]:
    """Checkpoints of phase 2: the one that was trained, and one whose weights are others."""
    first = best(cascade, cascade.phase2)
    content = torch.load(first, weights_only=True)
    generator = torch.Generator().manual_seed(0)
    for key, value in content["state_dict"].items():
        if value.is_floating_point() and "mask_decoder" in key:
            value += 0.2 * value.std() * torch.randn(value.shape, generator=generator)
    (tmp_path / "other").mkdir()
    save_atomically(content, tmp_path / "other" / "best.pth")
    return [first, str(tmp_path / "other" / "best.pth")]


def test_an_ensemble_of_phase_2_runs_one_coarse_network_on_other_sets(
    cascade, clinic, two_refiners, phantom_root, tmp_path, capfd
):
    copy = shutil.copytree(phantom_root, tmp_path / "copy")
    names = member_names(two_refiners)
    options = dict(data=[copy, clinic])
    alone = {
        name: apis.test(load(cascade, cascade.phase2, tmp_path / name), path, **options)
        for name, path in zip(names, two_refiners)
    }
    capfd.readouterr()
    found = apis.test(load(cascade, cascade.phase2, tmp_path / "both"), two_refiners, **options)
    # Each member is what it is by itself, on the same coarse masks.
    for name in names:
        own = tmp_path / "both/members" / name
        assert (own / "metrics.csv").read_text() == (tmp_path / name / "metrics.csv").read_text()
        assert found["test_coarse/dice"] == pytest.approx(alone[name]["test_coarse/dice"], abs=1e-6)
        assert json.loads((own / "metrics.json").read_text())["sets"].keys() == {"phantoms", "clinic"}
    assert alone[names[0]]["test_refined/dice"] != alone[names[1]]["test_refined/dice"]
    content = json.loads((tmp_path / "both/metrics.json").read_text())
    assert content["members"] == dict(zip(names, two_refiners))
    assert content["tested_on"] == {"part": "test", "roots": [str(copy), str(clinic)]}
    assert (content["sets"]["clinic"]["images"], content["sets"]["clinic"]["normals"]) == (10, 3)
    assert (tmp_path / "both/normals.csv").is_file()
    assert "2 checkpoints on the same" in "".join(capfd.readouterr())


def test_an_ensemble_of_phase_2_needs_data_of_other_sets(cascade, clinic, two_refiners, tmp_path):
    words = [str(cascade.phase2), *two_refiners, "--set", str(cascade.set), "--fold", "0"]
    # The recipe's own images have stored masks, of one fold.
    with pytest.raises(UserError, match=r"reads stored coarse masks.*by itself, or .*--data"):
        apis.test(load(cascade, cascade.phase2, tmp_path / "own"), two_refiners)
    work_dir = tmp_path / "w"
    assert main(["test", *words, "--data", str(clinic), "--part", "all", "--tta", "--work-dir", str(work_dir)]) == 0
    content = json.loads((work_dir / "metrics.json").read_text())
    assert content["tested_on"]["part"] == "all"
    assert content["test_time_augmentation"] == {"type": "FlipTTAModel"}
    assert len(read_cases(work_dir / "metrics.csv")) == 10


def test_every_phase_is_tested_from_the_command_line(cascade, clinic, tmp_path):
    for path in (cascade.phase1, cascade.phase3[0]):
        words = [str(path), best(cascade, path), "--set", str(cascade.set), "--fold", "0", "--data", str(clinic)]
        work_dir = tmp_path / Path(path).stem
        assert main(["test", *words, "--part", "all", "--work-dir", str(work_dir)]) == 0
        assert any("test of clinic: 10 images" in log.read_text() for log in work_dir.rglob("*.log"))
        assert json.loads((work_dir / "metrics.json").read_text())["measured"]["images"] == 10
    assert folder_name([str(clinic)], "all") == "on_clinic_all"


def test_images_that_a_part_was_trained_on_are_refused(cascade, phantom_root, tmp_path):
    copy = shutil.copytree(phantom_root, tmp_path / "copy")
    with pytest.raises(UserError, match=r"test images were trained on"):
        apis.test(load(cascade, cascade.phase2, tmp_path / "w"), best(cascade, cascade.phase2), data=[copy], part="all")


def test_the_held_out_fold_of_the_recipes_own_set(cascade, phantom_root, tmp_path):
    cfg = load(cascade, cascade.phase2, tmp_path)
    root = cfg.test_dataloader.dataset.data_root
    apis.test(cfg, best(cascade, cascade.phase2), data=[root], part="val")
    names = [row["name"] for row in read_cases(tmp_path / "metrics.csv")]
    assert names == LesionDataset(phantom_root, "val", 0).names


def test_a_coarse_network_that_is_missing_or_another_is_refused(cascade, clinic, tmp_path):
    stores = Path(load(cascade, cascade.phase2).test_dataloader.dataset.predictions)
    store = shutil.copytree(stores, tmp_path / "store")
    path = store / "fold0/test/manifest.json"
    manifest = json.loads(path.read_text())

    def run(coarse=None, **changes):
        path.write_text(json.dumps({**manifest, **changes}))
        cfg = load(cascade, cascade.phase2, tmp_path / "w")
        cfg.test_dataloader.dataset.predictions = str(store)
        return apis.test(cfg, best(cascade, cascade.phase2), data=[clinic], coarse=coarse)

    with pytest.raises(MissingFileError, match=r"gone\.pth, which made the predictions .*--coarse CHECKPOINT"):
        run(checkpoint=str(tmp_path / "gone.pth"))
    with pytest.raises(UserError, match=r"best\.pth is another file than the one that made the predictions"):
        run(checkpoint_sha256="0" * 64)
    with pytest.raises(UserError, match="is of another network than the one that made the predictions"):
        run(network={"sha256": "0" * 64, "types": ["EncoderDecoder"]})
    with pytest.raises(UserError, match=r"are nnunet's, whose network can't be run here"):
        run(network={"sha256": "0" * 64, "types": ["imported", "nnunet"]})
    with pytest.raises(UserError, match=r"--coarse .* did not make the predictions"):
        run(coarse=best(cascade, cascade.phase2))
    with pytest.raises(MissingFileError, match=r"--coarse .*nowhere\.pth: no such file"):
        run(coarse=str(tmp_path / "nowhere.pth"))
    # A copy is as good, wherever the predictions say that it was.
    copy = shutil.copy(manifest["checkpoint"], tmp_path / "copy.pth")
    assert "test_refined/dice" in run(coarse=str(copy), checkpoint=str(tmp_path / "gone.pth"))
    shutil.rmtree(store / "fold0")
    cfg = load(cascade, cascade.phase2, tmp_path / "w")
    cfg.test_dataloader.dataset.predictions = str(store)
    with pytest.raises(MissingFileError, match="the coarse network of this recipe is not known"):
        apis.test(cfg, best(cascade, cascade.phase2), data=[clinic])


def test_what_does_not_go_together_is_refused(cascade, clinic, phantom_root, tmp_path):
    cfg = load(cascade, cascade.phase1, tmp_path)
    checkpoint = best(cascade, cascade.phase1)
    copy = shutil.copytree(phantom_root, tmp_path / "copy")
    with pytest.raises(UserError, match="are both called 'phantoms'"):
        apis.test(cfg, checkpoint, data=[copy, phantom_root])
    with pytest.raises(UserError, match="--coarse x would do nothing"):
        apis.test(cfg, checkpoint, data=[clinic], coarse="x")
    with pytest.raises(UserError, match="part and coarse are of the sets that `data` names"):
        apis.test(cfg, checkpoint, part="all")
    with pytest.raises(UserError, match="part is 'train'; it must be one of test, val, all"):
        apis.test(cfg, checkpoint, data=[clinic], part="train")
    with pytest.raises(MissingFileError, match=r"nowhere/splits\.json"):
        apis.test(cfg, checkpoint, data=[tmp_path / "nowhere"])
    with pytest.raises(UserError, match=r"is in .*clinic, a converted data set"):
        apis.test(cfg, checkpoint, data=[clinic], out=str(clinic / "masks"))


def test_missing_images_are_refused_or_skipped_with_a_status_that_says_so(cascade, clinic, tmp_path):
    root = shutil.copytree(clinic, tmp_path / "clinic")
    (root / "test/images/i3.png").unlink()
    words = [str(cascade.phase1), best(cascade, cascade.phase1), "--set", str(cascade.set), "--fold", "0"]
    words += ["--data", str(root), "--work-dir", str(tmp_path / "w")]
    assert main(["test", *words]) == 2
    assert main(["test", *words, "--skip-missing"]) == 1
    content = json.loads((tmp_path / "w/metrics.json").read_text())
    assert content["left_out"] == {"clinic": ["i3"]}
    assert content["measured"]["images"] == 9


def test_a_path_with_commas_is_taken_whole_where_it_is_there(tmp_path):
    (tmp_path / "a,b").mkdir()
    (tmp_path / "a").mkdir()
    folder = str(tmp_path / "a,b")
    assert roots_of([folder]) == [folder]
    assert roots_of([f"{tmp_path}/a,{tmp_path}/c", folder]) == [f"{tmp_path}/a", f"{tmp_path}/c", folder]


def test_a_test_leaves_the_networks_weights_as_they_were(cascade, clinic, tmp_path):
    """The refiner's are those of its checkpoint, and the coarse network's those of phase 1."""
    from ultraref.apis.converted_sets import use_sets
    from ultraref.models.checkpoint_loading import load_model, without_initial_weights
    from ultraref.registry import MODELS

    cfg = load(cascade, cascade.phase2)
    cfg.model = without_initial_weights(cfg.model)
    use_sets(cfg, [str(clinic)])
    model = MODELS.build(cfg.model)
    phase1 = torch.load(best(cascade, cascade.phase1), weights_only=True)["state_dict"]
    phase2 = torch.load(best(cascade, cascade.phase2), weights_only=True)
    load_model(model, phase2, "phase 2")
    state = model.state_dict()
    for key, value in phase1.items():
        assert torch.equal(state[f"coarse_source.{key}"], value)
    for key, value in phase2["state_dict"].items():
        assert torch.equal(state[key], value)
    assert len(state) == len(phase1) + len(phase2["state_dict"])
