"""Where a step's log goes, and its last line."""

import atexit
import logging
import os
import sys
from pathlib import Path
from types import TracebackType

logger = logging.getLogger(__name__)

QUIET_VARIABLE = "NEARKIN_QUIET"
"""The environment variable by which a run that draws on the terminal keeps its jobs from writing there."""


class Counts(logging.Handler):
    """The sums of what messages count: those with `extra={"counts": {what: n}}`, say `{"rows in": 5}`."""

    def __init__(self) -> None:
        super().__init__()
        self.sums: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Add the counts of a message to the sums."""
        for what, n in getattr(record, "counts", {}).items():
            self.sums[what] = self.sums.get(what, 0) + n

    def summary(self) -> str:
        """The sums in words, in the order of their first messages."""
        return ", ".join(f"{n} {what}" for what, n in self.sums.items()) or "nothing to count"


def setup_logging(path: str | Path) -> None:
    """Send every message of this process to the log file of its rule, and a final error too.

    A process that ends well logs what it counted in one last line, `done: 322 rows in, ...`.
    A log without that line is of a step that still runs, failed or was killed.
    """
    logging.basicConfig(
        filename=path,
        filemode="w",
        level=logging.INFO,
        encoding="utf-8",
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    counts = Counts()
    logging.getLogger().addHandler(counts)
    atexit.register(_log_done, counts)
    sys.excepthook = _log_and_show
    if os.environ.get(QUIET_VARIABLE) and sys.stderr.isatty():
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _log_done(counts: Counts) -> None:
    logger.info("done: %s", counts.summary())


def _log_and_show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    atexit.unregister(_log_done)
    logger.critical("stopped by %s: %s", kind.__name__, error, exc_info=(kind, error, traceback))
    sys.__excepthook__(kind, error, traceback)
