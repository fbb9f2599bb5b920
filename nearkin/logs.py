"""Where a step's log goes."""

import logging
import sys

logger = logging.getLogger(__name__)


def log_to(path):
    """Send every message of this process to the log file of its rule, and a last error too."""
    logging.basicConfig(
        filename=path,
        filemode="w",
        level=logging.INFO,
        encoding="utf-8",
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    sys.excepthook = _log_and_show


def _log_and_show(kind, error, traceback):
    logger.critical("stopped by %s: %s", kind.__name__, error, exc_info=(kind, error, traceback))
    sys.__excepthook__(kind, error, traceback)
