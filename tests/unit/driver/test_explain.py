"""Snakemake's reasons in plain English."""

import pytest

from nearkin.driver import explain
from nearkin.driver.planned_jobs import Job


def make_jobs(rule, reason, *models):
    return [Job(rule, {"dataset": "d", "model": model, "shard": "0"}, reason) for model in models]


@pytest.mark.parametrize(
    ("reason", "explanation"),
    [
        ("Missing output files: a, b", "its results are not there: a, b"),
        ("Updated input files: a, b, c, d, e", "what it takes has changed: a, b, c and 2 more"),
        (
            "Params have changed since last execution: Union of exclusive params before and now across all "
            "output: before: 200 now: <nothing exclusive> ",
            "its settings have changed: before 200",
        ),
        (
            "Params have changed since last execution: Union of exclusive params before and now across all "
            "output: before: [1, 5] now: [1, 10] ; Input files updated by another job: c",
            "its settings have changed: before [1, 5], now [1, 10]",
        ),
        (
            "Set of input files has changed since last execution; Code has changed since last execution",
            "it takes other files than before; its code has changed",
        ),
        (
            "Params have changed since last execution: Union of exclusive params before and now across all "
            f"output: before: '{'a' * 64}' now: '{'b' * 64}' ",
            "its code has changed",
        ),
        ("Something new: a", "Something new: a"),
    ],
)
def test_a_reason_is_explained_with_the_changes(reason, explanation):
    assert explain.explain_jobs(make_jobs("embed_images", reason, "m")) == [
        f"embed_images, 1 job (d m): {explanation}"
    ]


def test_jobs_of_one_reason_are_one_line_and_following_jobs_a_count():
    reason = "Input files updated by another job: x"
    jobs = [
        *make_jobs("score_queries", "Updated input files: a.py, m", "m"),
        *make_jobs("plot_recall", reason, "m", "n"),
        *make_jobs("score_queries", "Updated input files: a.py, n", "n"),
        *make_jobs("score_queries", "Missing output files: o", "o"),
        *make_jobs("write_report", reason, "m"),
    ]
    assert explain.explain_jobs(jobs) == [
        "score_queries, 2 jobs (d m, d n): what it takes has changed: a.py, m, n",
        "score_queries, 1 job (d o): its results are not there: o",
        "3 jobs that follow from these: plot_recall 2, write_report 1",
    ]


def test_a_dry_run_without_jobs_and_one_without_metadata():
    assert explain.explain_run("Nothing to be done\n") == "Nothing would run."
    output = "2 jobs have missing provenance/metadata\nRules with missing metadata: plot_recall list_images\n"
    assert explain.explain_run(output).splitlines()[1].endswith("results of plot_recall, list_images.")


def test_the_last_run_is_explained_from_its_log(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["explain", "--configfile", "config.yaml", "--last"])
    with pytest.raises(SystemExit):
        explain.main()
    assert ".snakemake/log: no log of a run" in capsys.readouterr().err
    logs = tmp_path / explain.LOGS
    logs.mkdir(parents=True)
    (logs / "2026-01-01T000000.0.snakemake.log").write_text("Nothing to be done\n")
    (logs / "2026-01-02T000000.0.snakemake.log").write_text(
        "[Fri Jan  2]\nlocalrule embed_images:\n    reason: Updated input files: a\n    wildcards: model=m\n"
    )
    explain.main()
    assert capsys.readouterr().out.splitlines() == [
        ".snakemake/log/2026-01-02T000000.0.snakemake.log:",
        "1 job started.",
        "embed_images, 1 job (m): what it takes has changed: a",
    ]
