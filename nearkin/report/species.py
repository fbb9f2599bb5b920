"""The species table of the page: every species with its queries, models and differences."""

from collections.abc import Mapping
from typing import Any, TypedDict

import polars as pl

from nearkin.vocabulary import ALL, PROTOCOLS

MAX_SPECIES = 3000
"""Rows beyond this would make the page slow; they are in the tables that it names."""

PROTOCOL_NAMES = {"leave_one_out": "leave one out", "unseen_species": "unseen species"}
KEY = ["protocol", "category", "species"]


class SpeciesRow(TypedDict):
    """A species under one protocol: species recall@1 over all its queries.

    `recalls` are in the order of the models, `changes` in that of the pairs: rows of `Differences`. None
    stands for a model that gave no answer, and for training images that are not known.
    """

    protocol: str
    category: str
    species: str
    n_train: int | None
    n_queries: int
    recalls: list[float | None]
    changes: list[dict[str, Any] | None]


def make_species_table(
    recalls: Mapping[str, pl.DataFrame], differences: Mapping[tuple[str, str], pl.DataFrame]
) -> tuple[list[SpeciesRow], int]:
    """Rows of the species table, at most MAX_SPECIES, and how many there are in all.

    `recalls` maps models, and `differences` pairs of models, to their tables. There are no rows of
    `train_gallery`, whose queries are those of leave_one_out.
    """
    metrics = pl.concat(_select_recalls(recall, model) for model, recall in recalls.items())
    counts = metrics.group_by(KEY).agg(pl.col("n_queries").max())
    counts = counts.sort(pl.col("protocol").cast(pl.Enum(PROTOCOLS)), "category", "species")
    values = {tuple(key): value for *key, value in metrics.select(*KEY, "model", "value").iter_rows()}
    changes, n_train = {}, {}
    for pair, frame in differences.items():
        for row in _select_changes(frame).to_dicts():
            key = tuple(row[name] for name in KEY)
            changes[*key, pair] = row
            n_train[key] = row["n_train"]
    rows: list[SpeciesRow] = []
    for protocol, category, species, n_queries in counts.head(MAX_SPECIES).iter_rows():
        key = protocol, category, species
        rows.append(
            {
                "protocol": PROTOCOL_NAMES[protocol],
                "category": category,
                "species": species,
                "n_train": n_train.get(key),
                "n_queries": n_queries,
                "recalls": [values.get((*key, model)) for model in recalls],
                "changes": [changes.get((*key, pair)) for pair in differences],
            }
        )
    return rows, len(counts)


def _select_recalls(recall: pl.DataFrame, model: str) -> pl.DataFrame:
    chosen = recall.filter(
        pl.col("protocol").is_in(list(PROTOCOL_NAMES)),
        level="species",
        metric="recall",
        average="per_label",
        query_subset="all",
        k=1,
    )
    return chosen.select("protocol", "category", "value", "n_queries", species="label", model=pl.lit(model))


def _select_changes(differences: pl.DataFrame) -> pl.DataFrame:
    chosen = differences.filter(
        pl.col("protocol").is_in(list(PROTOCOL_NAMES)),
        pl.col("label") != ALL,
        level="species",
        metric="recall",
        k=1,
    )
    return chosen.select(
        "protocol",
        "category",
        "diff_pp",
        "ci_low",
        "ci_high",
        "enough_queries",
        "n_train",
        species="label",
    )
