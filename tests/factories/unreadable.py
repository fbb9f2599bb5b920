"""Files and folders that the system does not let us read, also for tests that run as root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AS_USER = [] if os.getuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
"""Put before a command, this makes file permissions count for root, too."""


def failing(function, path, fault):
    """`function` of a path, which for one path fails with this errno."""

    def called(given, *more, **named):
        if os.fspath(given) == os.fspath(path):
            raise OSError(fault, os.strerror(fault), os.fspath(given))
        return function(given, *more, **named)

    return called


def skip_unless_permissions_count():
    if AS_USER and shutil.which(AS_USER[0]) is None:
        pytest.skip("root reads everything, and there is no setpriv")


def said_by_user(folder, code):
    """What Python code that must fail says in `folder`, where file permissions count."""
    skip_unless_permissions_count()
    command = [*AS_USER, sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode, done.stdout
    return done.stderr
