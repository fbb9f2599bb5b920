"""Gives back the disk space of all pixel caches, `make clean-pixels`; what is finished stays finished."""

import os
from pathlib import Path

from nearkin.storage.atomic import atomic_path
from nearkin.storage.reuse import earlier_path


def empty_caches(results_path: str | Path) -> tuple[int, int]:
    """How many caches were emptied, and how many bytes they held."""
    sizes = [empty_cache(path) for path in sorted(Path(results_path).glob("*/pixels/*/*.arrow"))]
    return sum(size > 0 for size in sizes), sum(sizes)


def empty_cache(path: Path) -> int:
    """Give the space of a cache back; returns how many bytes.

    An empty file of the same date stays, which `pixel_cache.open_sources` skips: a missing one would
    be made again for the next model, and everything that depends on it, too.
    """
    before = os.stat(path)
    earlier_path(path).unlink(missing_ok=True)
    with atomic_path(path) as temporary:
        temporary.touch()
        os.utime(temporary, ns=(before.st_atime_ns, before.st_mtime_ns))
    return before.st_size


if __name__ == "__main__":
    n_caches, n_bytes = empty_caches("results")
    print(f"{n_caches} pixel caches emptied, {n_bytes / 2**30:.1f} GiB given back")
