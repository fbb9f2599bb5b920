"""Captions made from names, for images that have no other."""

import string

import polars as pl

FIELDS = ("common_name", "species", "genus", "family", "category")
"""What a template may hold in braces: columns of Labels."""


def fill_templates(labels, templates):
    """`caption` and `caption_source` of each label, in its order, from one of the templates.

    The uuid decides which one, among those whose fields the image has. `caption_source`
    counts them from 1; it is `template:0`, the genus alone, where none fits. The category
    is written in small letters. Raises ValueError for a template with anything else in braces.
    """
    parts = [_parts(template) for template in templates]
    values = {field: _present(field) for field in FIELDS} | {
        "category": _present("category").str.to_lowercase()
    }
    fitting = [pl.all_horizontal(pl.lit(True), *(values[f].is_not_null() for _, f in p if f)) for p in parts]
    n_fitting = pl.sum_horizontal(pl.lit(0), *fitting)
    lot = pl.col("uuid").str.slice(-8).str.to_integer(base=16) % n_fitting
    numbers, sentences = [], []
    for number, (pieces, fits) in enumerate(zip(parts, fitting, strict=True), 1):
        before = pl.sum_horizontal(pl.lit(0), *fitting[: number - 1])
        chosen = pl.when(fits & (before == lot))
        numbers.append(chosen.then(pl.lit(f"template:{number}")))
        sentences.append(chosen.then(_sentence(pieces, values)))
    of_genus = pl.format("A photo of {}.", "genus")
    return labels.select(
        caption=pl.coalesce(*sentences, of_genus), caption_source=pl.coalesce(*numbers, pl.lit("template:0"))
    )


def _present(field):
    return pl.when(pl.col(field).str.strip_chars() != "").then(pl.col(field))


def _sentence(pieces, values):
    texts = [
        text for words, field in pieces for text in (pl.lit(words), values[field] if field else pl.lit(""))
    ]
    return pl.concat_str(texts)


def _parts(template):
    """The template as pairs of words and the field behind them, which may be None."""
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
