"""Recall of a model against the number of neighbours looked at."""

from collections.abc import Mapping

from nearkin.evaluation import recall_curve
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.recall_curve import RecallCurve
from nearkin.tables.scores import QueryScores

COLUMNS = ["protocol", "level", "uuid", "category", "label", "group_id", "first_relevant_rank"]


def compute_recall_curve(
    query_scores_path: str,
    curve_path: str,
    *,
    depth: int,
    bootstrap_samples: int,
    seed: int,
    metadata: Mapping[str, str | None],
) -> None:
    hits = tables.read(query_scores_path, QueryScores, COLUMNS)
    metadata = {**metadata, "fingerprint": tables.read_metadata(query_scores_path).get("fingerprint")}
    curve = recall_curve.compute_recall_curve(
        hits, depth=depth, bootstrap_samples=bootstrap_samples, seed=seed
    )
    tables.write(curve, curve_path, RecallCurve, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        compute_recall_curve(
            query_scores_path=snakemake.input.query_scores,
            curve_path=snakemake.output.curve,
            depth=snakemake.params.search["n_neighbours"],
            bootstrap_samples=snakemake.params.recall["bootstrap_samples"],
            seed=snakemake.params.recall["seed"],
            metadata=dict(snakemake.wildcards.items()),
        )
