"""Needs all tables of the curation; produces the page that a curator reads."""


rule write_audit:
    """One page for a curator: what was wrong, what was done about it, what to look at."""
    input:
        code=sources_of("write_audit.py"),
        images="results/{dataset}/images.parquet",
        inspection=expand("results/{{dataset}}/inspection/{shard}.parquet", shard=SHARDS),
        labels="results/{dataset}/labels.parquet",
        captions="results/{dataset}/captions.parquet",
        quarantine="results/{dataset}/quarantine.parquet",
        gaps="results/{dataset}/gaps.parquet",
        groups="results/{dataset}/groups.parquet",
        doubtful="results/{dataset}/doubtful_groups.parquet",
        splits="results/{dataset}/splits.parquet",
        statistics="results/{dataset}/statistics.parquet",
        templates=templates_of("audit"),
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
        "logs/costs/write_audit/{dataset}.tsv"
    group:
        together("repairs")
    conda:
        "../../envs/analysis.yaml"
    params:
        folder=source_folder,
        max_megapixels=lookup(within=config["datasets"], dpath="{dataset}/inspection/max_megapixels"),
    script:
        "../../scripts/write_audit.py"
