"""Every rule fails once with each failure after new inputs: reruns end with the bytes of a new study."""

import os
import signal
import time
from functools import partial

import pytest

from tests.workflow import runs, slurm

pytestmark = pytest.mark.slow
MAX_RUNS = 60
"""More than the longest chain of jobs."""
UNCHECKED = {"write_report", "export_csv", "write_audit", "collect_resource_usage", "plot_resource_usage"}


def change_inputs(project):
    """Change the seeds of the synthetic dataset and the untrained encoder: all steps have new inputs."""
    with runs.edit_config(project) as config:
        config["datasets"]["museum"]["source"]["synthetic"]["seed"] = 2
        config["models"]["untrained"]["seed"] = 2


@pytest.fixture(scope="module")
def fresh_study(tmp_path_factory):
    """Digests and rules of the changed study, run from scratch: the expected result."""
    project = runs.copy_project(tmp_path_factory.mktemp("fresh") / "study")
    change_inputs(project)
    output = runs.run_snakemake(project)
    return runs.digest_results(project), {rule for rule, _ in runs.parse_jobs(output)}


@pytest.fixture
def changed_project(project):
    change_inputs(project)
    return project


def run_until_done(project, run):
    """Run the study until it is done. Until then its checks must not have passed.

    `run` runs it once, with environment variables that make every rule fail once.
    """
    fails, failed_rules = runs.let_jobs_fail(project), set()
    for _ in range(MAX_RUNS):
        output = run(FAILS=str(fails), FAIL_TIMES="1")
        failed_rules, failed_before = {path.stem for path in fails.iterdir()}, failed_rules
        has_passed = (project / "results/museum/checks.passed").exists()
        if failed_rules == failed_before:
            assert has_passed, output[-3000:] + runs.read_logs(project)
            return failed_rules
        assert not has_passed or failed_rules - failed_before <= UNCHECKED
    raise AssertionError("the study does not end")


@pytest.mark.parametrize("failure", ["exception", "SIGKILL", "SIGTERM", "full"])
def test_every_rule_fails_once(fresh_study, changed_project, failure):
    run = partial(runs.run_snakemake, changed_project, "--keep-going", check=False, FAIL_WITH=failure)
    digests, rules = fresh_study
    assert run_until_done(changed_project, run) == rules
    assert runs.digest_results(changed_project) == digests


@pytest.mark.skipif(not slurm.is_available(), reason="needs SLURM (tests/debian_packages.sh), and to be root")
@pytest.mark.parametrize("failure", ["SIGKILL", "cancel", "memory", "time"])
def test_every_rule_fails_once_on_slurm_without_retries(fresh_study, changed_project, failure):
    """Each rule is its own group, because only one job of a group can fail in a run."""
    digests, rules = fresh_study
    groups = [f"{rule}={rule}" for rule in sorted(rules)]
    project, arguments = (
        slurm.edit_profile(changed_project),
        ("--retries", "0", "--keep-going", "--groups", *groups),
    )
    with slurm.start_cluster() as cluster:
        run = partial(cluster.run, project, *arguments, check=False, FAIL_WITH=failure)
        assert run_until_done(project, run) == rules
    assert runs.digest_results(project) == digests


@pytest.mark.parametrize(
    ("signal_number", "to_all_processes"),
    [(signal.SIGTERM, False), (signal.SIGINT, True), (signal.SIGKILL, False)],
)
def test_the_driver_is_stopped_at_many_moments(fresh_study, changed_project, signal_number, to_all_processes):
    """SIGINT goes to all processes, as with Ctrl-C; the others to the driver, whose jobs may keep running."""
    for seconds in (6, 11, 17, 23, 31):
        with runs.start_snakemake(changed_project) as run:
            time.sleep(seconds)
            os.killpg(run.pid, signal_number) if to_all_processes else run.send_signal(signal_number)
        runs.run_snakemake(changed_project, "--unlock")
    runs.run_snakemake(changed_project)
    assert runs.digest_results(changed_project) == fresh_study[0]
