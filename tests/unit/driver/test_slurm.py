"""Jobs stay active if the cluster does not answer, and end if it answers and they are finished."""

import asyncio

import pytest

from nearkin.driver.slurm import keep_polling


def make_executor(is_answering):
    """An executor class that reports the running job as active if it is answering, otherwise no job."""

    class Executor:
        _status_query_calls = 0

        async def check_active_jobs(self, active_jobs):
            self._status_query_calls += is_answering
            for job in active_jobs:
                if job == "running" and is_answering:
                    yield job

    return Executor


@pytest.mark.parametrize("n_calls", [1, 2])  # as for a workflow that is a module of another
@pytest.mark.parametrize(
    ("is_answering", "remaining"), [(True, ["running"]), (False, ["running", "finished"])]
)
def test_only_an_answer_ends_a_job(is_answering, remaining, n_calls):
    executor = make_executor(is_answering)
    for _ in range(n_calls):
        keep_polling(executor)

    async def list_active_jobs():
        return [job async for job in executor().check_active_jobs(["running", "finished"])]

    assert asyncio.run(list_active_jobs()) == remaining
