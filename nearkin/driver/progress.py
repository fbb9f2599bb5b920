"""The time left, in the progress that a logger of Snakemake shows on a terminal."""

import logging
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from nearkin.runtime.logs import QUIET_VARIABLE

if TYPE_CHECKING:  # rich is needed only where a plugin draws with it
    from rich.progress import Task
    from rich.table import Table

SPEED_WINDOW_SECONDS = 30 * 86400
"""Time over which jobs are counted: a whole run. The plugin's own half a minute is less than a job takes."""


def add_eta(handlers: Iterable[logging.Handler]) -> None:
    """Add the time left to the progress bars of log handlers that draw them with `rich`, and hide full ones.

    The first bar is that of the whole run and stays. The time left is estimated from the jobs
    done so far, as if all took equally long. Jobs of this process then write nothing to the terminal.
    Other handlers do not change.
    """
    for handler in handlers:
        progress = getattr(handler, "progress", None)
        if progress is not None:
            from rich.progress import TextColumn, TimeRemainingColumn

            os.environ[QUIET_VARIABLE] = "1"
            progress.speed_estimate_period = SPEED_WINDOW_SECONDS
            progress.columns = (*progress.columns, TextColumn("left"), TimeRemainingColumn())
            progress.make_tasks_table = _hide_full_bars(progress.make_tasks_table)


def _hide_full_bars(make_table: Callable[[list["Task"]], "Table"]) -> Callable[[Iterable["Task"]], "Table"]:
    """`make_table` without the bars that are full: a study has more rules than a terminal has lines."""
    return lambda tasks: make_table([task for i, task in enumerate(tasks) if i == 0 or not task.finished])
