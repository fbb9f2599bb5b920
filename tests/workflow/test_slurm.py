"""The small study on a SLURM cluster: whatever happens, it ends, and with the bytes of a local run."""

import os
import re
import shutil
import signal

import pytest

from tests.workflow import runs, slurm
from tests.workflow.test_rebuilds import SHARDS

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(
        not slurm.can_be_had(), reason="needs SLURM (tests/debian_packages.sh), and to be root"
    ),
]

EMBEDDINGS = [f"results/museum/lite0/embeddings/{shard}.parquet" for shard in SHARDS]
COMPARED = "results/museum/comparisons/lite0/tuned/differences.parquet"
PATIENCE = 600  # seconds
HELD = """\
import os, time
with open(f"waits/{os.environ['SLURM_JOB_ID']}", "a") as waits:
    print(os.environ.get("CUDA_VISIBLE_DEVICES"), file=waits)
while os.path.exists("hold"):
    time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def cluster():
    with slurm.cluster() as cluster:
        yield cluster


def test_a_comparison_ends_though_its_driver_is_killed(finished, cluster, tmp_path):
    """The whole study on a cluster, with every failure, is in test_every_failure.py."""
    project = slurm.edited(runs.copy_project(tmp_path / "a cluster study"))
    run = cluster.started(project, "--", COMPARED)
    slurm.until(lambda: any((project / path).exists() for path in EMBEDDINGS), patience=PATIENCE)
    os.killpg(run.pid, signal.SIGKILL)
    # As config/README.md says:
    run_id = re.search(r"SLURM run ID: (\S+)", read_output(project))[1]
    cluster.tell("scancel", "--name", run_id)
    slurm.until(lambda: not cluster.tell("squeue", "--noheader"))
    cluster.run(project, "--unlock")
    cluster.run(project, "--", COMPARED)
    assert (project / COMPARED).exists()
    assert runs.contents(project).items() <= runs.contents(finished).items()
    assert "Nothing to be done" in runs.snakemake(project, "--", COMPARED)


@pytest.fixture
def project(project, cluster):
    """The finished study without two shards of embeddings, whose jobs wait while there is a file `hold`."""
    project = slurm.edited(project)
    shutil.rmtree(project / "results/museum/lite0/embeddings")
    script = project / "scripts/embed_images.py"
    script.write_text(HELD + script.read_text())
    (project / "waits").mkdir()
    (project / "hold").touch()
    yield project
    cluster.end_all_runs()


def waiting(project):
    """The ids of the jobs that wait or waited."""
    return sorted(path.name for path in (project / "waits").iterdir())


def read_output(project):
    return (project / "output.txt").read_text()


def embed(cluster, project, *arguments):
    """A run of the two shards that has come to the point where both jobs wait."""
    run = cluster.started(project, *arguments, "--", *EMBEDDINGS)
    slurm.until(lambda: len(waiting(project)) == 2, patience=PATIENCE)
    return run


def ends_well(run, project, finished):
    (project / "hold").unlink(missing_ok=True)
    assert run.wait(PATIENCE) == 0, read_output(project)
    for path in EMBEDDINGS:
        assert (project / path).read_bytes() == (finished / path).read_bytes()


@pytest.mark.slow
def test_a_job_is_cancelled(finished, cluster, project):
    run = embed(cluster, project)
    cluster.tell("scancel", waiting(project)[0])
    ends_well(run, project, finished)
    assert "SLURM status is: 'CANCELLED'" in read_output(project)


@pytest.mark.slow
def test_a_job_runs_out_of_memory(finished, cluster, project):
    (project / "hold").unlink()
    run = cluster.started(
        project, "--set-resources", "embed_images:mem_mb=400 * attempt ** 3", "--", *EMBEDDINGS
    )
    ends_well(run, project, finished)
    logs = (project / ".snakemake/slurm_logs").rglob("*.log")
    assert any("exceeded memory limit" in log.read_text() for log in logs)


@pytest.mark.slow
def test_a_job_runs_out_of_time(finished, cluster, project):
    run = embed(cluster, project, "--set-resources", "embed_images:runtime=attempt ** 3")
    slurm.until(lambda: read_output(project).count("SLURM status is: 'TIMEOUT'") == 2, patience=PATIENCE)
    ends_well(run, project, finished)


@pytest.mark.slow
def test_a_node_goes_down(finished, cluster, project):
    run = embed(cluster, project, "--set-resources", "embed_images:slurm_partition=cpu")
    node = cluster.tell("squeue", "--noheader", "--format=%N").split()[0]
    cluster.stop(node)
    ends_well(run, project, finished)
    cluster.start(node)


@pytest.mark.slow
def test_the_controller_restarts(finished, cluster, project):
    run = embed(cluster, project)
    cluster.stop("slurmctld")
    (project / "hold").unlink()
    slurm.until(lambda: all((project / path).exists() for path in EMBEDDINGS), patience=PATIENCE)
    cluster.start("slurmctld")
    ends_well(run, project, finished)


@pytest.mark.slow
def test_the_driver_is_interrupted(finished, cluster, project):
    run = embed(cluster, project)
    run.send_signal(signal.SIGINT)
    assert run.wait(PATIENCE) != 0
    slurm.until(lambda: not cluster.tell("squeue", "--noheader"))
    (project / "hold").unlink()
    ends_well(cluster.started(project, "--", *EMBEDDINGS), project, finished)


@pytest.mark.slow
def test_every_job_has_a_gpu_of_its_own_and_says_so_if_it_sees_none(finished, cluster, project):
    run = embed(cluster, project, "--config", "gpus=1")
    assert sorted((project / "waits" / job).read_text() for job in waiting(project)) == ["0\n", "1\n"]
    ends_well(run, project, finished)
    for shard in SHARDS:
        log = project / f"logs/embed_images/museum/lite0/{shard}.log"
        assert "computing on the CPU" in log.read_text()
