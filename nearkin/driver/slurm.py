"""Jobs on a cluster that are not forgotten while the cluster does not report their state."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the plugin is installed only where there is a cluster
    from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo


class Executor(Protocol):
    """What is used of the executor of snakemake-executor-plugin-slurm."""

    _status_query_calls: int

    def check_active_jobs(self, active_jobs: list["SubmittedJobInfo"]) -> AsyncIterator["SubmittedJobInfo"]:
        """The jobs that are not finished."""
        ...


def keep_polling(executor: type[Executor]) -> None:
    """Let an executor class of snakemake-executor-plugin-slurm ask again when it got no answer.

    Version 2.8 forgets its jobs when the controller is away for a moment and there is no accounting
    database, and then waits for ever. A version without a counter of its queries does not change.
    """
    original = executor.check_active_jobs

    async def check_active_jobs(
        self: Executor, active_jobs: list["SubmittedJobInfo"]
    ) -> AsyncIterator["SubmittedJobInfo"]:
        n_answers = getattr(self, "_status_query_calls", None)
        unfinished = [job async for job in original(self, active_jobs)]
        if n_answers is not None and self._status_query_calls == n_answers:
            unfinished = active_jobs
        for job in unfinished:
            yield job

    executor.check_active_jobs = check_active_jobs
