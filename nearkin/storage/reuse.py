"""The earlier version of an output, kept out of Snakemake's sight, so that a step can reuse its rows.

Snakemake removes the outputs of a step before the step runs and again if it fails, so that no output
passes for newer than its inputs. (Outputs marked `update()` are an exception: after a failure these come
back with a new date, and the next run finds nothing to do.) So the earlier rows lie next to the output, in
`.reuse`, as a hard link: the same bytes under a second name, which take no space.
"""

import logging
import os
import shutil
from pathlib import Path

from nearkin.storage.atomic import atomic_path

logger = logging.getLogger(__name__)

FOLDER = ".reuse"


def earlier_path(path: str | Path) -> Path:
    """The path at which the earlier version of an output is kept.

    >>> earlier_path("results/d/inspection/0.parquet").as_posix()
    'results/d/inspection/.reuse/0.parquet'
    """
    path = Path(path)
    return path.parent / FOLDER / path.name


def keep_for_reuse(path: str | Path) -> None:
    """Keep a complete output for the next time it is made; as a copy where there are no hard links.

    Nothing depends on it: if there is no space for a copy, the next run makes all rows again.
    """
    earlier = earlier_path(path)
    try:
        with atomic_path(earlier) as temporary:
            try:
                os.link(path, temporary)
            except OSError:
                shutil.copyfile(path, temporary)
            earlier.unlink(missing_ok=True)  # two links to one file: a rename would do nothing
    except OSError as error:
        logger.warning("not kept for reuse: %s", error)
