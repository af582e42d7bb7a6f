"""Every reader reads its whole file, and reads or refuses damaged ones: a small part of `make soak`."""

import pytest

from ultraref.errors import UserError
from ultraref.testing.soak.fuzz_readers import damaged, fuzz_reader
from ultraref.testing.soak.readers import READERS, Reader


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_whole_files_are_read(reader, tmp_path):
    reader.read(reader.make(tmp_path))


def test_names_are_unique_as_the_damage_depends_on_them():
    assert len({reader.name for reader in READERS}) == len(READERS)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_damaged_files_are_read_or_refused(reader):
    result = fuzz_reader(reader, 6, seed=0)
    assert sum(result.counts.values()) == 6
    assert result.faults == []


def test_what_a_reader_does_wrong_is_found_and_can_be_made_again(tmp_path):
    def make(folder):
        (folder / "file").write_bytes(b"0123456789")
        return folder / "file"

    def read(path):
        content = path.read_bytes()
        if len(content) < 10:
            raise UserError("cut off")
        if content != b"0123456789":
            raise ValueError("damaged")

    reader = Reader("toy", make, read)
    result = fuzz_reader(reader, 40, seed=1)
    assert result.counts["refused"] > 0
    assert result.counts["traceback"] == len(result.faults) > 0
    for fault in result.faults:
        assert result.examples[fault.number] == damaged(reader, b"0123456789", fault.number, seed=1)
        assert len(result.examples[fault.number]) >= 10
