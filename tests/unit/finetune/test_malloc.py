"""The process reuses freed memory and requests no new pages from the system."""

import platform
import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource, torch
from nearkin.finetune.malloc import tune_malloc

def count_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    [torch.ones(2**22) for _ in range(8)]  # of 16 MB, or 4,096 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

tune_malloc()
print(min([count_faults() for _ in range(4)][1:]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is tuned")
def test_large_blocks_are_reused_without_page_faults():
    run = subprocess.run([sys.executable, "-c", COUNT_FAULTS], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 4 * 4096
