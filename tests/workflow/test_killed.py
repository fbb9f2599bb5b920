"""A run that is killed while it embeds loses at most its unfinished shards, and ends with the same bytes."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.workflow import runs
from tests.workflow.test_rebuilds import SHARDS

pytestmark = pytest.mark.full

TIMEOUT_SECONDS = 60


def select_unfinished(shards):
    return [path for path in shards if any(path.parent.glob(f".{path.name}.*.part"))]


def test_killed_while_it_embeds(project):
    targets = [f"results/museum/lite0/embeddings/{shard}.parquet" for shard in SHARDS]
    shards = [project / target for target in targets]
    expected = [path.read_bytes() for path in shards]
    shutil.rmtree(shards[0].parent)
    command = [sys.executable, "-m", "snakemake", "--configfile", runs.CONFIG, "--cores", "1", *targets]
    with subprocess.Popen(
        command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as run:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while (
            not (any(path.exists() for path in shards) and select_unfinished(shards))
            and time.monotonic() < deadline
        ):
            time.sleep(0.01)
        os.killpg(run.pid, signal.SIGKILL)
    (finished_shard,) = [path for path in shards if path.exists()]
    finished_time = finished_shard.stat().st_mtime_ns
    runs.run_snakemake(project, "--unlock")
    runs.run_snakemake(project, *targets)
    assert [path.read_bytes() for path in shards] == expected
    assert finished_shard.stat().st_mtime_ns == finished_time
    assert sorted(path.name for path in shards[0].parent.iterdir()) == [
        ".reuse",
        "0.parquet",
        "1.parquet",
    ]
