"""What became of the delivered rows, by category, and where the captions come from."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import polars as pl

from nearkin.tables.categories import clean_category, sort_categories
from nearkin.vocabulary import ALL, NONE

MAX_CATEGORIES = 12
OTHERS = "others"


class CaptionSource(TypedDict):
    """A source of captions, with the number of its images."""

    source: str
    n: int
    by_category: list[int]


def list_categories(images: pl.LazyFrame) -> tuple[pl.LazyFrame, list[str]]:
    """The category of each image (uuid, category), cleaned, lazily, and their names in order.

    Beyond MAX_CATEGORIES, the columns that fit on a page, the smaller ones become `others`.
    """
    first = images.filter(row_index=0).select("uuid", clean_category(pl.col("category")))
    counts = first.group_by("category").len().collect().sort("len", "category", descending=[True, False])
    names = counts["category"].to_list()
    if len(names) <= MAX_CATEGORIES:
        return first, sort_categories(names)
    shown = [name for name in names if name != OTHERS][: MAX_CATEGORIES - 1]
    folded = pl.when(pl.col("category").is_in(shown)).then("category").otherwise(pl.lit(OTHERS))
    return first.with_columns(category=folded), [*sort_categories(shown), OTHERS]


def count_outcomes(
    images: pl.LazyFrame,
    labels: pl.LazyFrame,
    *,
    quarantine: pl.LazyFrame,
    curation_log: pl.LazyFrame,
    categories: pl.LazyFrame,
    names: list[str],
) -> list[dict[str, object]]:
    """What became of the delivered rows: a dict per category, in the order of `names`, and one of all.

    A dict has category, delivered = kept + merged + quarantined, and kept = untouched + repaired
    (name, file or caption repaired or filled).
    """
    changed = curation_log.filter(pl.col("action").is_in(["repaired", "filled"]))
    parts = {
        "delivered": images,
        "kept": labels,
        "untouched": labels.join(changed, on="uuid", how="anti"),
        "repaired": labels.join(changed, on="uuid", how="semi"),
        "merged": curation_log.filter(action="merged"),
        "quarantined": quarantine,
    }
    return count_by_category(parts, categories=categories, names=names)


def count_caption_sources(
    captions: pl.LazyFrame, *, categories: pl.LazyFrame, names: list[str]
) -> list[CaptionSource]:
    """The sources of the captions, frequent ones first."""
    joined = captions.select("uuid", "caption_source").join(categories, on="uuid")
    counts = joined.group_by("caption_source", "category").len("n").collect()
    rows: list[CaptionSource] = [
        {"source": source, "n": sum(part["n"]), "by_category": align_to_categories(part, names)}
        for (source,), part in counts.group_by("caption_source")
    ]
    return sorted(rows, key=lambda row: (-row["n"], row["source"]))


def count_by_category(
    parts: Mapping[str, pl.LazyFrame], *, categories: pl.LazyFrame, names: list[str]
) -> list[dict[str, object]]:
    """A dict per category, and one of all, with the number of rows of each part."""
    counts = [
        rows.select("uuid").join(categories, on="uuid").group_by("category").len("n")
        for rows in parts.values()
    ]
    columns = [align_to_categories(count, names) for count in pl.collect_all(counts)]
    rows = [dict(zip(parts, values, strict=True)) for values in zip(*columns, strict=True)]
    whole = dict(zip(parts, map(sum, columns), strict=True))
    return append_total(names, rows, whole)


def append_total(
    names: list[str], rows: Sequence[Mapping[str, object]], whole: Mapping[str, object]
) -> list[dict[str, object]]:
    """The rows of the named categories, then that of all; that of all alone where no image has a category."""
    named = [{"category": name, **row} for name, row in zip([*names, ALL], [*rows, whole], strict=True)]
    return named[-1:] if names == [NONE] else named


def align_to_categories(counts: pl.DataFrame, names: Sequence[str]) -> list[int]:
    """The numbers of a table (category, n) in the order of `names`; 0 where a category is not in it."""
    n_by_category = dict(counts.group_by("category").agg(pl.col("n").sum()).iter_rows())
    return [n_by_category.get(name, 0) for name in names]
