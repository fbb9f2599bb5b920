"""Needs neighbours and labels; produces scores, recall, confusions and the leak audit."""


rule score_recall:
    """Hits of every query and their recall, from its neighbours."""
    input:
        neighbours="results/{dataset}/{model}/neighbours.parquet",
        labels="results/{dataset}/labels.parquet",
        splits="results/{dataset}/splits.parquet",
    output:
        hits="results/{dataset}/{model}/hits.parquet",
        recall="results/{dataset}/{model}/recall.parquet",
    log:
        "logs/score_recall/{dataset}/{model}.log",
    benchmark:
        "logs/costs/score_recall/{dataset}/{model}.tsv"
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("score_recall.py"),
        protocols=lookup(within=config, dpath="search/protocols"),
        ks=lookup(within=config, dpath="recall/ks"),
        depth=lookup(within=config, dpath="search/depth"),
        resamples=lookup(within=config, dpath="recall/resamples"),
        seed=lookup(within=config, dpath="recall/seed"),
        mask_groups=lookup(within=config, dpath="search/mask_groups"),
    script:
        "../../scripts/score_recall.py"


rule trace_recall:
    """Recall of a model against the number of neighbours looked at."""
    input:
        hits="results/{dataset}/{model}/hits.parquet",
    output:
        curve="results/{dataset}/{model}/recall_curve.parquet",
    log:
        "logs/trace_recall/{dataset}/{model}.log",
    benchmark:
        "logs/costs/trace_recall/{dataset}/{model}.tsv"
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("trace_recall.py"),
        depth=lookup(within=config, dpath="search/depth"),
        resamples=lookup(within=config, dpath="recall/resamples"),
        seed=lookup(within=config, dpath="recall/seed"),
    script:
        "../../scripts/trace_recall.py"


rule count_confusions:
    """Who is taken for whom by a model: queries beside their nearest images, leave one out."""
    input:
        neighbours="results/{dataset}/{model}/neighbours.parquet",
        labels="results/{dataset}/labels.parquet",
    output:
        confusions="results/{dataset}/{model}/confusions.parquet",
    log:
        "logs/count_confusions/{dataset}/{model}.log",
    benchmark:
        "logs/costs/count_confusions/{dataset}/{model}.tsv"
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("count_confusions.py"),
        protocol="leave_one_out",
    script:
        "../../scripts/count_confusions.py"


rule count_training_images:
    """Species recall@1 of a model beside the number of training images."""
    input:
        recall="results/{dataset}/{model}/recall.parquet",
        labels="results/{dataset}/labels.parquet",
        splits="results/{dataset}/splits.parquet",
    output:
        sizes="results/{dataset}/{model}/training_size.parquet",
    log:
        "logs/count_training_images/{dataset}/{model}.log",
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("count_training_images.py"),
    script:
        "../../scripts/count_training_images.py"


rule print_training_size:
    """The analysis by training size of one model, as text."""
    input:
        sizes="results/{dataset}/{model}/training_size.parquet",
    output:
        text=report(
            "results/{dataset}/{model}/training_size.txt",
            caption="../report/sampling.rst",
            category="{dataset}",
            labels={"figure": "training images, as text", "model": "{model}"},
        ),
    log:
        "logs/print_training_size/{dataset}/{model}.log",
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("print_training_size.py"),
        model="{model}",
        min_queries=lookup(within=config, dpath="comparison/min_queries"),
    script:
        "../../scripts/print_training_size.py"


rule audit_leaks:
    """What a split that ignores groups would have done to the recall."""
    input:
        shards=f"results/{{dataset}}/{config['leak_audit']['model']}/embeddings/shards.json",
        labels="results/{dataset}/labels.parquet",
        splits="results/{dataset}/splits.parquet",
    output:
        leaks="results/{dataset}/leak_audit.parquet",
    log:
        "logs/audit_leaks/{dataset}.log",
    benchmark:
        "logs/costs/audit_leaks/{dataset}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=scaled_by_input(3000, {"shards": 3}),
        runtime=scaled_by_input(60, {"shards": 0.1}),
    params:
        code=digest_of("audit_leaks.py"),
        model=lookup(within=config, dpath="leak_audit/model"),
        most_queries=lookup(within=config, dpath="leak_audit/queries"),
        dealing=split_settings,
        ks=lookup(within=config, dpath="recall/ks"),
        resamples=lookup(within=config, dpath="recall/resamples"),
        seed=lookup(within=config, dpath="recall/seed"),
    script:
        "../../scripts/audit_leaks.py"
