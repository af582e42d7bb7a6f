"""What a run has finished is found again, and nothing else is."""

import pytest

from ultraref.apis.inference.files import InputFile
from ultraref.apis.inference.journal import Journal
from ultraref.errors import UserError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"image")
    return InputFile(path, "a")


def written(tmp_path, file, **settings) -> Journal:
    journal = Journal(tmp_path / "out" / "j.jsonl", settings)
    journal.add({"name": "a", "area_px": 3}, file)
    journal.close()
    return journal


def test_rows_come_back(tmp_path, file):
    written(tmp_path, file, threshold=0.5)
    again = Journal(tmp_path / "out" / "j.jsonl", {"threshold": 0.5})
    assert again.is_done("a", file)
    assert again.rows["a"] == {"name": "a", "area_px": 3}


def test_a_changed_file_is_not_done(tmp_path, file):
    written(tmp_path, file)
    file.path.write_bytes(b"another image")
    assert not Journal(tmp_path / "out" / "j.jsonl", {}).is_done("a", file)


def test_a_line_that_a_kill_cut_off_is_dropped(tmp_path, file):
    journal = written(tmp_path, file)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + b'{"row": {"na')
    again = Journal(journal.path, {})
    again.add({"name": "b"}, file)
    again.close()
    assert set(Journal(journal.path, {}).rows) == {"a", "b"}


def test_a_journal_that_was_killed_at_its_first_line_begins_again(tmp_path, file):
    path = tmp_path / "j.jsonl"
    path.write_bytes(b'{"settings": {"thre')
    journal = Journal(path, {"threshold": 0.5})
    journal.add({"name": "a"}, file)
    journal.close()
    assert Journal(path, {"threshold": 0.5}).is_done("a", file)


def test_other_settings_are_refused_by_name(tmp_path, file):
    journal = written(tmp_path, file, threshold=0.5)
    with pytest.raises(UserError, match=r"threshold: 0\.5, now 0\.4"):
        Journal(journal.path, {"threshold": 0.4})


def test_another_file_is_no_journal(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_text("name,area\n")
    with pytest.raises(UserError, match="is no journal"):
        Journal(path, {})
