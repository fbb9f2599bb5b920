"""An encoder trained by margin softmax, its epoch chosen by retrieval on the validation split."""

import dataclasses

import torch

from nearkin.encoders.encoder import load_encoder, save_encoder
from nearkin.finetune.checkpoint import finish_state
from nearkin.finetune.data import examples_of
from nearkin.finetune.malloc import keep_buffers
from nearkin.finetune.recipe import read_recipe
from nearkin.finetune.train import train
from nearkin.images.pixel_cache import open_pixels
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import traced
from nearkin.storage.reuse import earlier_path
from nearkin.tables.categories import label_at
from nearkin.tables.clusters import Clusters
from nearkin.tables.labels import Labels
from nearkin.tables.splits import Splits
from nearkin.tables.training import Training


def finetune_encoder(
    base, labels_path, clusters_path, splits_path, sources, tuned, *, recipe, arithmetic_threads, stamps
):
    """`base` and `tuned` have `weights` and `description`, `tuned` also `training` and `state`: paths.

    `clusters_path` is empty unless images are taught as clusters. `sources` are those of the
    pixels, as `open_pixels` gives them.
    """
    torch.set_num_threads(arithmetic_threads)
    recipe = read_recipe(recipe)
    if clusters_path:
        classes = tables.read(clusters_path, Clusters, ["uuid", "cluster"]).rename({"cluster": "label"})
    else:
        named = tables.read(labels_path, Labels, ["uuid", recipe.labels])
        classes = named.select("uuid", label=label_at(recipe.labels))
    species = tables.read(labels_path, Labels, ["uuid", "species"]).rename({"species": "label"})
    splits = tables.read(splits_path, Splits, columns=["uuid", "split", "group_id"])
    examples = examples_of(classes, species, splits, sources, share=recipe.share, seed=recipe.seed)
    encoder = load_encoder(base.weights, base.description)
    unfinished = earlier_path(tuned.state)
    outcome = train(encoder, examples, recipe=recipe, state_path=unfinished)
    description = dataclasses.replace(
        encoder.description,
        weights="finetuned",
        projection=encoder.tower.projection is not None,
        parameters=sum(parameter.numel() for parameter in encoder.tower.parameters()),
        source=f"{encoder.description.source}, fine-tuned ({recipe.trainable}) by margin softmax",
        base=encoder.fingerprint,
        recipe=dataclasses.asdict(recipe),
        kept=outcome.kept,
    )
    tables.write(outcome.table, tuned.training, Training, **stamps)
    save_encoder(encoder.tower, description, tuned.weights, tuned.description)
    finish_state(tuned.state, outcome.key, outcome.last)
    unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    keep_buffers()
    with traced(snakemake.input):
        sources = open_pixels(
            snakemake.input.pixels,
            snakemake.input.inspection,
            seen=snakemake.params.seen,
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
            arithmetic_threads=snakemake.params.arithmetic_threads,
            stamps=dict(snakemake.wildcards.items()),
        )
