"""Two and three runs on the same cases: numbers against independent ones, refusals, and what is written."""

import csv
import json

import numpy as np
import pytest
from scipy import stats

from ultraref.apis.compare import compare, read_runs
from ultraref.cli.main import main
from ultraref.evaluation.case_table import write_cases
from ultraref.evaluation.statistics import bootstrap_mean_ci

METRICS = {
    "dice": dict(label="Dice", decimals=4, lower_is_better=False, bounded=True, rule="overlap"),
    "hd95": dict(label="HD95 (px)", decimals=2, lower_is_better=True, bounded=False, rule="outline"),
}
NAMES = [f"case_{number:02d}" for number in range(40)]
RNG = np.random.default_rng(0)
BASE = RNG.uniform(0.5, 0.9, 40)
GAIN = RNG.normal(0.03, 0.04, 40)


def write_run(folder, dice, names=NAMES, hashes=True, size="original", columns=None, **measured):
    rows = [
        dict(
            dataset="busi",
            name=name,
            hash=f"hash of {name}" if hashes else "",
            group=str(number // 2),
            group_kind="patient",
            refined_dice=float(value),
            refined_hd95=float(100 * (1 - value)),
            **(columns or {}),
        )
        for number, (name, value) in enumerate(zip(names, dice))
    ]
    write_cases(folder / "metrics.csv", rows)
    how = dict(dict(size=size, threshold=0.5, metrics=METRICS, splits={}), **measured)
    (folder / "metrics.json").write_text(json.dumps({"test_refined/dice": float(np.mean(dice)), "measured": how}))
    return str(folder)


@pytest.fixture
def runs(tmp_path):
    for name in ("plain", "gated", "other"):
        (tmp_path / name).mkdir()
    return [
        write_run(tmp_path / "plain", BASE),
        write_run(tmp_path / "gated", BASE + GAIN),
        write_run(tmp_path / "other", BASE + 0.001 * GAIN[::-1]),
    ]


def test_two_runs_against_independent_numbers(runs, capsys):
    (found,) = compare(runs[:2])
    by_patient = GAIN.reshape(20, 2).mean(axis=1)
    assert (found.reference, found.other, found.images, found.units, found.unit) == (
        "plain",
        "gated",
        40,
        20,
        "patient",
    )
    assert found.difference == pytest.approx(GAIN.mean())
    assert found.p == found.p_holm == pytest.approx(stats.wilcoxon(by_patient).pvalue)
    assert found.ci95 == pytest.approx(bootstrap_mean_ci(GAIN, groups=np.arange(40) // 2), abs=1e-7)
    assert found.harmed == np.mean(GAIN < -0.01)
    assert found.harmed_5 == np.mean(GAIN < -0.05)
    assert found.worst == pytest.approx(GAIN.min())
    printed = capsys.readouterr().out
    assert f"{GAIN.mean():+.4f}" in printed
    assert "20 independent units (each a patient)" in printed
    assert "Holm's correction for 1 comparison." in printed


def test_several_runs_and_metrics_are_corrected_together(runs):
    found = compare(runs, ("dice", "hd95"))
    assert [(item.metric, item.other) for item in found] == [
        ("dice", "gated"),
        ("dice", "other"),
        ("hd95", "gated"),
        ("hd95", "other"),
    ]
    smallest = min(item.p for item in found)
    assert min(item.p_holm for item in found) == pytest.approx(4 * smallest)
    # A rise of Dice by 0.01 is a fall of this HD95 by 1 px, and no share is told of what isn't in [0, 1].
    assert found[2].difference == pytest.approx(-100 * found[0].difference)
    assert found[2].effect == -found[0].effect
    assert found[2].worst == pytest.approx(100 * GAIN.min())
    assert (found[2].harmed, found[2].harmed_5) == (None, None)


def test_non_inferiority_knows_which_way_is_better(runs, capsys):
    (better,) = compare(runs[:2], margin=0.02)
    assert better.non_inferior.holds
    (worse,) = compare(runs[1::-1], margin=0.02)
    assert not worse.non_inferior.holds
    (distance,) = compare(runs[:2], ("hd95",), margin=2)
    assert distance.non_inferior.bound == pytest.approx(100 * better.non_inferior.bound)
    assert "plain is not shown to be non-inferior to gated with a margin of 0.02" in capsys.readouterr().out
    with pytest.raises(ValueError, match="name one metric"):
        compare(runs, ("dice", "hd95"), margin=0.1)


def test_three_files_are_written(runs, tmp_path):
    found = compare(runs, ("dice", "hd95"), out=str(tmp_path / "out"))
    rows = list(csv.DictReader((tmp_path / "out/comparison.csv").open()))
    assert [float(row["p_holm"]) for row in rows] == [item.p_holm for item in found]
    content = json.loads((tmp_path / "out/comparison.json").read_text())
    assert content["comparisons"][0]["ci95"] == list(found[0].ci95)
    latex = (tmp_path / "out/comparison.tex").read_text()
    assert r"\begin{tabular}" in latex
    body = latex[latex.index(r"\midrule") : latex.index(r"\bottomrule")].splitlines()[1:]
    assert len(body) == 6
    assert all(line.count(" & ") == 10 for line in body)
    assert r"\%" in body[1]
    assert f"${GAIN.mean():+.4f}$" in body[1]
    assert f"${found[0].ci95[0]:+.4f}$ to ${found[0].ci95[1]:+.4f}$" in body[1]


def test_cases_that_differ_are_refused_and_listed(runs, tmp_path):
    (tmp_path / "short").mkdir()
    short = write_run(tmp_path / "short", BASE[:-1], [*NAMES[:-2], "stranger"])
    with pytest.raises(ValueError) as error:
        compare([runs[0], short])
    text = str(error.value)
    assert "only in plain: busi/case_38" in text
    assert "only in plain: busi/case_39" in text
    assert "only in short: busi/stranger" in text
    assert "3 differences" in text


def test_other_pixels_under_the_same_names_are_refused(runs, tmp_path):
    path = tmp_path / "gated/metrics.csv"
    path.write_text(path.read_text().replace("hash of case_07", "another hash"))
    with pytest.raises(ValueError, match="other pixels under one name: busi/case_07"):
        compare(runs[:2])


def test_without_hashes_the_splits_are_compared_and_else_it_is_said(tmp_path, capsys):
    folders = []
    for name in "abc":
        (tmp_path / name).mkdir()
    splits = [{"busi": "1"}, {"busi": "2"}, {}]
    folders = [write_run(tmp_path / name, BASE, hashes=False, splits=s) for name, s in zip("abc", splits)]
    with pytest.raises(ValueError, match="different splits of busi"):
        compare(folders[:2])
    compare([folders[0], folders[2]])
    assert "only their names were compared" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(size="model"), "size is 'original' and 'model'"),
        (dict(threshold=0.4), r"threshold is 0\.5 and 0\.4"),
        (dict(metrics={"dice": dict(METRICS["dice"], rule="another")}), "dice was measured differently"),
        (dict(metrics={}), "doesn't say what 'dice' is"),
    ],
)
def test_other_ways_of_measuring_are_refused(runs, tmp_path, options, message):
    (tmp_path / "odd").mkdir()
    with pytest.raises(ValueError, match=message):
        compare([runs[0], write_run(tmp_path / "odd", BASE, **options)])


def test_the_command_tells_mistakes_alone(runs, tmp_path, capsys):
    assert main(["compare", *runs[:2], "--metric", "dice", "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out/comparison.tex").is_file()
    for arguments, message in (
        ([runs[0]], "needs two runs or more"),
        ([runs[0], runs[0]], "given twice"),
        ([runs[0], str(tmp_path / "nothing")], "nothing/metrics.csv: no such file"),
        ([*runs[:2], "--metric", "sharpness"], "doesn't say what 'sharpness' is"),
        ([*runs[:2], "--margin", "-1"], "must be 0 or above"),
    ):
        assert main(["compare", *arguments]) == 2
        assert message in capsys.readouterr().err


def test_runs_of_one_name_are_told_apart(tmp_path):
    folders = [tmp_path / "first/run", tmp_path / "second/run"]
    for folder in folders:
        folder.mkdir(parents=True)
    names = [run.name for run in read_runs([write_run(folder, BASE) for folder in folders])]
    assert names == ["first/run", "second/run"]
    (folders[0] / "metrics.json").write_text("{}")
    with pytest.raises(ValueError, match="doesn't say how was measured"):
        read_runs(list(map(str, folders)))
