"""`make status` and `make explain` on a finished study, and on one with a failed job."""

import shutil

from tests.workflow import runs
from tests.workflow.test_verify import run_command

PIXELS = "results/museum/pixels/square_224/0.arrow"


def test_a_finished_study_has_no_jobs_left(finished_study):
    last_line = run_command(finished_study, "status")[1].splitlines()[-1]
    n_done, n_all = (
        int(n) for n in last_line.removeprefix("museum: ").removesuffix(" jobs done").split(" of ")
    )
    assert n_done == n_all == len(runs.plan_jobs(finished_study, "--forceall"))
    assert run_command(finished_study, "explain") == (0, "Nothing would run.\n")


def test_a_failed_job_is_named_with_its_error_and_its_log(finished_study, project):
    embeddings = project / "results/museum/lite0/embeddings"
    shutil.rmtree(embeddings)
    (project / "results/museum/checks.passed").unlink()  # otherwise the run would not need them
    (project / "logs/embed_images/museum/lite0/1.log").write_text("half a li")
    (project / PIXELS).write_bytes(b"no pixels")
    runs.run_snakemake(project, "results/museum/lite0/embeddings/0.parquet", check=False)
    shutil.copy2(finished_study / PIXELS, project / PIXELS)
    lines = run_command(project, "status")[1].splitlines()
    (stage,) = [line.split() for line in lines if "embed_images" in line and " of " in line]
    assert stage == ["embed_images", "2", "of", "6:", "1", "stopped", "midway,", "1", "failed"]
    line_number = lines.index("    see logs/embed_images/museum/lite0/0.log")
    assert PIXELS in lines[line_number - 1]
    explanation = run_command(project, "explain")[1]
    assert "embed_images, 2 jobs (museum lite0): its results are not there: " in explanation
    assert (
        "cluster_images 1" in explanation and "search_neighbours 2" in explanation
    )  # `tuned` is trained on its clusters
