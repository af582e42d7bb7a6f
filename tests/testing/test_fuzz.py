from itertools import islice

import numpy as np

from ultraref.testing.fuzz import TOKENS, mutations


def some(data: bytes, count: int, seed: int = 0) -> list[bytes]:
    return list(islice(mutations(data, np.random.default_rng(seed)), count))


def test_the_same_seed_gives_the_same_files():
    data = b'{"images": [1, 2, 3], "name": "a"}' * 20
    assert some(data, 50) == some(data, 50)
    assert some(data, 50) != some(data, 50, seed=1)


def test_almost_every_file_is_damaged_each_in_its_way():
    data = b'{"images": [1, 2, 3], "name": "a"}' * 20
    files = some(data, 2000)
    assert sum(file == data for file in files) < 100
    assert len(set(files)) > 1700
    assert any(len(file) < len(data) // 2 for file in files)
    assert any(b"[" * 1000 in file for file in files)
    assert any(len(file) == len(data) and file != data for file in files)


def test_an_empty_file_is_no_trouble():
    assert max(map(len, some(b"", 200))) <= 3 * max(map(len, TOKENS))
