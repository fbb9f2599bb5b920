"""Neighbours and small pictures for a made-up study, and what is shown of them."""

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
    """A `Neighbours` table: with the chance `skill`, a neighbour is of the query's species."""
    rng = np.random.default_rng(seed)
    named = splits.join(labels.select("uuid", "category", "species"), on="uuid")
    parts = []
    for protocol in PROTOCOL_SPLITS:
        queries, gallery = protocols.select_queries_and_gallery(named, protocol)
        everyone, by_species = gallery["uuid"].to_list(), gallery.group_by("category", "species").agg("uuid")
        kin = {tuple(key): uuids for *key, uuids in by_species.iter_rows()}
        for uuid, *key in queries.select("uuid", "category", "species").iter_rows():
            own = [one for one in kin.get(tuple(key), []) if one != uuid]
            found = []
            while len(found) < min(n, len(everyone) - 1):
                among = own if own and rng.random() < skill else everyone
                one = among[rng.integers(len(among))]
                if one != uuid and one not in found:
                    found.append(one)
                own = [other for other in own if other != one]
            close = np.sort(rng.uniform(0.3, 1, len(found)))[::-1]
            parts += [(protocol, uuid, i + 1, found[i], close[i]) for i in range(len(found))]
    names = ["protocol", "query", "rank", "neighbour", "similarity"]
    return pl.DataFrame(parts, names, orient="row").with_columns(pl.col("rank").cast(pl.Int32))


def thumbnails(labels):
    """A `Thumbnails` table with a picture of every image, one of sixteen."""
    pictures = [_jpeg(seed) for seed in range(16)]
    return labels.select(
        "uuid",
        sha256=pl.lit("0" * 64),
        jpeg=pl.Series([pictures[i % 16] for i in range(len(labels))], dtype=pl.Binary),
        width=pl.lit(96, dtype=pl.Int32),
        height=pl.lit(72, dtype=pl.Int32),
    )


def shown(made, models):
    """What the report takes of a study of `finished.study`: examples, confusions, labels, thumbnails."""
    labels = made["labels"].lazy()
    found = {
        model: neighbours(made["labels"], made["splits"], skill=SKILL[model], seed=seed).lazy()
        for seed, model in enumerate(models)
    }
    return {
        "examples": {
            model: examples.neighbours_of(frame, examples.select_queries(frame, labels), labels)
            for model, frame in found.items()
        },
        "confusions": {model: count_all_confusions(frame, made["labels"]) for model, frame in found.items()},
        "labels": labels,
        "thumbnails": thumbnails(made["labels"]).lazy(),
    }


def count_all_confusions(neighbours, labels):
    """The `Confusions` of lazy `Neighbours`."""
    return confusions.count_confusions(neighbours.filter(rank=1).collect(), labels)


def _jpeg(seed):
    """A picture of about as many bytes as that of a real photo."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (18, 24, 3), dtype=np.uint8))
    file = io.BytesIO()
    small.resize((96, 72), Image.Resampling.BICUBIC).save(file, format="JPEG", quality=70, optimize=True)
    return file.getvalue()
