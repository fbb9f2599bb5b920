"""Needs a finished study and the benchmark files of its jobs; produces its time and memory, on which nothing else depends."""


rule collect_resource_usage:
    """What the jobs of a study took: time, memory and images per second."""
    input:
        finished=[
            "results/{dataset}/audit.html",
            "results/{dataset}/report.html",
            "results/{dataset}/checks.passed",
        ],
    output:
        resource_usage="results/{dataset}/resource_usage.parquet",
    log:
        "logs/collect_resource_usage/{dataset}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("collect_resource_usage.py"),
        names=[*MODELS, *config["preprocessing"], *config["clusters"]],
        n_shards=config["shards"],
        n_chunks=lookup(within=config, dpath="search/query_chunks"),
    script:
        "../../scripts/collect_resource_usage.py"


rule plot_resource_usage:
    """Time, memory and images per second of every rule."""
    input:
        resource_usage="results/{dataset}/resource_usage.parquet",
    output:
        **figure_files("resource_usage", figure="resource usage"),
    log:
        "logs/plot_resource_usage/{dataset}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_resource_usage.py"),
    script:
        "../../scripts/plot_resource_usage.py"
