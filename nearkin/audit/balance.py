"""How the kept images are spread over species, and over the sides of the split."""

import polars as pl

from nearkin.audit.overview import align_to_categories, append_total

MIN_IMAGES = 5
"""A species with fewer images is called small."""

MAX_SHOWN_SPECIES = 30


def count_images_per_species(labels, categories):
    """The number of images of each species: a table (category, species, n), large ones first."""
    found = labels.drop_nulls("species").select("uuid", "species").join(categories, on="uuid")
    counts = found.group_by("category", "species").len("n").collect()
    return counts.sort("category", "n", "species", descending=[False, True, False])


def summarise_by_category(counts, names):
    """A dict per category, and one of all: n_species, smallest, median, largest, n_single, n_small."""
    rows = [_summarise_counts(counts.filter(category=name)) for name in names]
    return append_total(names, rows, _summarise_counts(counts))


def _summarise_counts(counts: pl.DataFrame) -> dict:
    return {
        "n_species": len(counts),
        "smallest": counts["n"].min(),
        "median": counts["n"].median(),
        "largest": counts["n"].max(),
        "n_single": (counts["n"] == 1).sum(),
        "n_small": (counts["n"] < MIN_IMAGES).sum(),
    }


def extremes(counts):
    """The largest and the smallest species: two lists of (category, species, n), MAX_SHOWN_SPECIES long."""
    largest = counts.sort("n", "species", "category", descending=[True, False, False]).head(MAX_SHOWN_SPECIES)
    smallest = counts.sort("n", "species", "category").head(MAX_SHOWN_SPECIES)
    return largest.to_dicts(), smallest.to_dicts()


def split_counts(splits, *, categories, names, order):
    """Images by category and side of the split: a dict per category, and one of all, with n per side."""
    found = splits.select("uuid", "split").join(categories, on="uuid").group_by("split", "category").len("n")
    found = found.collect()
    columns = {side: align_to_categories(found.filter(split=side), names) for side in order}
    rows = [{side: column[i] for side, column in columns.items()} for i in range(len(names))]
    whole = {side: sum(column) for side, column in columns.items()}
    return append_total(names, [{"sides": row} for row in rows], {"sides": whole})


def not_random(splits, labels):
    """Images that did not go by the lot: a dict per reason with n_images, n_species, species and rows.

    `species` are the first MAX_SHOWN_SPECIES by name; `rows` (path, split, evidence) as many, by uuid, of
    those with evidence.
    """
    found = splits.drop_nulls("reason").join(labels.select("uuid", "path", "species"), on="uuid", how="left")
    species = pl.col("species").drop_nulls().unique().sort()
    counts = found.group_by("reason").agg(
        n_images=pl.len(), n_species=species.len(), species=species.head(MAX_SHOWN_SPECIES)
    )
    said = (
        found.drop_nulls("evidence")
        .sort("uuid")
        .group_by("reason", maintain_order=True)
        .head(MAX_SHOWN_SPECIES)
    )
    counts, said = pl.collect_all([counts, said.select("reason", "path", "split", "evidence")])
    return [
        row | {"rows": said.filter(reason=row["reason"]).to_dicts()}
        for row in counts.sort("reason").iter_rows(named=True)
    ]
