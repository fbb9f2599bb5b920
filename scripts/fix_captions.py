"""The caption dataset, whole, and every repair of labels and captions."""

import polars as pl

from nearkin import captions
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.images import Images
from nearkin.tables.labels import Captions, Gaps, Labels


def fix_captions(images_path, labels_path, repairs_path, captions_path, gaps_path, *, templates, dataset):
    images = io.read(images_path, Images)
    labels = io.read(labels_path, Labels)
    whole, gaps = captions.completed(labels, images, templates=templates)
    io.write(whole, captions_path, Captions, dataset=dataset)
    io.write(pl.concat([io.read(repairs_path, Gaps), gaps]), gaps_path, Gaps, dataset=dataset)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    fix_captions(
        images_path=snakemake.input.images,
        labels_path=snakemake.input.labels,
        repairs_path=snakemake.input.repairs,
        captions_path=snakemake.output.captions,
        gaps_path=snakemake.output.gaps,
        templates=snakemake.params.templates,
        dataset=snakemake.wildcards.dataset,
    )
