"""How much memory is available."""

import os
from pathlib import Path

CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Files in which Linux gives the limit of a container, or of a job of a cluster, in bytes."""


def available_memory() -> int:
    """Bytes of memory that this process can still get."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":") for line in meminfo.read_text().splitlines())
        limits = [int(lines["MemAvailable"].split()[0]) * 1024]
    for path in map(Path, CGROUP_LIMITS):
        if path.exists() and (limit := path.read_text().strip()).isdigit():
            limits.append(int(limit))
    return min(limits)
