"""Species whose recall changed beyond chance, marked alike in all figures of a comparison."""

import polars as pl

from nearkin.figures import theme
from nearkin.vocabulary import ALL

MAX_P_VALUE = 0.05
MARK_STYLES = {0: ("o", theme.GREY), 1: ("^", theme.COLOURS[0]), -1: ("v", theme.COLOURS[1])}
"""Marker and colour by direction, in drawing order."""


def add_significance(differences: pl.DataFrame, *, protocol: str, k: int) -> pl.DataFrame:
    """The compared species, by name, with their `direction`: 1 improved, -1 worsened, 0 not beyond chance.

    Beyond chance is a Holm-adjusted p under 0.05, among species with enough queries.
    """
    chosen = differences.filter(level="species", metric="recall", protocol=protocol, k=k)
    is_significant = (pl.col("p_holm") < MAX_P_VALUE).fill_null(False)
    direction = pl.when(is_significant).then(pl.col("diff_pp").sign()).otherwise(0).cast(pl.Int8)
    return chosen.filter(pl.col("label") != ALL).with_columns(direction=direction).sort("category", "label")


def abbreviate_species(label: str) -> str:
    """A species name as it is printed: where it is too long, its genus is a letter, then its middle is cut.

    >>> abbreviate_species("Parus major"), abbreviate_species("Pseudopontia paradoxoides")
    ('Parus major', 'P. paradoxoides')
    >>> abbreviate_species("Aa " + 9 * "longer" + "most")
    'A. longerlo…rlongermost'
    """
    label = " ".join(label.split())
    if len(label) > theme.MAX_NAME_CHARS and " " in label:
        label = f"{label[0]}. {label.split(' ', 1)[1]}"
    half = theme.MAX_NAME_CHARS // 2
    return label if len(label) <= theme.MAX_NAME_CHARS else f"{label[:half]}…{label[-half:]}"


def empty_comparison_error(base: str, trained: str, protocol: str, k: int) -> ValueError:
    """The error for a comparison without species to draw."""
    return ValueError(
        f"no species of {base} and {trained} to compare at k = {k} for protocol {protocol!r}: "
        "has the test split any images?"
    )
