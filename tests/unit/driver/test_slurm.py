"""Jobs of a cluster that does not answer stay; those of one that does go when they are finished."""

import asyncio

import pytest

from nearkin.driver.slurm import keep_polling


def executor_that(answers):
    """An executor class that finishes every job it is asked about, or, unanswered, forgets it."""

    class Executor:
        _status_query_calls = 0

        async def check_active_jobs(self, active_jobs):
            self._status_query_calls += answers
            for job in active_jobs:
                if job == "running" and answers:
                    yield job

    return Executor


@pytest.mark.parametrize("times", [1, 2])  # as in a workflow that is used by another
@pytest.mark.parametrize(("answers", "left"), [(True, ["running"]), (False, ["running", "finished"])])
def test_only_an_answer_lets_a_job_go(answers, left, times):
    executor = executor_that(answers)
    for _ in range(times):
        keep_polling(executor)

    async def asked():
        return [job async for job in executor().check_active_jobs(["running", "finished"])]

    assert asyncio.run(asked()) == left
