"""Work in other threads, a bounded number of steps ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetched(
    work: Callable[[Item], Result], items: Iterable[Item], pool: Executor, ahead: int
) -> Iterator[tuple[Item, "Future[Result]"]]:
    """Yields each item with the future of `work(item)`, in order, done, with at most `ahead` begun before they are asked for.

    So memory holds `ahead` results, however many items there are. What is begun and not asked for any more is cancelled.
    """
    items = iter(items)
    begun: deque[tuple[Item, Future]] = deque()
    try:
        while True:
            begun.extend((item, pool.submit(work, item)) for item in islice(items, ahead - len(begun)))
            if not begun:
                return
            item, future = begun.popleft()
            future.exception()  # waits
            yield item, future
    finally:
        for _, future in begun:
            future.cancel()
