"""Work in a process of its own, so that its peak memory is its own too."""

import logging
import multiprocessing
import resource


def run(work, *arguments):
    """The dict that `work` returns, with `gigabytes`, the peak of its process. Raises RuntimeError."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=_run, args=(work, arguments, results))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__}{arguments} failed with exit code {process.exitcode}")
    return results.get()


def _run(work, arguments, results):
    logging.disable()
    found = work(*arguments)
    results.put(found | {"gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20})
