"""`make status` and `make explain` on a study that is done, and on one that stopped."""

import shutil

from tests.workflow import runs
from tests.workflow.test_verify import run_command

PIXELS = "results/museum/pixels/square_224/0.arrow"


def test_a_finished_study_has_nothing_left(finished):
    done = run_command(finished, "status")[1].splitlines()[-1]
    n_done, n_all = (int(n) for n in done.removeprefix("museum: ").removesuffix(" jobs done").split(" of "))
    assert n_done == n_all == len(runs.planned(finished, "--forceall"))
    assert run_command(finished, "explain") == (0, "Nothing would run.\n")


def test_a_failed_job_is_named_with_its_error_and_its_log(finished, project):
    embeddings = project / "results/museum/lite0/embeddings"
    shutil.rmtree(embeddings)
    (project / "results/museum/checks.passed").unlink()  # without which nobody would miss them
    (project / "logs/embed_images/museum/lite0/1.log").write_text("half a li")
    (project / PIXELS).write_bytes(b"no pixels")
    runs.snakemake(project, "results/museum/lite0/embeddings/0.parquet", check=False)
    shutil.copy2(finished / PIXELS, project / PIXELS)
    lines = run_command(project, "status")[1].splitlines()
    (stage,) = [line.split() for line in lines if "embed_images" in line and " of " in line]
    assert stage == ["embed_images", "2", "of", "6:", "1", "stopped", "midway,", "1", "failed"]
    place = lines.index("    see logs/embed_images/museum/lite0/0.log")
    assert PIXELS in lines[place - 1]
    why = run_command(project, "explain")[1]
    assert "embed_images, 2 jobs (museum lite0): its results are not there: " in why
    assert "cluster_images 1" in why and "search_neighbours 2" in why  # `tuned` is trained on its clusters
