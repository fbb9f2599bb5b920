"""Memory that one step gives back and the next one wants."""

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as glibc's malloc.h numbers them
MAX_MMAP_BYTES = 32 * 2**20  # bytes; the highest that glibc lets the second be


def tune_malloc():
    """Let this process keep the memory that it frees; where the C library is not glibc nothing happens.

    Left alone, glibc gives it back to the system, which clears every page when it is wanted
    again. On a CPU that took as long as all arithmetic of a step that trains a whole network.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(MMAP_THRESHOLD, MAX_MMAP_BYTES)
    mallopt(TRIM_THRESHOLD, -1)
