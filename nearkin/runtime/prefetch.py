"""Making the next items while the last one is being used."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice


def prefetch(items, n):
    """The items of an iterable in their order, up to `n` of them made by a thread before they are asked for.

    An error comes where its item would have come. Nothing is made any more once the caller
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
                yield item
        finally:
            thread.shutdown(cancel_futures=True)


def thread_map_ordered(function, items, *, n_threads, n_ahead, begin=None):
    """`function` of every item, in their order, computed in threads; `n_ahead` before they are asked for.

    Every thread calls `begin` first. Errors and leaving the loop are as for `prefetch`.

    >>> list(thread_map_ordered(abs, [-1, 2, -3], n_threads=2, n_ahead=2))
    [1, 2, 3]
    """
    items = iter(items)
    with ThreadPoolExecutor(n_threads, initializer=begin) as threads:
        try:
            waiting = deque(threads.submit(function, item) for item in islice(items, n_ahead))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(threads.submit(function, item) for item in islice(items, 1))
                yield result
        finally:
            threads.shutdown(cancel_futures=True)
