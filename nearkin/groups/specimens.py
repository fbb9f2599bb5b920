"""Which images show the same specimen, according to the delivery and to file names."""

import logging
import re
from collections.abc import Sequence

import polars as pl

logger = logging.getLogger(__name__)


def find_specimens(images: pl.DataFrame, delivered: pl.DataFrame, expressions: Sequence[str]) -> pl.DataFrame:
    """The specimens that images show: `at` and `value`, one row per image and source of the specimen.

    `images` has uuid and path, and `at` is the number of its row. Images of several categories may show one
    specimen. `delivered` has uuid and specimen. Each of `expressions` has one group in brackets;
    what that captures from a file name is the specimen. They are Rust's regular expressions, whose time
    is linear even for hostile names. Blank values do not count. Raises ValueError for a bad expression.
    """
    images = images.select("uuid", at=pl.int_range(pl.len()), name=pl.col("path").str.extract("([^/]*)$"))
    with_specimen = images.join(delivered.select("uuid", value="specimen").unique(), on="uuid")
    parts = [_add_source(with_specimen, "delivered")]
    for number, expression in enumerate(expressions):
        _check_expression(expression)
        matches = images.with_columns(value=pl.col("name").str.extract(expression, 1))
        parts.append(_add_source(matches, f"name {number}"))
        logger.info("%d file names match %s", len(parts[-1]), expression)
    return pl.concat(parts)


def _add_source(table: pl.DataFrame, source: str) -> pl.DataFrame:
    """The rows with a value, which then begins with its source."""
    table = table.with_columns(pl.col("value").str.strip_chars()).filter(pl.col("value") != "")
    return table.select("at", value=pl.concat_str(pl.lit(source), "value", separator="\n"))


def _check_expression(expression: str) -> None:
    try:
        pl.Series([""]).str.extract(expression, 1)
    except pl.exceptions.ComputeError as error:
        raise ValueError(
            f"groups.specimen: {expression!r} cannot be used: {error}; there is no look-around and no "
            "back-reference"
        ) from error
    n_groups = re.compile(expression).groups
    if n_groups != 1:
        raise ValueError(f"groups.specimen: {expression!r} has {n_groups} groups in brackets, not one")
