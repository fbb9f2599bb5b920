"""How the kept images are distributed over species, and over the splits."""

from collections.abc import Sequence
from typing import TypedDict

import polars as pl

from nearkin.audit.overview import align_to_categories, append_total

MIN_IMAGES = 5
"""A species with fewer images is called small."""

MAX_SHOWN_SPECIES = 30


class NonRandomSplits(TypedDict):
    """Images whose split was not assigned at random, for one reason.

    `species` are the first MAX_SHOWN_SPECIES by name; `rows` (reason, path, split, evidence) as many, by
    uuid, of those with evidence.
    """

    reason: str
    n_images: int
    n_species: int
    species: list[str]
    rows: list[dict[str, str]]


def count_images_per_species(labels: pl.LazyFrame, categories: pl.LazyFrame) -> pl.DataFrame:
    """The number of images of each species: a table (category, species, n), large ones first."""
    named = labels.drop_nulls("species").select("uuid", "species").join(categories, on="uuid")
    counts = named.group_by("category", "species").len("n").collect()
    return counts.sort("category", "n", "species", descending=[False, True, False])


def summarise_by_category(counts: pl.DataFrame, names: list[str]) -> list[dict[str, object]]:
    """A dict per category, and one of all: n_species, smallest, median, largest, n_single, n_small."""
    rows = [_summarise_counts(counts.filter(category=name)) for name in names]
    return append_total(names, rows, _summarise_counts(counts))


def _summarise_counts(counts: pl.DataFrame) -> dict[str, object]:
    return {
        "n_species": len(counts),
        "smallest": counts["n"].min(),
        "median": counts["n"].median(),
        "largest": counts["n"].max(),
        "n_single": (counts["n"] == 1).sum(),
        "n_small": (counts["n"] < MIN_IMAGES).sum(),
    }


def select_extremes(counts: pl.DataFrame) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The largest and the smallest species: two lists of (category, species, n), MAX_SHOWN_SPECIES long."""
    largest = counts.sort("n", "species", "category", descending=[True, False, False]).head(MAX_SHOWN_SPECIES)
    smallest = counts.sort("n", "species", "category").head(MAX_SHOWN_SPECIES)
    return largest.to_dicts(), smallest.to_dicts()


def split_counts(
    splits: pl.LazyFrame, *, categories: pl.LazyFrame, names: list[str], order: Sequence[str]
) -> list[dict[str, object]]:
    """Images by category and split: a dict per category, and one of all, with n per split under `splits`."""
    joined = splits.select("uuid", "split").join(categories, on="uuid")
    counts = joined.group_by("split", "category").len("n").collect()
    columns = {split: align_to_categories(counts.filter(split=split), names) for split in order}
    rows = [{split: column[i] for split, column in columns.items()} for i in range(len(names))]
    whole = {split: sum(column) for split, column in columns.items()}
    return append_total(names, [{"splits": row} for row in rows], {"splits": whole})


def not_random(splits: pl.LazyFrame, labels: pl.LazyFrame) -> list[NonRandomSplits]:
    """Images whose split was not assigned at random, by reason."""
    images = splits.drop_nulls("reason").join(labels.select("uuid", "path", "species"), on="uuid", how="left")
    species = pl.col("species").drop_nulls().unique().sort()
    by_reason = images.group_by("reason").agg(
        n_images=pl.len(), n_species=species.len(), species=species.head(MAX_SHOWN_SPECIES)
    )
    with_evidence = images.drop_nulls("evidence").sort("uuid").group_by("reason", maintain_order=True)
    shown = with_evidence.head(MAX_SHOWN_SPECIES).select("reason", "path", "split", "evidence")
    counts, rows = pl.collect_all([by_reason, shown])
    return [
        NonRandomSplits(**row, rows=rows.filter(reason=row["reason"]).to_dicts())
        for row in counts.sort("reason").iter_rows(named=True)
    ]
