"""How much memory there is."""

import os
from pathlib import Path

CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux says how much a container, or a job of a cluster, may have."""


def available_memory():
    """Bytes of memory that this process can still get."""
    figures = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    told = Path("/proc/meminfo")
    if told.exists():
        lines = dict(line.split(":") for line in told.read_text().splitlines())
        figures = [int(lines["MemAvailable"].split()[0]) * 1024]
    for path in map(Path, CGROUP_LIMITS):
        if path.exists() and (limit := path.read_text().strip()).isdigit():
            figures.append(int(limit))
    return min(figures)
