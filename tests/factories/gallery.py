"""Neighbours and thumbnails for a synthetic study, and the tables of the gallery."""

import io

import numpy as np
import polars as pl
from PIL import Image

from nearkin.evaluation import confusions
from nearkin.gallery import examples
from nearkin.search import protocols
from nearkin.vocabulary import PROTOCOL_SPLITS

SKILL = {"untrained": 0.1, "lite0": 0.55, "lite0_unicom": 0.65}


def neighbours(labels, splits, *, skill, n=5, seed=1):
    """A `Neighbours` table: with probability `skill`, a neighbour has the query's species."""
    rng = np.random.default_rng(seed)
    labelled_splits = splits.join(labels.select("uuid", "category", "species"), on="uuid")
    parts = []
    for protocol in PROTOCOL_SPLITS:
        queries, gallery = protocols.select_queries_and_gallery(labelled_splits, protocol)
        all_uuids, by_species = gallery["uuid"].to_list(), gallery.group_by("category", "species").agg("uuid")
        uuids_by_species = {tuple(key): uuids for *key, uuids in by_species.iter_rows()}
        for uuid, *key in queries.select("uuid", "category", "species").iter_rows():
            same_species = [
                candidate for candidate in uuids_by_species.get(tuple(key), []) if candidate != uuid
            ]
            selected = []
            while len(selected) < min(n, len(all_uuids) - 1):
                candidates = same_species if same_species and rng.random() < skill else all_uuids
                candidate = candidates[rng.integers(len(candidates))]
                if candidate != uuid and candidate not in selected:
                    selected.append(candidate)
                same_species = [other for other in same_species if other != candidate]
            similarities = np.sort(rng.uniform(0.3, 1, len(selected)))[::-1]
            parts += [(protocol, uuid, i + 1, selected[i], similarities[i]) for i in range(len(selected))]
    columns = ["protocol", "query", "rank", "neighbour", "similarity"]
    return pl.DataFrame(parts, columns, orient="row").with_columns(pl.col("rank").cast(pl.Int32))


def thumbnails(labels):
    """A `Thumbnails` table with one of sixteen pictures for each image."""
    pictures = [_jpeg(seed) for seed in range(16)]
    return labels.select(
        "uuid",
        sha256=pl.lit("0" * 64),
        jpeg=pl.Series([pictures[i % 16] for i in range(len(labels))], dtype=pl.Binary),
        width=pl.lit(96, dtype=pl.Int32),
        height=pl.lit(72, dtype=pl.Int32),
    )


def shown(study, models):
    """The report's inputs from a study of `results.study`: examples, confusions, labels, thumbnails."""
    labels = study["labels"].lazy()
    neighbours_by_model = {
        model: neighbours(study["labels"], study["splits"], skill=SKILL[model], seed=seed).lazy()
        for seed, model in enumerate(models)
    }
    return {
        "examples": {
            model: examples.neighbours_of(frame, examples.select_queries(frame, labels), labels)
            for model, frame in neighbours_by_model.items()
        },
        "confusions": {
            model: count_all_confusions(frame, study["labels"])
            for model, frame in neighbours_by_model.items()
        },
        "labels": labels,
        "thumbnails": thumbnails(study["labels"]).lazy(),
    }


def count_all_confusions(neighbours, labels):
    """The `Confusions` of lazy `Neighbours`."""
    return confusions.count_confusions(neighbours.filter(rank=1).collect(), labels)


def _jpeg(seed):
    """A JPEG with about as many bytes as the thumbnail of a real photo."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (18, 24, 3), dtype=np.uint8))
    file = io.BytesIO()
    small.resize((96, 72), Image.Resampling.BICUBIC).save(file, format="JPEG", quality=70, optimize=True)
    return file.getvalue()
