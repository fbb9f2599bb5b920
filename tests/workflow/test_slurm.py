"""The small study on a SLURM cluster: it ends after every failure, with the bytes of a local run."""

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
        not slurm.is_available(), reason="needs SLURM (tests/debian_packages.sh), and to be root"
    ),
]

EMBEDDINGS = [f"results/museum/lite0/embeddings/{shard}.parquet" for shard in SHARDS]
DIFFERENCES = "results/museum/comparisons/lite0/tuned/differences.parquet"
TIMEOUT_SECONDS = 600
HOLD_CODE = """\
import os, time
with open(f"waits/{os.environ['SLURM_JOB_ID']}", "a") as waits:
    print(os.environ.get("CUDA_VISIBLE_DEVICES"), file=waits)
while os.path.exists("hold"):
    time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def cluster():
    with slurm.start_cluster() as cluster:
        yield cluster


def test_a_comparison_ends_although_its_driver_is_killed(finished_study, cluster, tmp_path):
    """The whole study on a cluster, with every failure, is in test_every_failure.py."""
    project = slurm.edit_profile(runs.copy_project(tmp_path / "a cluster study"))
    run = cluster.start_run(project, "--", DIFFERENCES)
    slurm.wait_until(lambda: any((project / path).exists() for path in EMBEDDINGS), timeout=TIMEOUT_SECONDS)
    os.killpg(run.pid, signal.SIGKILL)
    # As in config/README.md:
    run_id = re.search(r"SLURM run ID: (\S+)", read_output(project))[1]
    cluster.query("scancel", "--name", run_id)
    slurm.wait_until(lambda: not cluster.query("squeue", "--noheader"))
    cluster.run(project, "--unlock")
    cluster.run(project, "--", DIFFERENCES)
    assert (project / DIFFERENCES).exists()
    assert runs.digest_results(project).items() <= runs.digest_results(finished_study).items()
    assert "Nothing to be done" in runs.run_snakemake(project, "--", DIFFERENCES)


@pytest.fixture
def project(project, cluster):
    """The finished study without two shards of embeddings; their jobs wait while the file `hold` exists."""
    project = slurm.edit_profile(project)
    shutil.rmtree(project / "results/museum/lite0/embeddings")
    script = project / "scripts/embed_images.py"
    script.write_text(HOLD_CODE + script.read_text())
    (project / "waits").mkdir()
    (project / "hold").touch()
    yield project
    cluster.end_all_runs()


def list_waiting_jobs(project):
    """The ids of the jobs that wait or have waited."""
    return sorted(path.name for path in (project / "waits").iterdir())


def read_output(project):
    return (project / "output.txt").read_text()


def start_embedding(cluster, project, *arguments):
    """Start a run of the two shards and wait until both jobs wait."""
    run = cluster.start_run(project, *arguments, "--", *EMBEDDINGS)
    slurm.wait_until(lambda: len(list_waiting_jobs(project)) == 2, timeout=TIMEOUT_SECONDS)
    return run


def check_result(run, project, finished_study):
    (project / "hold").unlink(missing_ok=True)
    assert run.wait(TIMEOUT_SECONDS) == 0, read_output(project)
    for path in EMBEDDINGS:
        assert (project / path).read_bytes() == (finished_study / path).read_bytes()


@pytest.mark.slow
def test_a_job_is_cancelled(finished_study, cluster, project):
    run = start_embedding(cluster, project)
    cluster.query("scancel", list_waiting_jobs(project)[0])
    check_result(run, project, finished_study)
    assert "SLURM status is: 'CANCELLED'" in read_output(project)


@pytest.mark.slow
def test_a_job_runs_out_of_memory(finished_study, cluster, project):
    (project / "hold").unlink()
    run = cluster.start_run(
        project, "--set-resources", "embed_images:mem_mb=400 * attempt ** 3", "--", *EMBEDDINGS
    )
    check_result(run, project, finished_study)
    logs = (project / ".snakemake/slurm_logs").rglob("*.log")
    assert any("exceeded memory limit" in log.read_text() for log in logs)


@pytest.mark.slow
def test_a_job_runs_out_of_time(finished_study, cluster, project):
    run = start_embedding(cluster, project, "--set-resources", "embed_images:runtime=attempt ** 3")
    slurm.wait_until(
        lambda: read_output(project).count("SLURM status is: 'TIMEOUT'") == 2, timeout=TIMEOUT_SECONDS
    )
    check_result(run, project, finished_study)


@pytest.mark.slow
def test_a_node_goes_down(finished_study, cluster, project):
    run = start_embedding(cluster, project, "--set-resources", "embed_images:slurm_partition=cpu")
    node_name = cluster.query("squeue", "--noheader", "--format=%N").split()[0]
    cluster.stop(node_name)
    check_result(run, project, finished_study)
    cluster.start(node_name)


@pytest.mark.slow
def test_the_controller_restarts(finished_study, cluster, project):
    run = start_embedding(cluster, project)
    cluster.stop("slurmctld")
    (project / "hold").unlink()
    slurm.wait_until(lambda: all((project / path).exists() for path in EMBEDDINGS), timeout=TIMEOUT_SECONDS)
    cluster.start("slurmctld")
    check_result(run, project, finished_study)


@pytest.mark.slow
def test_the_driver_is_interrupted(finished_study, cluster, project):
    run = start_embedding(cluster, project)
    run.send_signal(signal.SIGINT)
    assert run.wait(TIMEOUT_SECONDS) != 0
    slurm.wait_until(lambda: not cluster.query("squeue", "--noheader"))
    (project / "hold").unlink()
    check_result(cluster.start_run(project, "--", *EMBEDDINGS), project, finished_study)


@pytest.mark.slow
def test_each_job_has_its_own_gpu_and_logs_if_it_finds_none(finished_study, cluster, project):
    run = start_embedding(cluster, project, "--config", "gpus=1")
    assert sorted((project / "waits" / job).read_text() for job in list_waiting_jobs(project)) == [
        "0\n",
        "1\n",
    ]
    check_result(run, project, finished_study)
    for shard in SHARDS:
        log = project / f"logs/embed_images/museum/lite0/{shard}.log"
        assert "computing on the CPU" in log.read_text()
