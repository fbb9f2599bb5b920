"""Captions made from names, for images without a usable one."""

import string
from collections.abc import Mapping, Sequence

import polars as pl

FIELDS = ("common_name", "species", "genus", "family", "category")
"""Columns of Labels that a template may name in braces."""


def fill_templates(labels: pl.DataFrame, templates: Sequence[str]) -> pl.DataFrame:
    """`caption` and `caption_source` of each label, in its order, from one of the templates.

    The uuid chooses among the templates whose fields the image has. `caption_source`
    counts them from 1; it is `template:0`, the genus alone, where none fits. The category
    is written in lower case. Raises ValueError for a template with anything else in braces.
    """
    parsed = [_parse_template(template) for template in templates]
    values = {field: _non_blank_expr(field) for field in FIELDS}
    values["category"] = values["category"].str.to_lowercase()
    fitting = [pl.all_horizontal(pl.lit(True), *(values[f].is_not_null() for _, f in p if f)) for p in parsed]
    n_fitting = pl.sum_horizontal(pl.lit(0), *fitting)
    choice = pl.col("uuid").str.slice(-8).str.to_integer(base=16) % n_fitting
    numbers, sentences = [], []
    for number, (pieces, fits) in enumerate(zip(parsed, fitting, strict=True), 1):
        before = pl.sum_horizontal(pl.lit(0), *fitting[: number - 1])
        chosen = pl.when(fits & (before == choice))
        numbers.append(chosen.then(pl.lit(f"template:{number}")))
        sentences.append(chosen.then(_build_sentence(pieces, values)))
    genus_only = pl.format("A photo of {}.", "genus")
    return labels.select(
        caption=pl.coalesce(*sentences, genus_only),
        caption_source=pl.coalesce(*numbers, pl.lit("template:0")),
    )


def _non_blank_expr(field: str) -> pl.Expr:
    return pl.when(pl.col(field).str.strip_chars() != "").then(pl.col(field))


def _build_sentence(pieces: Sequence[tuple[str, str | None]], values: Mapping[str, pl.Expr]) -> pl.Expr:
    texts = [
        text for words, field in pieces for text in (pl.lit(words), values[field] if field else pl.lit(""))
    ]
    return pl.concat_str(texts)


def _parse_template(template: str) -> list[tuple[str, str | None]]:
    """Pairs of literal text and the field after it, which may be None."""
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"captions.templates: {template!r}: {error}") from error
    for _, field, spec, conversion in pieces:
        if field is not None and (field not in FIELDS or spec or conversion):
            raise ValueError(
                f"captions.templates: {template!r} has {{{field}}}; allowed are {', '.join(FIELDS)}"
            )
    return [(words, field) for words, field, _, _ in pieces]
