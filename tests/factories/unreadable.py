"""Files and folders without read permission, also for tests that run as root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AS_USER = [] if os.getuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
"""Prefix of a command that makes file permissions apply to root, too."""


def fail_for_path(function, path, fault):
    """A wrapper of `function` that fails with the errno `fault` for one path."""

    def call_or_fail(argument, *arguments, **keywords):
        if os.fspath(argument) == os.fspath(path):
            raise OSError(fault, os.strerror(fault), os.fspath(argument))
        return function(argument, *arguments, **keywords)

    return call_or_fail


def skip_unless_permissions_count():
    if AS_USER and shutil.which(AS_USER[0]) is None:
        pytest.skip("root can read everything, and setpriv is missing")


def read_errors_as_user(folder, code):
    """The error output of Python code that must fail in `folder`, with file permissions in effect."""
    skip_unless_permissions_count()
    command = [*AS_USER, sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode, process.stdout
    return process.stderr
