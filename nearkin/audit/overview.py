"""What became of the delivered rows, by category, and where the captions come from."""

import polars as pl

from nearkin.tables.categories import clean_category, sort_categories
from nearkin.vocabulary import ALL, NONE

MAX_CATEGORIES = 12
OTHERS = "others"


def list_categories(images):
    """The category of each image (uuid, category), cleaned, lazily, and their names in order.

    Beyond MOST_CATEGORIES the smaller ones go as `others`: a page has room for so many columns.
    """
    first = images.filter(row=0).select("uuid", clean_category(pl.col("category")))
    counts = first.group_by("category").len().collect().sort("len", "category", descending=[True, False])
    names = counts["category"].to_list()
    if len(names) <= MAX_CATEGORIES:
        return first, sort_categories(names)
    shown = [name for name in names if name != OTHERS][: MAX_CATEGORIES - 1]
    folded = pl.when(pl.col("category").is_in(shown)).then("category").otherwise(pl.lit(OTHERS))
    return first.with_columns(category=folded), [*sort_categories(shown), OTHERS]


def count_outcomes(images, labels, *, quarantine, curation_log, categories, names):
    """What became of the delivered rows: a dict per category, in the order of `names`, and one of all.

    A dict has category, delivered = kept + merged + aside, and kept = untouched + mended. An
    image counts as mended when its name, file or caption was repaired or filled.
    """
    changed = curation_log.filter(pl.col("action").is_in(["repaired", "filled"]))
    parts = {
        "delivered": images,
        "kept": labels,
        "mended": labels.join(changed, on="uuid", how="semi"),
        "merged": curation_log.filter(action="merged"),
        "aside": quarantine,
    }
    counted = count_by_category(parts, categories=categories, names=names)
    return [row | {"untouched": row["kept"] - row["mended"]} for row in counted]


def count_caption_sources(captions, *, categories, names):
    """Where the captions come from: a dict per source, frequent ones first, with n and its categories."""
    found = captions.select("uuid", "caption_source").join(categories, on="uuid")
    counts = found.group_by("caption_source", "category").len("n").collect()
    rows = [
        {"source": source, "n": part["n"].sum(), "by_category": align_to_categories(part, names)}
        for (source,), part in counts.group_by("caption_source")
    ]
    return sorted(rows, key=lambda row: (-row["n"], row["source"]))


def count_by_category(parts, *, categories, names):
    """A dict per category, and one of all, with the number of rows of each of the named lazy tables."""
    counts = [
        rows.select("uuid").join(categories, on="uuid").group_by("category").len("n")
        for rows in parts.values()
    ]
    columns = [align_to_categories(counted, names) for counted in pl.collect_all(counts)]
    rows = [dict(zip(parts, values, strict=True)) for values in zip(*columns, strict=True)]
    whole = dict(zip(parts, map(sum, columns), strict=True))
    return append_total(names, rows, whole)


def append_total(names: list[str], rows: list[dict], whole: dict) -> list[dict]:
    """The rows of the named categories, then that of all; that of all alone where no image has a category."""
    found = [{"category": name} | row for name, row in zip([*names, ALL], [*rows, whole], strict=True)]
    return found[-1:] if names == [NONE] else found


def align_to_categories(counts, names):
    """The numbers of a table (category, n) in the order of `names`; 0 where a category is not in it."""
    found = dict(counts.group_by("category").agg(pl.col("n").sum()).iter_rows())
    return [found.get(name, 0) for name in names]
