"""Which steps a protocol comes to, and what each waits for."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ultraref.engine.inputs import MissingInputsError
from ultraref.errors import UserError
from ultraref.protocol.definition import narrow, read_protocol, with_sources
from ultraref.protocol.file_hashes import FileHashes
from ultraref.protocol.plan import derive_plan, plan_of
from ultraref.protocol.step import Step, in_order


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    for name in ("ULTRAREF_SET", "ULTRAREF_FOLD", "ULTRAREF_DATA", "ULTRAREF_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def kinds(plan) -> Counter:
    return Counter(step.kind for step in plan.steps)


def after(plan) -> dict[str, set[str]]:
    return {step.name: set(step.after) for step in plan.steps}


def test_the_quick_start_derives_all_from_its_recipes():
    plan = derive_plan(read_protocol("quickstart"))
    assert kinds(plan) == dict(convert=1, phase1=5, predict=6, phase2=1, phase3=2, test=3, summary=1, report=1)
    graph = after(plan)
    run = "train_phantoms_{}".format
    # All folds' predictions but the one that is held out, that one, and what is tested on.
    stored = {f"predict_phantoms_phase1_fold{fold}_val" for fold in range(5)}
    assert graph[run("phase2_fold0")] == {"convert_phantoms", *stored}
    assert graph["test_phantoms_phase2_fold0"] == {
        "convert_phantoms",
        run("phase2_fold0"),
        "predict_phantoms_phase1_fold0_test",
    }
    assert graph[run("gated_fold0")] == {"convert_phantoms", run("phase1_fold0"), run("phase2_fold0")}
    assert graph["test_phantoms_gated_fold0"] == {"convert_phantoms", run("gated_fold0")}
    assert graph["summary"] == {f"test_phantoms_{name}_fold0" for name in ("phase2", "ultrarefiner", "gated")}
    assert graph["report"] == {*graph["summary"], "summary"}


def test_a_variant_without_phase_2_waits_for_none_of_it(tmp_path):
    source = tmp_path / "raw"
    source.mkdir()
    plan = derive_plan(with_sources(read_protocol("busi"), {"busi": str(source)}))
    graph = after(plan)
    assert graph["train_lite_gated_busi_fold0"] == {"convert_busi", "weights_lite_medsam", "train_unet_busi_fold0"}
    # The joint model takes its SAM from phase 2, which starts from the published one.
    assert graph["train_lite_busi_fold0"] == {"convert_busi", "train_unet_busi_fold0", "train_sam_lite_busi_fold0"}
    assert "weights_lite_medsam" in graph["train_sam_lite_busi_fold0"]
    assert graph["train_unet_busi_fold3"] == {"convert_busi", "weights_tf_efficientnet_lite0"}
    results = {step.name: step.result for step in plan.steps}
    assert results["convert_busi"] == "data/busi/splits.json"
    assert results["train_lite_busi_fold0"] == "work_dirs/lite_busi_fold0/best.pth"


def test_only_what_the_tests_need_is_done(tmp_path):
    source = tmp_path / "raw"
    source.mkdir()
    protocol = with_sources(read_protocol("busi"), {"busi": str(source)})
    gated = replace(protocol, tested=["phase3/lite_gated.py"], summary="phase3/lite_gated.py")
    plan = derive_plan(gated)
    assert kinds(plan) == dict(weights=2, convert=1, phase1=1, phase3=1, test=1, summary=1, report=1)


@pytest.fixture
def five_sets(tmp_path):
    """The full study with folders of raw images."""
    protocol = read_protocol("five_sets")
    for name in protocol.sets:
        (tmp_path / name).mkdir()
    return with_sources(protocol, {name: str(tmp_path / name) for name in protocol.sets})


def test_one_set_and_fold_of_the_full_study(five_sets):
    plan = derive_plan(narrow(five_sets, ["bus"], [3]))
    assert kinds(plan) == dict(
        weights=2, convert=1, phase1=5, predict=6, phase2=1, phase3=3, test=4, summary=1, report=1
    )
    assert all(step.gpus == 1 for step in plan.steps if step.kind.startswith("phase"))


@pytest.mark.slow
def test_the_full_study(five_sets):
    # A fold's phase-2 model is tested on stored predictions of that fold's coarse network: five more for each set.
    found = kinds(derive_plan(five_sets))
    assert found == dict(
        weights=2, convert=5, phase1=25, predict=50, phase2=25, phase3=75, test=100, summary=1, report=1
    )


def test_what_no_step_makes_is_listed_with_how_to_make_it():
    with pytest.raises(
        MissingInputsError, match=r"data/busi/splits\.json .*\n.*dataset_converters/busi\.py SRC data/busi"
    ):
        derive_plan(read_protocol("busi"))


def test_kinds_can_be_chosen(tmp_path):
    plan = derive_plan(read_protocol("quickstart"), ["convert", "phase1"])
    assert kinds(plan) == dict(convert=1, phase1=5)
    # What only other kinds need may be missing.
    source = tmp_path / "raw"
    source.mkdir()
    assert kinds(derive_plan(with_sources(read_protocol("busi"), {"busi": str(source)}), ["convert"])) == dict(
        convert=1
    )
    with pytest.raises(UserError, match="--steps phase4: there are weights, convert, phase1"):
        derive_plan(read_protocol("quickstart"), ["phase4"])


def test_the_cores_are_shared_by_what_can_run_side_by_side(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    threads = {step.kind: step.threads for step in derive_plan(read_protocol("quickstart")).steps}
    # Five folds at a time, two variants, and phase 2 alone.
    assert (threads["phase1"], threads["phase3"], threads["phase2"]) == (1, 4, None)
    alone = derive_plan(replace(read_protocol("quickstart"), jobs=1))
    assert {step.threads for step in alone.steps} == {None}


def test_a_plan_is_kept_until_something_that_it_follows_from_changes(
    tmp_path, phantom_root, protocol_tools, monkeypatch
):
    built = protocol_tools.write(tmp_path, {"phantoms": phantom_root}, {"phase1": 1, "phase2": 1, "gated": 1})
    protocol, hashes = read_protocol(built.protocol), FileHashes()
    first = plan_of(protocol, None, hashes)
    monkeypatch.setattr("ultraref.protocol.plan.derive_plan", lambda *_: pytest.fail("derived again"))
    assert plan_of(protocol, None, hashes).to_dict() == json.loads(json.dumps(first.to_dict()))
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    recipe = Path(built.phase3[0])
    recipe.write_text(recipe.read_text().replace("max_epochs=1", "max_epochs=3"))
    changed = {step.name: step.epochs for step in plan_of(protocol, None, FileHashes()).steps}
    assert changed["train_phantoms_gated_fold0"] == 3


def test_steps_that_wait_for_each_other_or_write_to_one_place_are_refused():
    one, two = Step("one", "test", "test", "a", after=["two"]), Step("two", "test", "test", "b", after=["one"])
    with pytest.raises(UserError, match="these steps wait for each other: one, two"):
        in_order([one, two])
    with pytest.raises(UserError, match="the steps one and two both write a"):
        in_order([replace(one, after=[]), replace(two, result="a")])
    assert [step.name for step in in_order([one, replace(two, after=[])])] == ["two", "one"]
