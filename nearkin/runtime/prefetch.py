"""Iterators that compute the next items in threads while the caller uses the current one."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch(items: Iterable[Item], n: int) -> Iterator[Item]:
    """The items of an iterable in their order, up to `n` of them computed by a thread in advance.

    An error is raised in place of its item. Nothing is computed any more once the caller
    has left the loop.

    >>> list(prefetch((number**2 for number in range(4)), 2))
    [0, 1, 4, 9]
    """
    items, end = iter(items), object()
    with ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(next, items, end) for _ in range(n))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, items, end))
                yield cast(Item, item)
        finally:
            thread.shutdown(cancel_futures=True)


def thread_map_ordered(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    n_threads: int,
    n_ahead: int,
    initializer: Callable[[], object] | None = None,
) -> Iterator[Result]:
    """`function` of every item, in their order, computed in threads, up to `n_ahead` of them in advance.

    Every thread calls `initializer` first. Errors and leaving the loop are as for `prefetch`.

    >>> list(thread_map_ordered(abs, [-1, 2, -3], n_threads=2, n_ahead=2))
    [1, 2, 3]
    """
    items = iter(items)
    with ThreadPoolExecutor(n_threads, initializer=initializer) as threads:
        try:
            waiting = deque(threads.submit(function, item) for item in islice(items, n_ahead))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(threads.submit(function, item) for item in islice(items, 1))
                yield result
        finally:
            threads.shutdown(cancel_futures=True)
