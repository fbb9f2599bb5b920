"""Needs comparisons; produces answers to what was claimed."""


rule evaluate_claims:
    """The sentences that the numbers bear out, or do not, each with its evidence."""
    input:
        base="results/{dataset}/{base}/metrics.parquet",
        trained="results/{dataset}/{trained}/metrics.parquet",
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
    output:
        claims="results/{dataset}/comparisons/{base}/{trained}/claims.parquet",
    log:
        "logs/evaluate_claims/{dataset}/{base}/{trained}.log",
    group:
        job_group("comparison")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("evaluate_claims.py"),
        k=1,
    script:
        "../../scripts/evaluate_claims.py"
