"""Every model side by side, those that differ only in their seed as one."""

from collections.abc import Mapping, Sequence

from nearkin.comparison.seeds import summarise_seeds
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.scores import QueryScores
from nearkin.tables.seeds import SeedSummaries


def compare_seeds(
    query_scores_paths: Mapping[str, str],
    seeds_path: str,
    *,
    models: Mapping[str, Sequence[str]],
    bases: Mapping[str, str],
    ks: Sequence[int],
    bootstrap_samples: int,
    seed: int,
    dataset: str,
) -> None:
    """`query_scores_paths` maps models to their hits."""
    hits = {model: tables.read(path, QueryScores) for model, path in query_scores_paths.items()}
    table = summarise_seeds(hits, models, bases=bases, ks=ks, bootstrap_samples=bootstrap_samples, seed=seed)
    tables.write(table, seeds_path, SeedSummaries, dataset=dataset)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        compare_seeds(
            query_scores_paths=dict(zip(snakemake.params.hits_of, snakemake.input.query_scores, strict=True)),
            seeds_path=snakemake.output.seeds,
            models=snakemake.params.models,
            bases=snakemake.params.bases,
            **snakemake.params.recall,
            dataset=snakemake.wildcards.dataset,
        )
