"""The jobs in the output of a dry run."""

from nearkin.driver.planned_jobs import Job, parse_dry_run

DRY_RUN = """\
rule embed_images:
    input: nearkin/embeddings/embed.py
    benchmark: logs/resource_usage/embed_images/birds/clip/0.tsv
    reason: Missing output files
    wildcards: dataset=birds, model=clip, shard=0
    threads: 2
localrule download_dataset:
    output: results/birds/download.json
    log: logs/download_dataset/birds.log
    wildcards: dataset=birds
rule all:
    input: results/birds/report.html
"""


def test_a_dry_run_lists_the_jobs():
    assert parse_dry_run(DRY_RUN) == [
        Job(
            "embed_images",
            {"dataset": "birds", "model": "clip", "shard": "0"},
            reason="Missing output files",
            threads=2,
            benchmark="logs/resource_usage/embed_images/birds/clip/0.tsv",
        ),
        Job("download_dataset", {"dataset": "birds"}, log="logs/download_dataset/birds.log"),
    ]
