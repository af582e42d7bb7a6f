"""The random numbers of an iteration depend on seed, rank, iteration and purpose, and on nothing else."""

import random

import numpy as np
import torch

from ultraref.engine.hooks.reseed_hook import reseed


def draw(*args, **kwargs):
    reseed(*args, **kwargs)
    return torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random()  # noqa: NPY002


def test_same_numbers_whatever_came_before():
    first = draw(3, 0, 17)
    torch.rand(100)
    np.random.rand(5)  # noqa: NPY002
    assert draw(3, 0, 17) == first


def test_each_of_the_four_numbers_matters():
    drawn = [draw(3, 0, 17), draw(4, 0, 17), draw(3, 1, 17), draw(3, 0, 18), draw(3, 0, 17, purpose=1)]
    for generator in range(3):
        assert len({str(numbers[generator]) for numbers in drawn}) == len(drawn)


def test_a_resumed_run_does_not_start_with_the_numbers_of_another_rank():
    # A sum seed + rank + iteration would give rank 1 at iteration 0 the numbers of rank 0 at iteration 1.
    assert draw(0, 1, 0) != draw(0, 0, 1)
