"""Files that are either whole or not there."""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory

LOCK = "lock"
DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DamagedError(ValueError):
    """A file that is not what was written to it."""

    def __init__(self, path: str | Path, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = Path(path)


def read_error(path: str | Path, message: str, error: Exception) -> ValueError:
    """The error for a file that cannot be read: a DamagedError, unless the system refused to read it."""
    if isinstance(error, OSError) and error.errno:
        return ValueError(f"{path}: {message}")
    return DamagedError(path, message)


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """The path of a temporary file that replaces `path` when the block ends without an error.

    After an error, a full disk or a kill, `path` is what it was before. The temporary file lies
    in a hidden folder of its own next to `path`, so that a job that outlives its killed run shares
    nothing with the job that repeats its work. What a kill leaves behind, including temporary files
    of libraries, is removed the next time that `path` is written.
    Raises OSError naming `path` if the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    try:
        with _locked_folder(path) as folder:
            temporary = folder / path.name
            yield temporary
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
    except OSError as error:
        if error.errno not in DISK_FULL_ERRNOS:
            raise
        message = f"{path}: no room to write it; what was there is kept: make room and rerun"
        raise OSError(error.errno, message) from error


@contextmanager
def _locked_folder(path: Path) -> Iterator[Path]:
    """A folder next to `path`, locked as long as this process lives, if the file system has locks."""
    with (
        TemporaryDirectory(".part", f".{path.name}.", path.parent, ignore_cleanup_errors=True) as name,
        open(Path(name, LOCK), "xb") as lock,
    ):
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(name)


def _remove_abandoned(path: Path) -> None:
    """Remove what killed processes left: the folders that no process has locked."""
    for folder in path.parent.glob(f".{escape(path.name)}.*.part"):
        with suppress(OSError), open(folder / LOCK, "r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)


def file_sha256(path: str | Path) -> str:
    """The sha256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
