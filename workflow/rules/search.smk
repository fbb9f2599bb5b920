"""Needs embeddings and the split; produces exact neighbours."""


rule search_neighbours:
    """The exact nearest neighbours of a chunk of the queries of every protocol."""
    input:
        shards="results/{dataset}/{model}/embeddings/shards.json",
        splits="results/{dataset}/splits.parquet",
    output:
        neighbours="results/{dataset}/{model}/neighbours/{chunk}.parquet",
    log:
        "logs/search_neighbours/{dataset}/{model}/{chunk}.log",
    benchmark:
        "logs/resource_usage/search_neighbours/{dataset}/{model}/{chunk}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 8
    resources:
        **GPU,
        mem_mb=scaled_by_input(3000, {"shards": 2}),
        runtime=scaled_by_input(60, {"shards": 0.1}),
    params:
        code=digest_of("search_neighbours.py"),
        search=lookup(within=config, dpath="search"),
    script:
        "../../scripts/search_neighbours.py"


rule join_neighbours:
    """The neighbours of all queries of a model in one table."""
    input:
        chunks=expand(
            "results/{{dataset}}/{{model}}/neighbours/{chunk}.parquet",
            chunk=range(config["search"]["query_chunks"]),
        ),
    output:
        neighbours="results/{dataset}/{model}/neighbours.parquet",
    log:
        "logs/join_neighbours/{dataset}/{model}.log",
    benchmark:
        "logs/resource_usage/join_neighbours/{dataset}/{model}.tsv"
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=scaled_by_input(2000, {"chunks": 4}),
    params:
        code=digest_of("join_neighbours.py"),
    script:
        "../../scripts/join_neighbours.py"
