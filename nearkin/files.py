"""Files that are either whole or not there."""

import errno
import os
from contextlib import contextmanager
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replacing(path):
    """A temporary path beside `path` that takes its place when the block ends well.

    After an error, a full disk or a kill, `path` is what it was before. What a kill
    leaves of the temporary file is written over by the next try. Raises OSError naming
    `path` if the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno not in FULL:
            raise
        said = f"{path}: no room to write it; what was there is kept: make room and rerun"
        raise OSError(error.errno, said) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path, text):
    """Write a text file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
