"""The time left in the progress of a logger plugin, with the plugin of the lock."""

import io
import logging
import os
from types import SimpleNamespace

import pytest
from rich.console import Console
from snakemake_logger_plugin_rich.handler import RichLogHandler

from nearkin.driver.progress import add_eta
from nearkin.runtime.logs import QUIET_VARIABLE


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))


def test_the_time_left_is_estimated_and_complete_bars_disappear():
    settings = SimpleNamespace(dryrun=False, printshellcmds=False, show_failed_logs=False, verbose=False)
    handler = RichLogHandler(settings)
    add_eta([handler])
    progress, seconds = handler.progress, iter(range(0, 10_000, 100))
    progress.get_time = lambda: next(seconds)
    task = progress.add_task("all", total=10, active=1)
    for n_done in (1, 2, 3):
        progress.update(task, completed=n_done)
    progress.update(progress.add_task("one rule", total=2, active=1), completed=1)
    progress.update(progress.add_task("another rule", total=2, active=1), completed=2)
    console = Console(file=io.StringIO(), width=200)
    console.print(progress.get_renderable())
    text = console.file.getvalue()
    assert "one rule" in text
    assert "another rule" not in text
    assert progress.tasks[0].speed == pytest.approx(1 / 100)
    assert "left 0:11:40" in text
    assert os.environ[QUIET_VARIABLE]


def test_other_handlers_are_unchanged():
    add_eta([logging.StreamHandler()])
    assert QUIET_VARIABLE not in os.environ
