"""Needs all tables of the curation; produces the page that a curator reads."""


rule check_curation:
    """The invariants of a curated dataset, asserted on its tables: nothing lost, nothing leaks."""
    input:
        images="results/{dataset}/images.parquet",
        inspection=expand("results/{{dataset}}/inspection/{shard}.parquet", shard=SHARDS),
        labels="results/{dataset}/labels.parquet",
        quarantine="results/{dataset}/quarantine.parquet",
        captions="results/{dataset}/captions.parquet",
        curation_log="results/{dataset}/curation_log.parquet",
        groups="results/{dataset}/groups.parquet",
        splits="results/{dataset}/splits.parquet",
    output:
        passed="results/{dataset}/curation.passed",
    log:
        "logs/check_curation/{dataset}.log",
    benchmark:
        "logs/resource_usage/check_curation/{dataset}.tsv"
    group:
        job_group("repairs")
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=scaled_by_input(2000, {"images": 10, "inspection": 10}),
    params:
        code=digest_of("check_curation.py"),
    script:
        "../../scripts/check_curation.py"


rule write_audit:
    """One page for a curator: what was wrong, what was done about it, what to look at."""
    input:
        images="results/{dataset}/images.parquet",
        inspection=expand("results/{{dataset}}/inspection/{shard}.parquet", shard=SHARDS),
        labels="results/{dataset}/labels.parquet",
        captions="results/{dataset}/captions.parquet",
        quarantine="results/{dataset}/quarantine.parquet",
        curation_log="results/{dataset}/curation_log.parquet",
        groups="results/{dataset}/groups.parquet",
        groups_to_review="results/{dataset}/groups_to_review.parquet",
        splits="results/{dataset}/splits.parquet",
        statistics="results/{dataset}/statistics.parquet",
        passed="results/{dataset}/curation.passed",
    output:
        audit=report(
            "results/{dataset}/audit.html",
            caption="../report/audit.rst",
            category="{dataset}",
            labels={"figure": "audit", "model": "all"},
        ),
    log:
        "logs/write_audit/{dataset}.log",
    benchmark:
        "logs/resource_usage/write_audit/{dataset}.tsv"
    group:
        job_group("repairs")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("write_audit.py"),
        templates=templates_of("audit"),
        folder=source_folder,
        trusted=lookup(within=config, dpath="datasets/{dataset}/source/follow_links"),
        max_megapixels=lookup(within=config["datasets"], dpath="{dataset}/inspection/max_megapixels"),
    script:
        "../../scripts/write_audit.py"
