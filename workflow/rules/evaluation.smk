"""Needs neighbours and labels; produces scores, recall, confusions and the leak audit."""


rule score_queries:
    """Hits of every query and their recall, from its neighbours."""
    input:
        neighbours="results/{dataset}/{model}/neighbours.parquet",
        labels="results/{dataset}/labels.parquet",
        splits="results/{dataset}/splits.parquet",
    output:
        query_scores="results/{dataset}/{model}/query_scores.parquet",
        metrics="results/{dataset}/{model}/metrics.parquet",
    log:
        "logs/score_queries/{dataset}/{model}.log",
    benchmark:
        "logs/resource_usage/score_queries/{dataset}/{model}.tsv"
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("score_queries.py"),
        search=lookup(within=config, dpath="search"),
        recall=lookup(within=config, dpath="recall"),
    script:
        "../../scripts/score_queries.py"


rule compute_recall_curve:
    """Recall of a model against the number of neighbours that count."""
    input:
        query_scores="results/{dataset}/{model}/query_scores.parquet",
    output:
        curve="results/{dataset}/{model}/recall_curve.parquet",
    log:
        "logs/compute_recall_curve/{dataset}/{model}.log",
    benchmark:
        "logs/resource_usage/compute_recall_curve/{dataset}/{model}.tsv"
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("compute_recall_curve.py"),
        search=lookup(within=config, dpath="search"),
        recall=lookup(within=config, dpath="recall"),
    script:
        "../../scripts/compute_recall_curve.py"


rule count_confusions:
    """Confusions of a model: the labels of queries and of their nearest images."""
    input:
        neighbours="results/{dataset}/{model}/neighbours.parquet",
        labels="results/{dataset}/labels.parquet",
    output:
        confusions="results/{dataset}/{model}/confusions.parquet",
    log:
        "logs/count_confusions/{dataset}/{model}.log",
    benchmark:
        "logs/resource_usage/count_confusions/{dataset}/{model}.tsv"
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("count_confusions.py"),
    script:
        "../../scripts/count_confusions.py"


rule tabulate_training_size:
    """Species recall@1 of a model with the number of training images."""
    input:
        metrics="results/{dataset}/{model}/metrics.parquet",
        labels="results/{dataset}/labels.parquet",
        splits="results/{dataset}/splits.parquet",
    output:
        sizes="results/{dataset}/{model}/training_size.parquet",
    log:
        "logs/tabulate_training_size/{dataset}/{model}.log",
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("tabulate_training_size.py"),
    script:
        "../../scripts/tabulate_training_size.py"


rule write_training_size_text:
    """The analysis by training size of one model, as text."""
    input:
        sizes="results/{dataset}/{model}/training_size.parquet",
    output:
        text=report(
            "results/{dataset}/{model}/training_size.txt",
            caption="../report/training_size_text.rst",
            category="{dataset}",
            labels={"figure": "training images, as text", "model": "{model}"},
        ),
    log:
        "logs/write_training_size_text/{dataset}/{model}.log",
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("write_training_size_text.py"),
        model="{model}",
        min_queries=lookup(within=config, dpath="comparison/min_queries"),
    script:
        "../../scripts/write_training_size_text.py"


rule audit_leakage:
    """What a split that ignores groups would have done to the recall."""
    input:
        shards=f"results/{{dataset}}/{config['leakage_audit']['model']}/embeddings/shards.json",
        labels="results/{dataset}/labels.parquet",
        splits="results/{dataset}/splits.parquet",
    output:
        leakage="results/{dataset}/leakage_audit.parquet",
    log:
        "logs/audit_leakage/{dataset}.log",
    benchmark:
        "logs/resource_usage/audit_leakage/{dataset}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=scaled_by_input(3000, {"shards": 3}),
        runtime=scaled_by_input(60, {"shards": 0.1}),
    params:
        code=digest_of("audit_leakage.py"),
        model=lookup(within=config, dpath="leakage_audit/model"),
        max_queries=lookup(within=config, dpath="leakage_audit/max_queries"),
        split_settings=split_settings,
        recall=lookup(within=config, dpath="recall"),
    script:
        "../../scripts/audit_leakage.py"
