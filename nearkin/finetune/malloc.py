"""Memory that is freed by one step of a training and allocated by the next one."""

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as glibc's malloc.h numbers them
MAX_MMAP_BYTES = 32 * 2**20  # the highest MMAP_THRESHOLD that glibc allows


def tune_malloc() -> None:
    """Let this process keep the memory that it frees; nothing happens if the C library is not glibc.

    By default, glibc returns it to the system, which clears every page when it is allocated
    again. On a CPU that took as long as all arithmetic of a step that trains a whole network.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(MMAP_THRESHOLD, MAX_MMAP_BYTES)
    mallopt(TRIM_THRESHOLD, -1)
