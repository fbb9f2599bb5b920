"""Jobs on a cluster that are not forgotten while the cluster does not say how they are."""


def keep_polling(executor):
    """Let an executor class of snakemake-executor-plugin-slurm go on asking where nobody answered.

    As it is (2.8), it forgets its jobs when the controller is away for a moment and there is
    no accounting database, and then waits for ever. Another version is left as it is.
    """
    asked = executor.check_active_jobs

    async def check_active_jobs(self, active_jobs):
        answers = getattr(self, "_status_query_calls", None)
        unfinished = [job async for job in asked(self, active_jobs)]
        if answers is not None and self._status_query_calls == answers:
            unfinished = active_jobs
        for job in unfinished:
            yield job

    executor.check_active_jobs = check_active_jobs
