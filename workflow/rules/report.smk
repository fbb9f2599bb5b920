"""Needs all finished tables and figures; produces the headline, the checks and the report."""

FIGURES = [
    "results/{dataset}/figures/recall.svg",
    "results/{dataset}/figures/recall_curve.svg",
    "results/{dataset}/figures/reachable.svg",
    "results/{dataset}/figures/leakage.svg",
    *(["results/{dataset}/figures/all_pairs.svg"] if len(REPORTED_MODELS) > 1 else []),
    *(["results/{dataset}/figures/seeds.svg"] if HAS_SEED_GROUPS else []),
    *expand(
        "results/{{dataset}}/figures/{model}/{figure}.svg",
        model=REPORTED_MODELS,
        figure=["training_size", "training_buckets", "confusions"],
    ),
    *expand(
        "results/{{dataset}}/figures/{model}/training.svg",
        model=[name for name in REPORTED_MODELS if name in FINETUNED_MODELS],
    ),
    *[
        f"results/{{dataset}}/figures/{base}/{trained}/{figure}.svg"
        for base, trained in config["compare"]
        for figure in (
            "improvement_by_species",
            "improvement_by_genus",
            "improvement_by_training_size",
            "paired_recall",
            "most_changed",
        )
    ],
]
PAIRS = [f"results/{{dataset}}/comparisons/{base}/{trained}" for base, trained in config["compare"]]

SMALL_TABLES = [
    "results/{dataset}/statistics",
    "results/{dataset}/leakage_audit",
    *(["results/{dataset}/pairwise"] if len(REPORTED_MODELS) > 1 else []),
    *(["results/{dataset}/seeds"] if HAS_SEED_GROUPS else []),
    *expand("results/{{dataset}}/{model}/metrics", model=MODELS),
    *expand(
        "results/{{dataset}}/{model}/{table}",
        model=REPORTED_MODELS,
        table=["recall_curve", "confusions", "training_size"],
    ),
    *expand("results/{{dataset}}/{model}/training", model=FINETUNED_MODELS),
    *(f"{pair}/{table}" for pair in PAIRS for table in ("differences", "claims", "trend")),
]


rule export_csv:
    """The small tables as CSV, next to them."""
    input:
        tables=[f"{table}.parquet" for table in SMALL_TABLES],
    output:
        [f"{table}.csv" for table in SMALL_TABLES],
    log:
        "logs/export_csv/{dataset}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("export_csv.py"),
    script:
        "../../scripts/export_csv.py"


rule write_headline:
    """The headline numbers of every model, printed and for machines."""
    input:
        metrics=expand("results/{{dataset}}/{model}/metrics.parquet", model=MODELS),
    output:
        json="results/{dataset}/headline.json",
        text=report(
            "results/{dataset}/headline.txt",
            caption="../report/headline.rst",
            category="{dataset}",
            labels={"figure": "headline", "model": "all"},
        ),
    log:
        "logs/write_headline/{dataset}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("write_headline.py"),
        models=list(MODELS),
        ks=lookup(within=config, dpath="recall/ks"),
    script:
        "../../scripts/write_headline.py"


rule write_report:
    """One page that opens offline: the question, the answer and the methods."""
    input:
        headline="results/{dataset}/headline.json",
        statistics="results/{dataset}/statistics.parquet",
        curation_log="results/{dataset}/curation_log.parquet",
        quarantine="results/{dataset}/quarantine.parquet",
        splits="results/{dataset}/splits.parquet",
        metrics=expand("results/{{dataset}}/{model}/metrics.parquet", model=REPORTED_MODELS),
        differences=[f"{pair}/differences.parquet" for pair in PAIRS],
        comparisons=[f"{pair}/comparison.txt" for pair in PAIRS],
        claims=[f"{pair}/claims.parquet" for pair in PAIRS],
        descriptions=expand(
            "results/{{dataset}}/{model}/encoder/encoder.json",
            model=[name for name in PRETRAINED_MODELS + FINETUNED_MODELS if name in REPORTED_MODELS],
        ),
        figures=FIGURES,
        examples=expand("results/{{dataset}}/{model}/examples.parquet", model=REPORTED_MODELS),
        confusions=expand("results/{{dataset}}/{model}/confusions.parquet", model=REPORTED_MODELS),
        labels="results/{dataset}/labels.parquet",
        thumbnails=expand("results/{{dataset}}/thumbnails/{shard}.parquet", shard=SHARDS),
        captions=report_captions,
        passed="results/{dataset}/checks.passed",
    output:
        report=report(
            "results/{dataset}/report.html",
            caption="../report/report.rst",
            category="{dataset}",
            labels={"figure": "report", "model": "all"},
        ),
        thumbnails=directory("results/{dataset}/report_thumbnails"),
    log:
        "logs/write_report/{dataset}.log",
    benchmark:
        "logs/resource_usage/write_report/{dataset}.tsv"
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("write_report.py"),
        outside=outside(report_captions),
        templates=templates_of("report"),
        models=REPORTED_MODELS,
        pairs=config["compare"],
        method=method_of,
    script:
        "../../scripts/write_report.py"


rule check_results:
    """The invariants of a finished study, asserted on its tables."""
    input:
        curation="results/{dataset}/curation.passed",
        inspection=expand("results/{{dataset}}/inspection/{shard}.parquet", shard=SHARDS),
        labels="results/{dataset}/labels.parquet",
        groups="results/{dataset}/groups.parquet",
        splits="results/{dataset}/splits.parquet",
        descriptions=expand(
            "results/{{dataset}}/{model}/encoder/encoder.json", model=PRETRAINED_MODELS + FINETUNED_MODELS
        ),
        shards=expand("results/{{dataset}}/{model}/embeddings/shards.json", model=MODELS),
        neighbours=expand("results/{{dataset}}/{model}/neighbours.parquet", model=MODELS),
        query_scores=expand("results/{{dataset}}/{model}/query_scores.parquet", model=MODELS),
        metrics=expand("results/{{dataset}}/{model}/metrics.parquet", model=MODELS),
        figures=FIGURES,
        contact_sheets=[
            f"results/{{dataset}}/figures/{base}/{trained}/contact_sheets/{sheet}.png"
            for base, trained in config["compare"]
            for sheet in SHEETS
        ],
        figure_tables=[
            *(
                f"{pair}/{table}.parquet"
                for pair in PAIRS
                for table in ("differences", "flips", "claims", "trend")
            ),
            *expand(
                "results/{{dataset}}/{model}/{table}.parquet",
                model=REPORTED_MODELS,
                table=["training_size", "recall_curve", "confusions"],
            ),
        ],
        texts=expand("results/{{dataset}}/{model}/training_size.txt", model=REPORTED_MODELS),
    output:
        passed="results/{dataset}/checks.passed",
    log:
        "logs/check_results/{dataset}.log",
    benchmark:
        "logs/resource_usage/check_results/{dataset}.tsv"
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=scaled_by_input(2000, {"query_scores": 10}),
    params:
        code=digest_of("check_results.py"),
        search=lookup(within=config, dpath="search"),
    script:
        "../../scripts/check_results.py"
