"""Needs the scores of models; produces what changed between them, as tables and text."""


rule compare_models:
    """A base and a trained model on the same queries, with intervals and tests."""
    input:
        base="results/{dataset}/{base}/query_scores.parquet",
        trained="results/{dataset}/{trained}/query_scores.parquet",
        base_neighbours="results/{dataset}/{base}/neighbours.parquet",
        trained_neighbours="results/{dataset}/{trained}/neighbours.parquet",
        labels="results/{dataset}/labels.parquet",
        splits="results/{dataset}/splits.parquet",
    output:
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
        flips="results/{dataset}/comparisons/{base}/{trained}/flips.parquet",
    log:
        "logs/compare_models/{dataset}/{base}/{trained}.log",
    benchmark:
        "logs/resource_usage/compare_models/{dataset}/{base}/{trained}.tsv"
    group:
        job_group("comparison")
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=scaled_by_input(2000, {"base": 10, "trained": 10}),
    params:
        code=digest_of("compare_models.py"),
        recall=lookup(within=config, dpath="recall"),
        min_queries=lookup(within=config, dpath="comparison/min_queries"),
    script:
        "../../scripts/compare_models.py"


rule compare_all_pairs:
    """Every model against every other on the same queries."""
    input:
        query_scores=expand("results/{{dataset}}/{model}/query_scores.parquet", model=REPORTED_MODELS),
    output:
        pairwise="results/{dataset}/pairwise.parquet",
    log:
        "logs/compare_all_pairs/{dataset}.log",
    benchmark:
        "logs/resource_usage/compare_all_pairs/{dataset}.tsv"
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=scaled_by_input(2000, {"query_scores": 10}),
    params:
        code=digest_of("compare_all_pairs.py"),
        models=REPORTED_MODELS,
        k=1,
        recall=lookup(within=config, dpath="recall"),
    script:
        "../../scripts/compare_all_pairs.py"


rule compare_seeds:
    """Every model side by side, those that differ only in their seed as one."""
    input:
        query_scores=expand("results/{{dataset}}/{model}/query_scores.parquet", model=MODELS),
    output:
        seeds="results/{dataset}/seeds.parquet",
    log:
        "logs/compare_seeds/{dataset}.log",
    benchmark:
        "logs/resource_usage/compare_seeds/{dataset}.tsv"
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=scaled_by_input(2000, {"query_scores": 10}),
    params:
        code=digest_of("compare_seeds.py"),
        hits_of=list(MODELS),
        models=SEED_GROUPS,
        bases={
            name: MODELS[first]["finetune"]["base"]
            for name, (first, *_) in SEED_GROUPS.items()
            if first in FINETUNED_MODELS
        },
        recall=lookup(within=config, dpath="recall"),
    script:
        "../../scripts/compare_seeds.py"


rule write_reference_comparison:
    """The comparison in the printed form of the reference study."""
    input:
        base_recall="results/{dataset}/{base}/metrics.parquet",
        trained_recall="results/{dataset}/{trained}/metrics.parquet",
    output:
        text=report(
            "results/{dataset}/comparisons/{base}/{trained}/comparison.txt",
            caption="../report/comparison.rst",
            category="{dataset}",
            labels={"figure": "comparison as printed", "model": "{base} to {trained}"},
        ),
    log:
        "logs/write_reference_comparison/{dataset}/{base}/{trained}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("write_reference_comparison.py"),
        protocol="leave_one_out",
        k=1,
    script:
        "../../scripts/write_reference_comparison.py"


rule fit_trend:
    """How the improvement goes with the number of training images: a curve with its interval."""
    input:
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
    output:
        trend="results/{dataset}/comparisons/{base}/{trained}/trend.parquet",
    log:
        "logs/fit_trend/{dataset}/{base}/{trained}.log",
    group:
        job_group("comparison")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("fit_trend.py"),
        recall=lookup(within=config, dpath="recall"),
    script:
        "../../scripts/fit_trend.py"
