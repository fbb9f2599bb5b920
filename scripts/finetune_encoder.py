"""An encoder trained by margin softmax, its epoch chosen by retrieval on the validation split."""

import dataclasses
from collections.abc import Mapping, Sequence

import torch

from nearkin.encoders.encoder import load_encoder, save_encoder
from nearkin.finetune.checkpoint import finalise_checkpoint
from nearkin.finetune.data import make_datasets
from nearkin.finetune.malloc import tune_malloc
from nearkin.finetune.recipe import Recipe
from nearkin.finetune.train import train
from nearkin.images.pixel_cache import open_sources
from nearkin.images.source import ImageSource
from nearkin.runtime.logs import setup_logging
from nearkin.runtime.named_paths import NamedPaths
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.storage.reuse import earlier_path
from nearkin.tables.categories import label_expr
from nearkin.tables.clusters import Clusters
from nearkin.tables.labels import Labels
from nearkin.tables.splits import Splits
from nearkin.tables.training import Training


def finetune_encoder(
    base: NamedPaths,
    labels_path: str,
    clusters_path: str | None,
    splits_path: str,
    sources: Sequence[ImageSource],
    tuned: NamedPaths,
    *,
    recipe: Recipe,
    code: str,
    encoder_threads: int,
    metadata: Mapping[str, str],
) -> None:
    """`base` and `tuned` have `weights` and `description`, `tuned` also `training` and `state`: paths.

    `clusters_path` is empty unless images are taught as clusters. `sources` are those of the
    pixels, as `open_sources` gives them.
    """
    torch.set_num_threads(encoder_threads)
    if clusters_path:
        classes = tables.read(clusters_path, Clusters, ["uuid", "cluster"]).rename({"cluster": "label"})
    else:
        named = tables.read(labels_path, Labels, ["uuid", recipe["labels"]])
        classes = named.select("uuid", label=label_expr(recipe["labels"]))
    species = tables.read(labels_path, Labels, ["uuid", "species"]).rename({"species": "label"})
    splits = tables.read(splits_path, Splits, columns=["uuid", "split", "group_id"])
    examples = make_datasets(
        classes, species, splits, sources, share=recipe["train_fraction"], seed=recipe["seed"]
    )
    encoder = load_encoder(base.weights, base.description)
    unfinished = earlier_path(tuned.state)
    outcome = train(encoder, examples, recipe=recipe, state_path=unfinished, code=code)
    description = dataclasses.replace(
        encoder.description,
        weights="finetuned",
        projection=encoder.tower.projection is not None,
        parameters=sum(parameter.numel() for parameter in encoder.tower.parameters()),
        source=f"{encoder.description.source}, fine-tuned ({recipe['trainable']}) by margin softmax",
        base=encoder.fingerprint,
        recipe=recipe,
        best_epoch=outcome.best_epoch,
    )
    tables.write(outcome.table, tuned.training, Training, **metadata)
    save_encoder(encoder.tower, description, tuned.weights, tuned.description)
    finalise_checkpoint(tuned.state, outcome.key, outcome.last)
    unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    tune_malloc()
    with trace_inputs(snakemake.input):
        sources = open_sources(
            snakemake.input.pixels,
            snakemake.input.inspection,
            preprocessing=snakemake.params.preprocessing,
            n_threads=snakemake.threads,
        )
        finetune_encoder(
            base=snakemake.input,
            labels_path=snakemake.input.labels,
            clusters_path=snakemake.input.clusters,
            splits_path=snakemake.input.splits,
            sources=sources,
            tuned=snakemake.output,
            recipe=snakemake.params.recipe,
            code=snakemake.params.code,
            encoder_threads=snakemake.params.encoder_threads,
            metadata=dict(snakemake.wildcards.items()),
        )
