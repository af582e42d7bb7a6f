"""Damaged files for every reader: each is read, or refused in words, and nothing else."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import numpy as np
import torch

from ultraref.testing.fuzz import mutations
from ultraref.testing.soak.isolation import REFUSED, TAKEN, Outcome, call_each
from ultraref.testing.soak.readers import READERS, Reader


@dataclass
class FuzzedReader:
    """What a reader made of damaged files.

    Attributes:
        name: of the reader.
        counts: number of files by what came of them, a kind of `isolation.KINDS`.
        faults: what came of those that were neither read nor refused.
        examples: the files of these, by number.
    """

    name: str
    counts: Counter = field(default_factory=Counter)
    faults: list[Outcome] = field(default_factory=list)
    examples: dict[int, bytes] = field(default_factory=dict)


def fuzz_readers(files: int, seed: int, readers: Sequence[Reader] = READERS) -> Iterator[FuzzedReader]:
    """Damages files of every reader, and yields what each made of them.

    Args:
        files: in all, evenly over the readers.
        seed: of the damage. File k of a reader depends on the seed, the reader's name and k alone.
        readers: which.
    """
    torch.set_num_threads(1)
    shares = np.diff(np.linspace(0, files, len(readers) + 1).round().astype(int))
    for reader, share in zip(readers, shares):
        yield fuzz_reader(reader, int(share), seed)


def fuzz_reader(reader: Reader, files: int, seed: int) -> FuzzedReader:
    """As `fuzz_readers`, of one reader."""
    result = FuzzedReader(reader.name)
    with TemporaryDirectory() as folder:
        path = reader.make(Path(folder))
        whole = path.read_bytes()

        def read_damaged(number: int) -> None:
            # Made anew, as a reader may write or remove it.
            path.write_bytes(damaged(reader, whole, number, seed))
            reader.read(path)

        for outcome in call_each(read_damaged, range(files)):
            result.counts[outcome.kind] += 1
            if outcome.kind not in (TAKEN, REFUSED):
                result.faults.append(outcome)
                result.examples[outcome.number] = damaged(reader, whole, outcome.number, seed)
    return result


def damaged(reader: Reader, whole: bytes, number: int, seed: int) -> bytes:
    """Returns damaged file `number` of a reader."""
    return next(mutations(whole, np.random.default_rng([seed, crc32(reader.name.encode()), number])))
