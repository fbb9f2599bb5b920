"""Hits of every query and their recall, from its neighbours."""

from collections.abc import Mapping, Sequence

from nearkin.evaluation import query_scores
from nearkin.evaluation.averages import compute_metrics
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.storage.query_batches import iter_query_batches
from nearkin.tables.labels import Labels
from nearkin.tables.scores import Metrics, QueryScores
from nearkin.tables.splits import Splits


def score_queries(
    neighbours_path: str,
    labels_path: str,
    splits_path: str,
    query_scores_path: str,
    metrics_path: str,
    *,
    protocols: Sequence[str],
    ks: Sequence[int],
    depth: int,
    exclude_same_group: bool,
    bootstrap_samples: int,
    seed: int,
    metadata: Mapping[str, str | None],
) -> None:
    hits = query_scores.score_queries(
        iter_query_batches(neighbours_path),
        tables.read(labels_path, Labels),
        tables.read(splits_path, Splits),
        protocols=protocols,
        exclude_same_group=exclude_same_group,
        ks=ks,
        depth=depth,
    )
    metadata = {**metadata, "fingerprint": tables.read_metadata(neighbours_path).get("fingerprint")}
    tables.write(hits, query_scores_path, QueryScores, **metadata)
    tables.write(
        compute_metrics(hits, ks=ks, depth=depth, bootstrap_samples=bootstrap_samples, seed=seed),
        metrics_path,
        Metrics,
        **metadata,
    )


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        score_queries(
            neighbours_path=snakemake.input.neighbours,
            labels_path=snakemake.input.labels,
            splits_path=snakemake.input.splits,
            query_scores_path=snakemake.output.query_scores,
            metrics_path=snakemake.output.metrics,
            protocols=snakemake.params.search["protocols"],
            depth=snakemake.params.search["n_neighbours"],
            exclude_same_group=snakemake.params.search["exclude_same_group"],
            **snakemake.params.recall,
            metadata=dict(snakemake.wildcards.items()),
        )
