"""Looks through a checkpoint before torch opens it: how large is what it says that it holds?

torch makes storages of the size that a file states, and lets a tensor of a few bytes pose as one of terabytes. Here the archive's
index and the pickle's sizes are read, without any tensor or any object of a class being made.
"""

import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from math import prod
from typing import IO

import torch

from ultraref.bounded_stream import BoundedStream

_ENDS = ("PROTO", "STOP", "MARK", "BINPERSID", "GLOBAL", "REDUCE", "BUILD")
_MEMO = ("BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET")
_VALUES = ("NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE")
_CONTAINERS = (
    *("EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
)
# All that torch.save uses for the plain types of `to_plain`.
_OPCODES = {getattr(pickle, name)[0] for name in (*_ENDS, *_MEMO, *_VALUES, *_CONTAINERS)}
# Bytes an element, by the kind of storage that torch names in a file.
_STORAGES = {
    f"{name}Storage": size
    for size, names in {
        1: ("Untyped", "Byte", "Char", "Bool"),
        2: ("Half", "BFloat16", "Short"),
        4: ("Float", "Int"),
        8: ("Double", "Long", "ComplexFloat"),
        16: ("ComplexDouble",),
    }.items()
    for name in names
}
# Of torch's format before zip archives: magic number, version, system, the weights with names in the place of storages, and these names.
_PICKLES_BEFORE_STORAGES = 5
# What a damaged archive or pickle raises, as the standard library checks little of either.
_DAMAGE = (
    *(
        zipfile.BadZipFile,
        pickle.UnpicklingError,
        struct.error,
        NotImplementedError,
        RuntimeError,
        ValueError,
        TypeError,
    ),
    *(OSError, EOFError, KeyError, IndexError, AttributeError, OverflowError),
)


class DamagedError(Exception):
    """What is wrong with a checkpoint, in words that follow its name."""


def check_records(file: IO[bytes]) -> None:
    """Compares each record of a zip archive with the checksum that zip keeps of it, which torch doesn't.

    Raises:
        DamagedError: one differs, or the archive can't be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
    except _DAMAGE as error:
        raise DamagedError("can't be read: damaged or incomplete?") from error
    if damaged is not None:
        raise DamagedError(f"is damaged: the checksum of its record {damaged} doesn't fit")


def scan(file: IO[bytes]) -> None:
    """Checks that every tensor in a checkpoint has as many bytes in the file as its sizes say.

    Args:
        file: open for reading; is at its start afterwards.

    Raises:
        DamagedError: it is no archive of torch, or a damaged one; a record is compressed; a tensor is larger than what is
            stored of it, or reaches past it; the file names other objects than tensors and plain types.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            records = _record_sizes(archive, file)
            pickles = [name for name in records if name.count("/") == 1 and name.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise DamagedError("is no checkpoint of torch: it has no data.pkl")
            folder = pickles[0].removesuffix("data.pkl")
            with archive.open(pickles[0]) as content:
                _SizeReader(content, records, folder + "data/").load()
    except _DAMAGE as error:
        raise DamagedError("can't be read: damaged or incomplete?") from error
    finally:
        file.seek(0)


def scan_weights(file: IO[bytes]) -> None:
    """Checks that the storages in a file of weights, of any program and any age of torch's formats, fit into the file.

    Args:
        file: open for reading; is at its start afterwards.

    Raises:
        DamagedError: they are larger than the file, a tensor is larger than its storage, or the file can't be read.
    """
    size = file.seek(0, 2)
    file.seek(0)
    claimed: dict[str, int] = {}
    try:
        if is_zip(file):
            with zipfile.ZipFile(file) as archive:
                name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
                with archive.open(name) as content:
                    _ClaimReader(content, claimed).load()
        else:
            stream = BoundedStream(file)
            for _ in range(_PICKLES_BEFORE_STORAGES):
                _ClaimReader(stream, claimed).load()
    except (*_DAMAGE, StopIteration, ArithmeticError) as error:
        raise DamagedError("can't be read as weights: it is damaged, or of another kind") from error
    finally:
        file.seek(0)
    if not all(isinstance(claim, int) and claim >= 0 for claim in claimed.values()):
        raise DamagedError("can't be read as weights: a storage has no size")
    total = sum(claimed.values())
    if total > size:
        raise DamagedError(f"states weights of {total} bytes, but has {size}")


def is_zip(file: IO[bytes]) -> bool:
    """Whether a file begins as a zip archive; it is at its start afterwards."""
    file.seek(0)
    magic = file.read(4)
    file.seek(0)
    return magic == b"PK\x03\x04"


def _record_sizes(archive: zipfile.ZipFile, file: IO[bytes]) -> dict[str, int]:
    records = {record.filename: record.file_size for record in archive.infolist()}
    if len(records) != len(archive.infolist()):
        raise DamagedError("holds two records of one name")
    if any(r.compress_type != zipfile.ZIP_STORED or r.file_size != r.compress_size for r in archive.infolist()):
        raise DamagedError("has compressed records, which torch never writes")
    if sum(records.values()) > file.seek(0, 2):
        raise DamagedError("states records that are larger than the file")
    return records


class _SizeReader(pickle._Unpickler):
    """Reads the pickle of a checkpoint with sizes in the place of tensors.

    It is the standard library's reader in Python, which takes no memory ahead of what the file holds.

    Args:
        file: the pickle.
        records: size of each record of the archive in bytes, by name.
        folder: what the names of storages begin with.
    """

    dispatch = {opcode: read for opcode, read in pickle._Unpickler.dispatch.items() if opcode in _OPCODES}

    def __init__(self, file: IO[bytes], records: dict[str, int], folder: str):
        super().__init__(file)
        self._records, self._folder = records, folder

    def persistent_load(self, pid: tuple) -> tuple[int, int]:
        """Returns how many elements a storage has, and the bytes of one."""
        _, item_size, key, _, count = pid
        stored = self._records.get(f"{self._folder}{key}")
        if not isinstance(count, int) or stored is None or count * item_size != stored:
            raise DamagedError(f"states {count} elements of {item_size} bytes where it stores {stored} bytes")
        return count, item_size

    def find_class(self, module: str, name: str) -> Callable | int:
        """Returns what stands for a name in the file: for a kind of storage or of number its bytes an element."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) in (("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor_v3")):
            return _check_tensor
        if (module, name) == ("torch.storage", "UntypedStorage"):
            return 1
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        found = getattr(torch, name, None) if module == "torch" else None
        if isinstance(found, torch.dtype):
            return found.itemsize
        raise DamagedError(f"names {module}.{name}, but a checkpoint holds tensors and plain types only")


class _Inert:
    """Stands for whatever a file names: can be made, filled and set up, and does nothing."""

    def __new__(cls, *_, **__):
        return super().__new__(cls)

    def __init__(self, *_, **__):
        pass

    def __setstate__(self, state) -> None:
        pass

    def __setitem__(self, key, value) -> None:
        pass

    def __hash__(self) -> int:
        return 0

    def append(self, value) -> None:
        """Takes an element of a kind of list."""

    def extend(self, values) -> None:
        """Takes elements of a kind of list."""


class _ClaimReader(pickle._Unpickler):
    """Reads a pickle of weights with sizes in the place of tensors, and inert objects in that of all others.

    Args:
        file: the pickle.
        claimed: receives the bytes of each storage by its key.
    """

    # Of all opcodes the one that takes memory ahead of what the file holds.
    dispatch = {opcode: read for opcode, read in pickle._Unpickler.dispatch.items() if opcode != pickle.BYTEARRAY8[0]}

    def __init__(self, file: IO[bytes], claimed: dict[str, int]):
        super().__init__(file, encoding="latin1")
        self._claimed = claimed

    def persistent_load(self, pid: tuple) -> tuple[int, int]:
        """Returns how many elements a storage has, and the bytes of one; see `_SizeReader`."""
        item_size, key, _, count = pid[1:5]
        # A kind that isn't known has at least one byte an element.
        item_size = item_size if isinstance(item_size, int) else 1
        self._claimed[str(key)] = count * item_size
        return count, item_size

    def find_class(self, module: str, name: str):
        """Returns what stands for a name in the file."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) in (("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor_v3")):
            return _check_tensor
        return _STORAGES.get(name, _Inert) if module == "torch" else _Inert


def _check_tensor(storage: tuple, offset: int, size: tuple, stride: tuple, grad, hooks, *rest) -> None:
    count, item_size = storage
    # The third version has a storage of bytes, and the kind of number after the hooks.
    if rest and isinstance(rest[0], int):
        item_size, count = rest[0], count * item_size // rest[0]
    numbers = (offset, *size, *stride)
    if len(size) != len(stride) or not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise DamagedError(f"holds a tensor of size {size} and stride {stride}")
    elements = prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride)) if elements else 0
    if elements > count or (elements and last >= count):
        raise DamagedError(f"holds a tensor of {elements} elements, size {size}, of which it stores {count}")
