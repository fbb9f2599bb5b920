"""What is on the contact sheets of a comparison: queries of selected species under both models."""

import polars as pl

from nearkin.evaluation.confusions import select_errors
from nearkin.gallery import examples
from nearkin.tables.gallery import ContactSheetEntries
from nearkin.vocabulary import ALL

PROTOCOL = "leave_one_out"

SUBJECTS_PER_SHEET = {"best": 4, "worst": 4, "most_improved": 4, "most_worsened": 4, "confusions": 6}
"""Species on a sheet; of confusions, pairs of species."""

QUERIES_PER_SUBJECT = {"best": 3, "worst": 3, "most_improved": 3, "most_worsened": 3, "confusions": 2}
"""Queries of each of them."""

SUBJECT = ["sheet", "position"]
SCHEMA = {name: column.dtype for name, column in ContactSheetEntries.columns().items()}


def select_entries(
    differences: pl.DataFrame,
    confusions: pl.DataFrame,
    *,
    base: pl.LazyFrame,
    trained: pl.LazyFrame,
    labels: pl.LazyFrame,
) -> pl.DataFrame:
    """The `ContactSheetEntries` of a comparison.

    `confusions` are those of the trained model; `base` and `trained` are the neighbours of both. Only
    ranked species are on a sheet, equal ones by name. Queries that are correct under one model only
    come first, then the others; both by uuid.
    """
    subjects = pl.concat(
        [_select_species(differences), _select_confusions(confusions)], how="diagonal_relaxed"
    )
    queries = labels.join(subjects.lazy().select("category", "species").unique(), on=["category", "species"])
    queries = queries.select("category", "species", query="uuid", protocol=pl.lit(PROTOCOL)).collect()
    models = {"base": base, "trained": trained}
    shown = pl.concat(
        examples.neighbours_of(neighbours, queries, labels).with_columns(model=pl.lit(name))
        for name, neighbours in models.items()
    )
    rows = shown.join(_select_queries(shown, subjects), on=["query", "category", "species"])
    return rows.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def _select_species(differences: pl.DataFrame) -> pl.DataFrame:
    """The species of the first four sheets: (SUBJECT, category, species, n, base, trained)."""
    ranked = differences.filter(
        pl.col("label") != ALL,
        pl.col("enough_queries"),
        protocol=PROTOCOL,
        level="species",
        metric="recall",
        k=1,
    )
    points = pl.col("diff_pp")
    orders = {
        "best": (ranked, "trained", True),
        "worst": (ranked, "trained", False),
        "most_improved": (ranked.filter(points > 0), "diff_pp", True),
        "most_worsened": (ranked.filter(points < 0), "diff_pp", False),
    }
    parts = []
    for sheet, (species, column, descending) in orders.items():
        first = species.sort(column, "label", "category", descending=[descending, False, False])
        parts.append(_add_positions(first, sheet).rename({"label": "species", "n_queries": "n"}))
    return pl.concat(parts).select(*SUBJECT, "category", "species", "n", "base", "trained")


def _select_confusions(confusions: pl.DataFrame) -> pl.DataFrame:
    """The most frequent confusions: (SUBJECT, category, species, predicted, n)."""
    by = ["n", "species", "predicted", "category", "predicted_category"]
    wrong = select_errors(confusions, level="species").filter(protocol=PROTOCOL).rename({"label": "species"})
    ranked = wrong.sort(by, descending=[True, False, False, False, False])
    return _add_positions(ranked, "confusions").select(*SUBJECT, "category", "species", "predicted", "n")


def _add_positions(subjects: pl.DataFrame, sheet: str) -> pl.DataFrame:
    """The first of the sorted `subjects`, as many as the sheet holds, with SUBJECT."""
    position = pl.int_range(1, pl.len() + 1, dtype=pl.Int32)
    return subjects.head(SUBJECTS_PER_SHEET[sheet]).with_columns(sheet=pl.lit(sheet), position=position)


def _select_queries(shown: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    """The queries on the sheets: `subjects` with the uuid of each query."""
    first = shown.filter(rank=1)
    queries = first.group_by("query", "category", "species").agg(
        changed=pl.col("correct").n_unique() > 1,
        neighbour_label=pl.col("neighbour_label").filter(model="trained").first(),
    )
    rows = subjects.join(queries, on=["category", "species"])
    rows = rows.filter(pl.col("predicted").is_null() | (pl.col("predicted") == pl.col("neighbour_label")))
    rows = rows.sort(*SUBJECT, pl.col("changed").not_(), "query")
    limit = pl.col("sheet").replace_strict(QUERIES_PER_SUBJECT)
    return rows.filter(pl.int_range(pl.len()).over(SUBJECT) < limit).drop("changed", "neighbour_label")
