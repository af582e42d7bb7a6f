"""Work runs ahead, and not farther than it may."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest

from ultraref.apis.inference.prefetch import prefetched


def test_order_and_bound():
    begun, lock = [], Lock()

    def work(item):
        with lock:
            begun.append(item)
        return item * item

    most = 0
    with ThreadPoolExecutor(4) as pool:
        for taken, (item, future) in enumerate(prefetched(work, range(50), pool, 5), start=1):
            assert future.result() == item * item
            assert item == taken - 1
            with lock:
                most = max(most, len(begun) - taken)
    assert most <= 5
    assert sorted(begun) == list(range(50))


def test_an_error_is_that_of_its_item():
    def work(item):
        if item == 1:
            raise ValueError("one")
        return item

    with ThreadPoolExecutor(2) as pool:
        futures = dict(prefetched(work, range(3), pool, 2))
    assert futures[0].result() == 0
    with pytest.raises(ValueError, match="one"):
        futures[1].result()
    assert futures[2].result() == 2


def test_what_is_not_asked_for_is_not_begun():
    gate, begun = Event(), []

    def work(item):
        begun.append(item)
        gate.wait(5)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(gate.wait, 5)
        steps = prefetched(work, range(10), pool, 4)
        gate.set()
        next(steps)
        steps.close()
    assert len(begun) <= 4
