"""No damage to a checkpoint is taken, whatever it is; and torch, which would take some of it, isn't asked."""

import errno
import logging
import os
import resource
import shutil
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from ultraref.checkpoint import load_checkpoint_file, load_weights_file, save_atomically
from ultraref.errors import UserError

STATE = {"w": torch.arange(60.0).reshape(6, 10), "n": torch.tensor(3), "h": torch.ones(3, dtype=torch.bfloat16)}


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "whole.pth"
    save_atomically({"state_dict": STATE, "meta": {"epoch": 1, "iter": 3, "seed": 0}}, path)
    assert torch.equal(load_checkpoint_file(path)["state_dict"]["w"], STATE["w"])
    return path


def rewritten(path, change):
    """A copy of an archive with its records changed by `change(name, data)`."""
    target = path.with_name("rewritten.pth")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for record in old.infolist():
            new.writestr(record.filename, change(record.filename, old.read(record)))
    return target


def test_one_flipped_bit_anywhere_in_a_checkpoint_is_refused(whole, tmp_path):
    content = whole.read_bytes()
    rng = np.random.default_rng(0)
    # Every byte of the seal, and a sample of the others.
    positions = [*range(0, len(content) - 100, 13), *range(len(content) - 100, len(content))]
    damaged = tmp_path / "damaged.pth"
    for position, bit in zip(positions, rng.integers(0, 8, len(positions))):
        damaged.write_bytes(content[:position] + bytes([content[position] ^ (1 << int(bit))]) + content[position + 1 :])
        with pytest.raises(UserError, match=r"damaged\.pth"):
            load_checkpoint_file(damaged)


@pytest.mark.parametrize("kind", ["cut", "zeroed", "longer"])
def test_cut_zeroed_and_lengthened_checkpoints_are_refused(whole, tmp_path, kind):
    content = whole.read_bytes()
    damaged = tmp_path / "damaged.pth"
    for start in range(0, len(content) - 40, 97):
        block = bytes(32) if content[start : start + 32] != bytes(32) else b"\1" * 32
        damaged.write_bytes(
            {
                "cut": content[:start],
                "zeroed": content[:start] + block + content[start + 32 :],
                "longer": content + content[: start + 1],
            }[kind]
        )
        with pytest.raises(UserError, match=r"damaged\.pth"):
            load_checkpoint_file(damaged)


def test_no_message_advises_to_load_with_code(tmp_path):
    class Code:
        def __reduce__(self):
            return (print, ("ran",))

    torch.save({"state_dict": {}, "meta": Code()}, tmp_path / "code.pth")
    torch.save({"w": Code()}, tmp_path / "weights.pth")
    for load, name in ((load_checkpoint_file, "code.pth"), (load_weights_file, "weights.pth")):
        with pytest.raises(UserError) as error:
            load(tmp_path / name)
        assert "weights_only" not in str(error.value)


def test_a_checkpoint_that_another_program_wrote_again_has_lost_its_checksum(whole, tmp_path):
    content = torch.load(whole, weights_only=True)
    content["state_dict"]["w"] += 1
    torch.save(content, tmp_path / "again.pth")
    with pytest.raises(UserError, match=r"again\.pth has lost its checksum"):
        load_checkpoint_file(tmp_path / "again.pth")


def test_a_checkpoint_of_format_1_is_read_with_a_note_once_and_its_records_are_checked(tmp_path, caplog):
    path = tmp_path / "old.pth"
    torch.save({"state_dict": STATE, "meta": {"epoch": 2, "iter": 6}}, path)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert load_checkpoint_file(path)["meta"]["epoch"] == 2
    content = path.read_bytes()
    position = content.index(STATE["w"].numpy().tobytes()) + 7
    path.write_bytes(content[:position] + bytes([content[position] ^ 64]) + content[position + 1 :])
    assert not torch.equal(torch.load(path, weights_only=True)["state_dict"]["w"], STATE["w"])
    for load in (load_checkpoint_file, load_weights_file):
        with pytest.raises(UserError, match=r"old\.pth is damaged: the checksum of its record .*data/"):
            load(path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": 3}, "has format 3, but this program reads 1 and 2"),
        ({"format": "two"}, "has format 'two'"),
        ({"meta": None}, "not whole: meta"),
        ({"meta": {"epoch": "three"}}, r"not whole: meta\.epoch"),
        ({"meta": {"iter": -1}}, r"not whole: meta\.iter"),
        ({"state_dict": [1]}, "no `state_dict`"),
        ({"state_dict": {3: torch.ones(1)}}, "not whole: state_dict"),
        ({"optimizer": {}}, "not whole: message_hub"),
        ({"message_hub": {"log_scalars": 1}}, r"not whole: message_hub\.log_scalars"),
        ({"param_schedulers": 1}, "not whole: param_schedulers"),
    ],
)
def test_odd_fields_are_named(tmp_path, fields, message):
    save_atomically({"state_dict": STATE, "meta": {"epoch": 1}, **fields}, tmp_path / "odd.pth")
    with pytest.raises(UserError, match=message):
        load_checkpoint_file(tmp_path / "odd.pth")


def test_without_meta_nothing_says_what_was_trained_on_and_it_is_refused(tmp_path):
    torch.save({"state_dict": STATE}, tmp_path / "bare.pth")
    with pytest.raises(UserError, match="not whole: meta missing"):
        load_checkpoint_file(tmp_path / "bare.pth")


def test_expanded_and_absurd_tensors_are_refused_before_memory_is_taken(tmp_path):
    save_atomically({"state_dict": {"w": torch.zeros(1).expand(1 << 50)}, "meta": {}}, tmp_path / "expanded.pth")
    with pytest.raises(UserError, match=r"tensor of 1125899906842624 elements.*of which it stores 1"):
        load_checkpoint_file(tmp_path / "expanded.pth")
    torch.save({"state_dict": {"w": torch.zeros(1000)}, "meta": {}}, tmp_path / "small.pth")

    def enlarge(name, data):
        # 1000 is M\xe8\x03 in the pickle, 2^30 is J\x00\x00\x00\x40.
        return data.replace(b"M\xe8\x03", b"J\x00\x00\x00\x40") if name.endswith("data.pkl") else data

    with pytest.raises(UserError, match="states 1073741824 elements of 4 bytes where it stores 4000 bytes"):
        load_checkpoint_file(rewritten(tmp_path / "small.pth", enlarge))

    def reach_past(name, data):
        # The tensor's offset in its storage, K\x00 after the storage itself, Q.
        return data.replace(b"QK\x00", b"QK\x09") if name.endswith("data.pkl") else data

    with pytest.raises(UserError, match=r"tensor of 1000 elements, size \(1000,\), of which it stores 1000"):
        load_checkpoint_file(rewritten(tmp_path / "small.pth", reach_past))


def test_compressed_records_are_refused(tmp_path, whole):
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for record in old.infolist():
            new.writestr(record.filename, old.read(record))
        new.writestr("whole/data/9", bytes(1 << 24))
    with pytest.raises(UserError, match="compressed records, which torch never writes"):
        load_checkpoint_file(bomb)


def test_every_kind_of_tensor_that_torch_stores_comes_back(tmp_path):
    names = (
        "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64 complex128 uint16 float8_e4m3fn"
    )
    state = {name: torch.ones(3, 2).to(getattr(torch, name)) for name in names.split()}
    state["turned"] = torch.arange(6.0).reshape(2, 3).T
    state["shared"] = state["turned"][1:]
    save_atomically({"state_dict": state, "meta": {}}, tmp_path / "kinds.pth")
    read = load_checkpoint_file(tmp_path / "kinds.pth")["state_dict"]
    assert all(
        torch.equal(value.double(), state[name].double()) for name, value in read.items() if "complex" not in name
    )
    assert read["shared"].tolist() == [[1.0, 4.0], [2.0, 5.0]]


def test_what_stands_in_the_place_of_a_checkpoint_is_said(tmp_path):
    (tmp_path / "empty.pth").touch()
    (tmp_path / "folder.pth").mkdir()
    (tmp_path / "link.pth").symlink_to(tmp_path / "gone.pth")
    for name, message in (
        ("empty", "is empty"),
        ("folder", "is a folder, not a file"),
        ("link", r"is a link to .*gone\.pth, which does not exist"),
        ("none", "does not exist"),
    ):
        with pytest.raises(UserError, match=rf"{name}\.pth {message}"):
            load_checkpoint_file(tmp_path / f"{name}.pth")


def test_a_full_disk_is_one_line_and_keeps_the_last_good_file(whole):
    before = whole.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
        with pytest.raises(UserError) as error:
            save_atomically({"state_dict": {"w": torch.zeros(1 << 18)}, "meta": {}}, whole)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(error.value) == f"{whole} can't be written: {os.strerror(errno.EFBIG)}"
    assert whole.read_bytes() == before
    assert os.listdir(whole.parent) == ["whole.pth"]


def test_a_read_only_folder_and_a_file_in_a_folders_place_are_one_line(whole, monkeypatch):
    with pytest.raises(UserError, match=r"the folder .*whole\.pth can't be made: File exists"):
        save_atomically({}, whole / "last.pth")
    before = whole.read_bytes()

    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UserError, match=r"whole\.pth can't be written: Read-only file system"):
        save_atomically({}, whole)
    assert whole.read_bytes() == before


def test_a_copy_is_as_good_as_the_file(whole, tmp_path):
    shutil.copy(whole, tmp_path / "copy.pth")
    assert load_checkpoint_file(tmp_path / "copy.pth")["format"] == 2


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "oldest format"])
def test_weights_of_other_programs_are_read_if_their_sizes_fit_the_file(tmp_path, zipped):
    path = tmp_path / "weights.pth"
    state = {"w": torch.arange(1000.0), "tied": torch.nn.Parameter(torch.ones(3)), "half": torch.ones(2).half()}
    torch.save(OrderedDict(state, epoch=3), path, _use_new_zipfile_serialization=zipped)
    read = load_weights_file(path)
    assert torch.equal(read["w"], state["w"])
    assert torch.equal(read["tied"], state["tied"])
    content = path.read_bytes()
    if zipped:
        enlarged = rewritten(path, lambda name, data: data.replace(b"M\xe8\x03", b"J\x00\x00\x00\x40")).read_bytes()
    else:
        enlarged = content.replace(b"M\xe8\x03", b"J\x00\x00\x00\x40")
    assert enlarged != content
    path.write_bytes(enlarged)
    with pytest.raises(UserError, match=r"weights\.pth states weights of 42949\d+ bytes, but has"):
        load_weights_file(path)


def test_a_storage_without_a_size_is_refused(tmp_path):
    torch.save({"w": torch.ones(3)}, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    content = (tmp_path / "w.pth").read_bytes()
    # The last argument of the storage's persistent id, its size: 3 as a byte, and the same as None.
    assert content.count(b"K\x03Nt") == 1
    (tmp_path / "w.pth").write_bytes(content.replace(b"K\x03Nt", b"NNt"))
    with pytest.raises(UserError, match=r"w\.pth"):
        load_weights_file(tmp_path / "w.pth")


def test_names_of_storages_take_no_memory_on_their_word(tmp_path):
    torch.save({"w": torch.ones(3)}, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    content = (tmp_path / "w.pth").read_bytes()
    # The list of the storages' keys, the last pickle: its first text is said to have 3.6 GB.
    at = content.rindex(b"\x80\x02]q\x00X") + len(b"\x80\x02]q\x00X")
    (tmp_path / "w.pth").write_bytes(content[:at] + b"\x00\x00\x00\xd7" + content[at + 4 :])
    limit = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), limit[1]))
    try:
        with pytest.raises(UserError, match=r"w\.pth can't be read as weights: it is damaged, or of another kind"):
            load_weights_file(tmp_path / "w.pth")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
