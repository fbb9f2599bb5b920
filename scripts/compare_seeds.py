"""Every model side by side, those that differ only in their seed told as one."""

from nearkin.comparison.seeds import summarise_seeds
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import traced
from nearkin.tables.scores import Hits
from nearkin.tables.seeds import Variants


def compare_seeds(hits_paths, variants_path, *, models, bases, ks, resamples, seed, dataset):
    """`hits_paths` maps models to their hits."""
    hits = {model: tables.read(path, Hits) for model, path in hits_paths.items()}
    table = summarise_seeds(hits, models, bases=bases, ks=ks, resamples=resamples, seed=seed)
    tables.write(table, variants_path, Variants, dataset=dataset)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with traced(snakemake.input):
        compare_seeds(
            hits_paths=dict(zip(snakemake.params.hits_of, snakemake.input.hits, strict=True)),
            variants_path=snakemake.output.variants,
            models=snakemake.params.models,
            bases=snakemake.params.bases,
            ks=snakemake.params.ks,
            resamples=snakemake.params.resamples,
            seed=snakemake.params.seed,
            dataset=snakemake.wildcards.dataset,
        )
