"""Where a step's log goes."""

import logging


def log_to(path):
    """Send every message of this process to the log file of its rule."""
    logging.basicConfig(
        filename=path,
        filemode="w",
        level=logging.INFO,
        encoding="utf-8",
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
