"""Needs finished tables; produces figures, as SVG and as PNG. Figures only draw. All rules inherit from the first."""


rule plot_recall:
    """Recall@1 of every model, by protocol and level, with intervals."""
    input:
        metrics=expand("results/{{dataset}}/{model}/metrics.parquet", model=REPORTED_MODELS),
    output:
        **figure_files("recall", figure="recall"),
    log:
        "logs/plot_recall/{dataset}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        **draw_with("draw_recall"),
        models=REPORTED_MODELS,
        protocol="leave_one_out",
        k=1,
    script:
        "../../scripts/plot_figure.py"


use rule plot_recall as plot_recall_curve with:
    """Recall of every model against the number of neighbours that count."""
    input:
        curves=expand("results/{{dataset}}/{model}/recall_curve.parquet", model=REPORTED_MODELS),
    output:
        **figure_files("recall_curve", figure="recall by k"),
    log:
        "logs/plot_recall_curve/{dataset}.log",
    params:
        **draw_with("draw_recall_curve"),


use rule plot_recall as plot_reachable with:
    """Species recall over all queries and over the reachable ones."""
    input:
        metrics=expand("results/{{dataset}}/{model}/metrics.parquet", model=REPORTED_MODELS),
    output:
        **figure_files("reachable", figure="reachable queries"),
    log:
        "logs/plot_reachable/{dataset}.log",
    params:
        **draw_with("draw_reachable"),


use rule plot_recall as plot_all_pairs with:
    """Every model against every other, in one matrix."""
    input:
        pairwise="results/{dataset}/pairwise.parquet",
    output:
        **figure_files("all_pairs", figure="every model against every other"),
    log:
        "logs/plot_all_pairs/{dataset}.log",
    params:
        **draw_with("draw_all_pairs"),


use rule plot_recall as plot_seeds with:
    """Every seed group's recall and what training changed, over its seeds."""
    input:
        seeds="results/{dataset}/seeds.parquet",
    output:
        **figure_files("seeds", figure="seed groups"),
    log:
        "logs/plot_seeds/{dataset}.log",
    params:
        **draw_with("draw_seeds"),
        models=list(SEED_GROUPS),


use rule plot_recall as plot_leakage with:
    """What a split that ignores groups would have done to the recall."""
    input:
        leakage="results/{dataset}/leakage_audit.parquet",
    output:
        **figure_files("leakage", figure="leaks", model=config["leakage_audit"]["model"]),
    log:
        "logs/plot_leakage/{dataset}.log",
    params:
        **draw_with("draw_leakage"),
        models=[config["leakage_audit"]["model"]],


use rule plot_recall as plot_training_size with:
    """Species recall@1 against the number of training images."""
    input:
        sizes="results/{dataset}/{model}/training_size.parquet",
    output:
        **figure_files("{model}/training_size", figure="training images", model="{model}"),
    log:
        "logs/plot_training_size/{dataset}/{model}.log",
    group:
        job_group("scores")
    params:
        **draw_with("draw_training_size"),
        models=["{model}"],


use rule plot_recall as plot_training_buckets with:
    """Species recall@1 by bucket of training images."""
    input:
        sizes="results/{dataset}/{model}/training_size.parquet",
    output:
        **figure_files("{model}/training_buckets", figure="training images, by bucket", model="{model}"),
    log:
        "logs/plot_training_buckets/{dataset}/{model}.log",
    group:
        job_group("scores")
    params:
        **draw_with("draw_training_buckets"),
        models=["{model}"],


use rule plot_recall as plot_confusions with:
    """Which genera a model takes for which."""
    input:
        confusions="results/{dataset}/{model}/confusions.parquet",
    output:
        **figure_files("{model}/confusions", figure="confusions", model="{model}"),
    log:
        "logs/plot_confusions/{dataset}/{model}.log",
    group:
        job_group("scores")
    params:
        **draw_with("draw_confusions"),
        models=["{model}"],


use rule plot_recall as plot_training with:
    """Loss and learning rate of a training, and how the epoch was chosen."""
    input:
        training="results/{dataset}/{model}/training.parquet",
    output:
        **figure_files("{model}/training", figure="training", model="{model}"),
    log:
        "logs/plot_training/{dataset}/{model}.log",
    params:
        **draw_with("draw_training"),
        models=["{model}"],


use rule plot_recall as plot_improvement with:
    """The improvement per species and per genus, by category."""
    input:
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
    output:
        **figure_files(
            "{base}/{trained}/improvement_by_species",
            figure="improvement by species",
            model="{base} to {trained}",
        ),
        **figure_files(
            "{base}/{trained}/improvement_by_genus",
            figure="improvement by genus",
            model="{base} to {trained}",
        ),
    log:
        "logs/plot_improvement/{dataset}/{base}/{trained}.log",
    group:
        job_group("comparison")
    params:
        **draw_with("draw_improvement"),
        models=["{base}", "{trained}"],


use rule plot_recall as plot_paired_recall with:
    """Recall of a base and a trained model, species by species."""
    input:
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
    output:
        **figure_files(
            "{base}/{trained}/paired_recall", figure="base against trained", model="{base} to {trained}"
        ),
    log:
        "logs/plot_paired_recall/{dataset}/{base}/{trained}.log",
    group:
        job_group("comparison")
    params:
        **draw_with("draw_paired_recall"),
        models=["{base}", "{trained}"],


use rule plot_recall as plot_most_changed with:
    """The species that training improved or worsened most, with intervals."""
    input:
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
    output:
        **figure_files(
            "{base}/{trained}/most_changed", figure="most changed species", model="{base} to {trained}"
        ),
    log:
        "logs/plot_most_changed/{dataset}/{base}/{trained}.log",
    group:
        job_group("comparison")
    params:
        **draw_with("draw_most_changed"),
        models=["{base}", "{trained}"],


use rule plot_recall as plot_improvement_by_training_size with:
    """The improvement of each species against its number of training images, with a fitted curve."""
    input:
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
        trend="results/{dataset}/comparisons/{base}/{trained}/trend.parquet",
    output:
        **figure_files(
            "{base}/{trained}/improvement_by_training_size",
            figure="improvement by training images",
            model="{base} to {trained}",
        ),
    log:
        "logs/plot_improvement_by_training_size/{dataset}/{base}/{trained}.log",
    group:
        job_group("comparison")
    params:
        **draw_with("draw_improvement_by_training_size"),
        models=["{base}", "{trained}"],
