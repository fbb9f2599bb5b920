"""What is left, in the progress that a logger of Snakemake shows on a terminal."""

import os

from nearkin.runtime.logs import QUIET_VARIABLE

WHOLE_RUN = 30 * 86400  # seconds over which jobs are counted; a plugin's own half a minute is less than a job


def add_eta(handlers):
    """Add the time left to the progress bars of log handlers that draw them with `rich`, and hide full ones.

    The first bar is that of the whole run and stays. The time left is guessed from the jobs
    done so far, as if all took equally long. Jobs of this process then keep off the terminal.
    Other handlers are left as they are.
    """
    for handler in handlers:
        progress = getattr(handler, "progress", None)
        if progress is not None:
            from rich.progress import TextColumn, TimeRemainingColumn

            os.environ[QUIET_VARIABLE] = "1"
            progress.speed_estimate_period = WHOLE_RUN
            progress.columns = (*progress.columns, TextColumn("left"), TimeRemainingColumn())
            progress.make_tasks_table = _hide_full_bars(progress.make_tasks_table)


def _hide_full_bars(table):
    """`table` without bars that are full: a study has more rules than a terminal has lines."""
    return lambda tasks: table([task for i, task in enumerate(tasks) if i == 0 or not task.finished])
