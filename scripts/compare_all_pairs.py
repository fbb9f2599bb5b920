"""Every model against every other on the same queries."""

from collections.abc import Mapping

from nearkin.comparison import all_pairs
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.scores import Pairwise, QueryScores


def compare_all_pairs(
    query_scores_paths: Mapping[str, str],
    pairwise_path: str,
    *,
    k: int,
    bootstrap_samples: int,
    seed: int,
    dataset: str,
) -> None:
    """`query_scores_paths` maps models to their hits."""
    hits = {model: tables.read(path, QueryScores) for model, path in query_scores_paths.items()}
    table = all_pairs.compare_all_pairs(hits, k=k, bootstrap_samples=bootstrap_samples, seed=seed)
    tables.write(table, pairwise_path, Pairwise, dataset=dataset)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        compare_all_pairs(
            query_scores_paths=dict(zip(snakemake.params.models, snakemake.input.query_scores, strict=True)),
            pairwise_path=snakemake.output.pairwise,
            k=snakemake.params.k,
            bootstrap_samples=snakemake.params.recall["bootstrap_samples"],
            seed=snakemake.params.recall["seed"],
            dataset=snakemake.wildcards.dataset,
        )
