"""Every rule fails once in every way after its inputs changed: reruns end with the bytes of a new study."""

import os
import signal
import time
from functools import partial

import pytest

from tests.workflow import runs, slurm

pytestmark = pytest.mark.slow
MOST_RUNS = 60
"""More than there are steps one after the other."""
UNCHECKED = {"write_report", "export_csv", "write_audit", "collect_resource_usage", "plot_resource_usage"}


def change(project):
    """Another museum and another untrained encoder, so that every step has changed inputs."""
    with runs.config_of(project) as config:
        config["datasets"]["museum"]["source"]["synthetic"]["seed"] = 2
        config["models"]["untrained"]["seed"] = 2


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """The changed study, made from nothing: what it must come to."""
    project = runs.copy_project(tmp_path_factory.mktemp("fresh") / "study")
    change(project)
    output = runs.snakemake(project)
    return runs.contents(project), {rule for rule, _ in runs.jobs(output)}


@pytest.fixture
def changed(project):
    change(project)
    return project


def run_until_done(project, run):
    """Start the study again until it is done. Until then nothing says that all is well with it.

    `run` starts it once, with variables of the environment by which every rule fails once.
    """
    fails, failed = runs.let_jobs_fail(project), set()
    for _ in range(MOST_RUNS):
        output = run(FAILS=str(fails), FAIL_TIMES="1")
        failed, before = {path.stem for path in fails.iterdir()}, failed
        passed = (project / "results/museum/checks.passed").exists()
        if failed == before:
            assert passed, output[-3000:] + runs.logs(project)
            return failed
        assert not passed or failed - before <= UNCHECKED
    raise AssertionError("the study does not end")


@pytest.mark.parametrize("way", ["exception", "SIGKILL", "SIGTERM", "full"])
def test_every_rule_fails_once(fresh, changed, way):
    run = partial(runs.snakemake, changed, "--keep-going", check=False, FAIL_WAY=way)
    contents, rules = fresh
    assert run_until_done(changed, run) == rules
    assert runs.contents(changed) == contents


@pytest.mark.skipif(not slurm.can_be_had(), reason="needs SLURM (tests/debian_packages.sh), and to be root")
@pytest.mark.parametrize("way", ["SIGKILL", "cancel", "memory", "time"])
def test_every_rule_fails_once_on_slurm_without_retries(fresh, changed, way):
    """Each rule is a group of its own: of jobs that go to a cluster as one, only one fails in a run."""
    contents, rules = fresh
    alone = [f"{rule}={rule}" for rule in sorted(rules)]
    project, arguments = slurm.edited(changed), ("--retries", "0", "--keep-going", "--groups", *alone)
    with slurm.cluster() as cluster:
        run = partial(cluster.run, project, *arguments, check=False, FAIL_WAY=way)
        assert run_until_done(project, run) == rules
    assert runs.contents(project) == contents


@pytest.mark.parametrize(
    ("number", "goes_to_all"), [(signal.SIGTERM, False), (signal.SIGINT, True), (signal.SIGKILL, False)]
)
def test_the_driver_is_stopped_at_many_moments(fresh, changed, number, goes_to_all):
    """SIGINT goes to all processes, as Ctrl-C does; the others to the driver, whose jobs may live on."""
    for seconds in (6, 11, 17, 23, 31):
        with runs.started(changed) as run:
            time.sleep(seconds)
            os.killpg(run.pid, number) if goes_to_all else run.send_signal(number)
        runs.snakemake(changed, "--unlock")
    runs.snakemake(changed)
    assert runs.contents(changed) == fresh[0]
