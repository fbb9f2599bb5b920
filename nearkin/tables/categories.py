"""Categories, the coarse groups that a dataset gives its images: their cleaning, order and titles."""

from collections.abc import Iterable

import polars as pl

from nearkin.vocabulary import ALL, CATEGORY_ORDER, NONE

INVISIBLE = "[\u200b\u200e\u200f\ufeff\0]"
"""Characters without width and direction marks, which are never intended."""


def clean_category(category: pl.Expr) -> pl.Expr:
    """A category in Unicode form NFC without stray white space and invisible characters; NONE for null.

    >>> raw = pl.Series(["Fish ", " Sea\\u00a0\\u00a0fish", "Fishe\\u0301", " ", None])
    >>> pl.select(clean_category(pl.lit(raw))).to_series().to_list()
    ['Fish', 'Sea fish', 'Fish\u00e9', '', '']
    """
    plain = category.str.normalize("NFC").str.replace_all(INVISIBLE, "").str.replace_all(r"\s+", " ")
    return plain.str.strip_chars().fill_null(NONE)


def distinct_categories(categories: pl.Series) -> list[str]:
    """The categories of some images, sorted, NONE among them; nothing if no image has a category.

    >>> distinct_categories(pl.Series(["Fish", "", "Bird"])), distinct_categories(pl.Series(["", ""]))
    (['', 'Bird', 'Fish'], [])
    """
    distinct = categories.unique().sort().to_list()
    return [] if distinct == [NONE] else distinct


def label_expr(level: str) -> pl.Expr:
    """The label of the images of a `Labels` table at a level; null without a name there, or a category."""
    return pl.when(pl.col(level) != NONE).then(level)


def genus_expr(column: str) -> pl.Expr:
    """The first word of a species name."""
    return pl.col(column).str.split(" ").list.first()


def category_title(category: str) -> str:
    """A category as figures and pages print it.

    >>> category_title("Fish"), category_title("")
    ('Fish', 'no category')
    """
    return category or "no category"


def category_titles(categories: list[str]) -> dict[str, str]:
    """Titles of the parts of a page by category; if no image has a category, of the single part for all.

    >>> category_titles(["Fish", ""]), category_titles([""])
    ({'Fish': 'Fish', '': 'no category'}, {'': 'all'})
    """
    return {NONE: ALL} if categories == [NONE] else {name: category_title(name) for name in categories}


def sort_categories(categories: Iterable[str]) -> list[str]:
    """Categories in the reference study's order, then others by name, then NONE; each once.

    >>> sort_categories(["", "Moss", "Fish", "Bird"])
    ['Bird', 'Fish', 'Moss', '']
    """
    names = set(categories)
    others = sorted(names - {*CATEGORY_ORDER, NONE})
    return [name for name in (*CATEGORY_ORDER, *others, NONE) if name in names]
