"""A base and a trained model on the same queries: differences with their certainty."""

from nearkin import comparison
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.labels import Labels
from nearkin.tables.scores import Differences, Hits
from nearkin.tables.splits import Splits


def compare_models(
    base_path,
    trained_path,
    labels_path,
    splits_path,
    differences_path,
    *,
    ks,
    min_queries,
    resamples,
    seed,
    stamps,
):
    labels, splits = io.read(labels_path, Labels), io.read(splits_path, Splits)
    differences = comparison.compare(
        io.read(base_path, Hits),
        io.read(trained_path, Hits),
        n_train=comparison.training_counts(labels, splits),
        ks=ks,
        min_queries=min_queries,
        resamples=resamples,
        seed=seed,
    )
    io.write(differences, differences_path, Differences, **stamps)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    compare_models(
        base_path=snakemake.input.base,
        trained_path=snakemake.input.trained,
        labels_path=snakemake.input.labels,
        splits_path=snakemake.input.splits,
        differences_path=snakemake.output.differences,
        ks=snakemake.params.ks,
        min_queries=snakemake.params.min_queries,
        resamples=snakemake.params.resamples,
        seed=snakemake.params.seed,
        stamps=dict(snakemake.wildcards.items()),
    )
