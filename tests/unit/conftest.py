"""Tests run side by side, so each process keeps to one thread unless a test asks for more."""

import os

from tests.factories.browser import chromium, tab  # noqa: F401 (fixtures)

os.environ.setdefault("OMP_NUM_THREADS", "1")
