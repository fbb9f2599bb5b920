"""A base and a trained model on the same queries: differences with their certainty, query by query too."""

from collections.abc import Mapping, Sequence

from nearkin.comparison import paired
from nearkin.comparison.flips import compare_top1
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.labels import Labels
from nearkin.tables.neighbours import Neighbours
from nearkin.tables.scores import Differences, Flips, QueryScores
from nearkin.tables.splits import Splits


def compare_models(
    base_path: str,
    trained_path: str,
    *,
    neighbours_paths: Sequence[str],
    labels_path: str,
    splits_path: str,
    differences_path: str,
    flips_path: str,
    ks: Sequence[int],
    min_queries: int,
    bootstrap_samples: int,
    seed: int,
    metadata: Mapping[str, str],
) -> None:
    """`neighbours_paths` are those of the base and of the trained model."""
    labels, splits = tables.read(labels_path, Labels), tables.read(splits_path, Splits)
    hits = [tables.read(path, QueryScores) for path in (base_path, trained_path)]
    differences = paired.compare_models(
        *hits,
        n_train=paired.count_training_images(labels, splits),
        ks=ks,
        min_queries=min_queries,
        bootstrap_samples=bootstrap_samples,
        seed=seed,
    )
    tables.write(differences, differences_path, Differences, **metadata)
    nearest = [tables.scan([path], Neighbours).filter(rank=1).collect() for path in neighbours_paths]
    tables.write(compare_top1(hits, nearest), flips_path, Flips, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        compare_models(
            base_path=snakemake.input.base,
            trained_path=snakemake.input.trained,
            neighbours_paths=[snakemake.input.base_neighbours, snakemake.input.trained_neighbours],
            labels_path=snakemake.input.labels,
            splits_path=snakemake.input.splits,
            differences_path=snakemake.output.differences,
            flips_path=snakemake.output.flips,
            min_queries=snakemake.params.min_queries,
            **snakemake.params.recall,
            metadata=dict(snakemake.wildcards.items()),
        )
