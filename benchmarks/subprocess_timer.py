"""Runs a function in a process of its own, so that its peak memory can be measured."""

import logging
import multiprocessing
import resource
import signal


def run_in_subprocess(function, *arguments):
    """The dict that `function` returns, and `gigabytes`, the peak memory. Raises RuntimeError."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=_run, args=(function, arguments, results))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{function.__name__}{arguments} {describe_exit(process.exitcode)}")
    return results.get()


def describe_exit(code):
    """How a process failed, by its exit code; a negative code is the number of a signal.

    >>> describe_exit(1), describe_exit(-4)
    ('failed with exit code 1', 'was ended by SIGILL (Illegal instruction)')
    """
    if code >= 0:
        return f"failed with exit code {code}"
    return f"was ended by {signal.Signals(-code).name} ({signal.strsignal(-code)})"


def _run(function, arguments, results):
    logging.disable()
    record = function(*arguments)
    results.put(record | {"gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20})
