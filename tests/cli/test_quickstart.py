"""The quick start's short names, and the protocol command's arguments."""

import pytest

from ultraref.cli.main import main
from ultraref.protocol import run


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What the commands asked to be run."""
    calls = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ULTRAREF_DATA", raising=False)
    monkeypatch.setattr(run, "run_protocol", lambda *arguments, **options: calls.append((*arguments, options)) or 0)
    return calls


def test_the_quick_start_is_a_protocol(asked, tmp_path):
    assert main(["quickstart", "phantoms"]) == 0
    assert main(["quickstart", "busi", "--source", str(tmp_path)]) == 0
    (tmp_path / "data/busi").mkdir(parents=True)
    (tmp_path / "data/busi/splits.json").write_text("{}")
    assert main(["quickstart", "busi", "--source", "deleted"]) == 0
    assert asked == [
        ("quickstart", {"sources": {}}),
        ("busi", {"sources": {"busi": str(tmp_path)}}),
        ("busi", {"sources": {}}),
    ]


def test_busi_without_its_files_is_refused_before_anything_is_fetched(asked, capsys):
    assert main(["quickstart", "busi"]) == 2
    assert "give --source, the folder of the published BUSI files" in capsys.readouterr().err
    assert main(["quickstart", "busi", "--source", "nowhere"]) == 2
    assert "--source nowhere: no such folder" in capsys.readouterr().err
    assert asked == []


def test_the_arguments_of_a_protocol_are_handed_on(asked, capsys):
    words = (
        "five_sets --steps phase1 predict --folds 0 4 --sets bus --source bus=raw --jobs 3 --launcher slurm --any-code"
    )
    assert main(["protocol", *words.split()]) == 0
    (call,) = asked
    assert call == (
        "five_sets",
        dict(
            steps=["phase1", "predict"],
            folds=[0, 4],
            sets=["bus"],
            sources={"bus": "raw"},
            dry_run=False,
            jobs=3,
            launcher="slurm",
            any_code=True,
        ),
    )
    assert main(["protocol", "five_sets", "--source", "raw"]) == 2
    assert "--source takes SET=FOLDER, but got 'raw'" in capsys.readouterr().err
