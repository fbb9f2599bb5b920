"""Needs finished tables; produces figures, as SVG and as PNG. Figures only draw."""


rule plot_recall:
    """Recall@1 of every model, by protocol and level, with intervals."""
    input:
        metrics=expand("results/{{dataset}}/{model}/metrics.parquet", model=REPORTED_MODELS),
    output:
        svg=report(
            "results/{dataset}/figures/recall.svg",
            caption="../report/recall.rst",
            category="{dataset}",
            labels={"figure": "recall", "model": "all"},
        ),
        png="results/{dataset}/figures/recall.png",
    log:
        "logs/plot_recall/{dataset}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_recall.py"),
        models=REPORTED_MODELS,
        k=1,
    script:
        "../../scripts/plot_recall.py"


rule plot_recall_curve:
    """Recall of every model against the number of neighbours that count."""
    input:
        curves=expand("results/{{dataset}}/{model}/recall_curve.parquet", model=REPORTED_MODELS),
    output:
        svg=report(
            "results/{dataset}/figures/recall_curve.svg",
            caption="../report/recall_curve.rst",
            category="{dataset}",
            labels={"figure": "recall by k", "model": "all"},
        ),
        png="results/{dataset}/figures/recall_curve.png",
    log:
        "logs/plot_recall_curve/{dataset}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_recall_curve.py"),
        models=REPORTED_MODELS,
    script:
        "../../scripts/plot_recall_curve.py"


rule plot_reachable:
    """Species recall over all queries and over the reachable ones."""
    input:
        metrics=expand("results/{{dataset}}/{model}/metrics.parquet", model=REPORTED_MODELS),
    output:
        svg=report(
            "results/{dataset}/figures/reachable.svg",
            caption="../report/reachable.rst",
            category="{dataset}",
            labels={"figure": "reachable queries", "model": "all"},
        ),
        png="results/{dataset}/figures/reachable.png",
    log:
        "logs/plot_reachable/{dataset}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_reachable.py"),
        models=REPORTED_MODELS,
        k=1,
    script:
        "../../scripts/plot_reachable.py"


rule plot_all_pairs:
    """Every model against every other, in one matrix."""
    input:
        pairwise="results/{dataset}/pairwise.parquet",
    output:
        svg=report(
            "results/{dataset}/figures/all_pairs.svg",
            caption="../report/all_pairs.rst",
            category="{dataset}",
            labels={"figure": "every model against every other", "model": "all"},
        ),
        png="results/{dataset}/figures/all_pairs.png",
    log:
        "logs/plot_all_pairs/{dataset}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_all_pairs.py"),
        models=REPORTED_MODELS,
        k=1,
    script:
        "../../scripts/plot_all_pairs.py"


rule plot_seeds:
    """Every seed group's recall and what training changed, over its seeds."""
    input:
        seeds="results/{dataset}/seeds.parquet",
    output:
        svg=report(
            "results/{dataset}/figures/seeds.svg",
            caption="../report/seeds.rst",
            category="{dataset}",
            labels={"figure": "seed groups", "model": "all"},
        ),
        png="results/{dataset}/figures/seeds.png",
    log:
        "logs/plot_seeds/{dataset}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_seeds.py"),
        names=list(SEED_GROUPS),
        k=1,
    script:
        "../../scripts/plot_seeds.py"


rule plot_leakage:
    """What a split that ignores groups would have done to the recall."""
    input:
        leakage="results/{dataset}/leakage_audit.parquet",
    output:
        svg=report(
            "results/{dataset}/figures/leakage.svg",
            caption="../report/leakage.rst",
            category="{dataset}",
            labels={"figure": "leaks", "model": config["leakage_audit"]["model"]},
        ),
        png="results/{dataset}/figures/leakage.png",
    log:
        "logs/plot_leakage/{dataset}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_leakage.py"),
        model=lookup(within=config, dpath="leakage_audit/model"),
        k=1,
    script:
        "../../scripts/plot_leakage.py"


rule plot_training_size:
    """Species recall@1 against the number of training images."""
    input:
        sizes="results/{dataset}/{model}/training_size.parquet",
    output:
        svg=report(
            "results/{dataset}/figures/{model}/training_size.svg",
            caption="../report/training_size.rst",
            category="{dataset}",
            labels={"figure": "training images", "model": "{model}"},
        ),
        png="results/{dataset}/figures/{model}/training_size.png",
    log:
        "logs/plot_training_size/{dataset}/{model}.log",
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_training_size.py"),
        model="{model}",
    script:
        "../../scripts/plot_training_size.py"


rule plot_training_buckets:
    """Species recall@1 by bucket of training images."""
    input:
        sizes="results/{dataset}/{model}/training_size.parquet",
    output:
        svg=report(
            "results/{dataset}/figures/{model}/training_buckets.svg",
            caption="../report/training_buckets.rst",
            category="{dataset}",
            labels={"figure": "training images, by bucket", "model": "{model}"},
        ),
        png="results/{dataset}/figures/{model}/training_buckets.png",
    log:
        "logs/plot_training_buckets/{dataset}/{model}.log",
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_training_buckets.py"),
        model="{model}",
    script:
        "../../scripts/plot_training_buckets.py"


rule plot_confusions:
    """Which genera a model takes for which."""
    input:
        confusions="results/{dataset}/{model}/confusions.parquet",
    output:
        svg=report(
            "results/{dataset}/figures/{model}/confusions.svg",
            caption="../report/confusions.rst",
            category="{dataset}",
            labels={"figure": "confusions", "model": "{model}"},
        ),
        png="results/{dataset}/figures/{model}/confusions.png",
    log:
        "logs/plot_confusions/{dataset}/{model}.log",
    group:
        job_group("scores")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_confusions.py"),
        model="{model}",
    script:
        "../../scripts/plot_confusions.py"


rule plot_training:
    """Loss and learning rate of a training, and how the epoch was chosen."""
    input:
        training="results/{dataset}/{model}/training.parquet",
    output:
        svg=report(
            "results/{dataset}/figures/{model}/training.svg",
            caption="../report/training.rst",
            category="{dataset}",
            labels={"figure": "training", "model": "{model}"},
        ),
        png="results/{dataset}/figures/{model}/training.png",
    log:
        "logs/plot_training/{dataset}/{model}.log",
    group:
        job_group("report")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_training.py"),
        model="{model}",
    script:
        "../../scripts/plot_training.py"


rule plot_improvement:
    """The improvement per species and per genus, by category."""
    input:
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
    output:
        species_svg=report(
            "results/{dataset}/figures/{base}/{trained}/improvement_by_species.svg",
            caption="../report/improvement_by_species.rst",
            category="{dataset}",
            labels={"figure": "improvement by species", "model": "{base} to {trained}"},
        ),
        species_png="results/{dataset}/figures/{base}/{trained}/improvement_by_species.png",
        genus_svg=report(
            "results/{dataset}/figures/{base}/{trained}/improvement_by_genus.svg",
            caption="../report/improvement_by_genus.rst",
            category="{dataset}",
            labels={"figure": "improvement by genus", "model": "{base} to {trained}"},
        ),
        genus_png="results/{dataset}/figures/{base}/{trained}/improvement_by_genus.png",
    log:
        "logs/plot_improvement/{dataset}/{base}/{trained}.log",
    group:
        job_group("comparison")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_improvement.py"),
        base="{base}",
        trained="{trained}",
        protocol="leave_one_out",
        k=1,
    script:
        "../../scripts/plot_improvement.py"


rule plot_paired_recall:
    """Recall of a base and a trained model, species by species."""
    input:
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
    output:
        svg=report(
            "results/{dataset}/figures/{base}/{trained}/paired_recall.svg",
            caption="../report/paired_recall.rst",
            category="{dataset}",
            labels={"figure": "base against trained", "model": "{base} to {trained}"},
        ),
        png="results/{dataset}/figures/{base}/{trained}/paired_recall.png",
    log:
        "logs/plot_paired_recall/{dataset}/{base}/{trained}.log",
    group:
        job_group("comparison")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_paired_recall.py"),
        base="{base}",
        trained="{trained}",
        protocol="leave_one_out",
        k=1,
    script:
        "../../scripts/plot_paired_recall.py"


rule plot_most_changed:
    """The species that training improved or worsened most, with intervals."""
    input:
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
    output:
        svg=report(
            "results/{dataset}/figures/{base}/{trained}/most_changed.svg",
            caption="../report/most_changed.rst",
            category="{dataset}",
            labels={"figure": "most changed species", "model": "{base} to {trained}"},
        ),
        png="results/{dataset}/figures/{base}/{trained}/most_changed.png",
    log:
        "logs/plot_most_changed/{dataset}/{base}/{trained}.log",
    group:
        job_group("comparison")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_most_changed.py"),
        base="{base}",
        trained="{trained}",
        protocol="leave_one_out",
        k=1,
    script:
        "../../scripts/plot_most_changed.py"


rule plot_improvement_by_training_size:
    """The improvement of each species against its number of training images, with a fitted curve."""
    input:
        differences="results/{dataset}/comparisons/{base}/{trained}/differences.parquet",
        trend="results/{dataset}/comparisons/{base}/{trained}/trend.parquet",
    output:
        svg=report(
            "results/{dataset}/figures/{base}/{trained}/improvement_by_training_size.svg",
            caption="../report/improvement_by_training_size.rst",
            category="{dataset}",
            labels={"figure": "improvement by training images", "model": "{base} to {trained}"},
        ),
        png="results/{dataset}/figures/{base}/{trained}/improvement_by_training_size.png",
    log:
        "logs/plot_improvement_by_training_size/{dataset}/{base}/{trained}.log",
    group:
        job_group("comparison")
    conda:
        "../../envs/analysis.yaml"
    params:
        code=digest_of("plot_improvement_by_training_size.py"),
        base="{base}",
        trained="{trained}",
        protocol="leave_one_out",
        k=1,
    script:
        "../../scripts/plot_improvement_by_training_size.py"
