"""Which images show the same specimen, by what the delivery says and by file names."""

import logging
import re

import polars as pl

logger = logging.getLogger(__name__)


def specimens(images, delivered, expressions):
    """The specimens that images show: a row per image and way of knowing it, `at` and `value`.

    `images` has uuid and path, and `at` numbers its rows. A specimen is one whatever the categories of
    its images. `delivered` has uuid and specimen. Each of `expressions` has one group in brackets;
    what that captures from a file name is the specimen. They are Rust's regular expressions, which
    take no longer on hostile names. Blank values count as none. Raises ValueError for a bad one.
    """
    images = images.select("uuid", at=pl.int_range(pl.len()), name=pl.col("path").str.extract("([^/]*)$"))
    known = images.join(delivered.select("uuid", value="specimen").unique(), on="uuid")
    found = [_named(known, "delivered")]
    for number, expression in enumerate(expressions):
        _check(expression)
        found.append(
            _named(images.with_columns(value=pl.col("name").str.extract(expression, 1)), f"name {number}")
        )
        logger.info("%d file names match %s", len(found[-1]), expression)
    return pl.concat(found)


def _named(table, way):
    """The rows with a value, which then says how it is known, too."""
    table = table.with_columns(pl.col("value").str.strip_chars()).filter(pl.col("value") != "")
    return table.select("at", value=pl.concat_str(pl.lit(way), "value", separator="\n"))


def _check(expression):
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
