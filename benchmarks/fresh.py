"""Work in a process of its own, so that its peak memory is its own too."""

import logging
import multiprocessing
import resource
import signal


def run(work, *arguments):
    """The dict that `work` returns, with `gigabytes`, the peak of its process. Raises RuntimeError."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=_run, args=(work, arguments, results))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__}{arguments} {how_it_ended(process.exitcode)}")
    return results.get()


def how_it_ended(code):
    """How a process failed, by its exit code; below zero is the number of a signal.

    >>> how_it_ended(1), how_it_ended(-4)
    ('failed with exit code 1', 'was ended by SIGILL (Illegal instruction)')
    """
    if code >= 0:
        return f"failed with exit code {code}"
    return f"was ended by {signal.Signals(-code).name} ({signal.strsignal(-code)})"


def _run(work, arguments, results):
    logging.disable()
    found = work(*arguments)
    results.put(found | {"gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20})
