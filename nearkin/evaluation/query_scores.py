"""The scores of queries: what each found of its own label, level by level."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import polars as pl

from nearkin.evaluation import metrics
from nearkin.search.protocols import select_queries_and_gallery
from nearkin.tables.categories import label_expr
from nearkin.vocabulary import LEVELS

logger = logging.getLogger(__name__)


EVERYONE = "everyone code"
"""The code column of a label that all images share."""
STALE = "they are of other splits or embeddings; remove the neighbours table and rerun"


def list_levels(labels: pl.DataFrame) -> list[str]:
    """The levels at which any image has a label, coarse to fine."""
    counts = labels.select(label_expr(level).count() for level in LEVELS)
    return [level for level in LEVELS if counts[level].item() > 0]


def score_queries(
    neighbours: Iterable[pl.DataFrame],
    labels: pl.DataFrame,
    splits: pl.DataFrame,
    *,
    protocols: Collection[str],
    exclude_same_group: bool,
    ks: Sequence[int],
    depth: int,
    only: pl.Series | None = None,
) -> pl.DataFrame:
    """The scores of every query, as a `QueryScores` table.

    `neighbours` gives `Neighbours` tables of whole queries, one after the other, so that they
    need not be in memory together; `depth` is how many each query could have. `protocols` names
    the protocols, `only` the queries that were searched for, if these are not all.
    A neighbour is relevant at a level if its label there is the query's; genus and
    species only count within one category, since zoology and botany share genus names. An
    image without a label at a level is no query there and is never relevant. Raises ValueError
    if there is no query, and if `neighbours` are of other queries or another gallery than the splits say.
    """
    images = splits.join(labels.select("uuid", *LEVELS), on="uuid", how="left", validate="1:1")
    levels = list_levels(labels)
    images = images.with_columns(*map(_code_expr, levels), pl.lit(0).alias(EVERYONE))
    searches = {name: select_queries_and_gallery(images, name) for name in protocols}
    if only is not None:
        is_query = pl.col("uuid").is_in(only.implode())
        searches = {
            name: (queries.filter(is_query), gallery) for name, (queries, gallery) in searches.items()
        }
    scores = {
        name: {level: _make_blank(*searches[name], level, name, exclude_same_group, ks) for level in levels}
        for name in protocols
        if len(searches[name][0])
    }
    if not scores:
        raise ValueError("no test images: no protocol has a query (see split of the dataset in the config)")
    n_found = {name: np.zeros(len(searches[name][0]), dtype=np.int64) for name in scores}
    for batch in neighbours:
        for name, by_level in scores.items():
            block = batch.filter(protocol=name)
            n_found[name] += _score_block(block, *searches[name], by_level, ks=ks, depth=depth)
    for name, counts in n_found.items():
        visible = count_relevant(
            *searches[name],
            EVERYONE,
            exclude_same_group=exclude_same_group,
            is_in_gallery=name != "train_gallery",
        )
        _check_complete(counts, visible.clip(max=depth), searches[name][0]["uuid"], name)
    parts = [
        _make_table(searches[name][0], level_scores, name, level, exclude_same_group)
        for name, by_level in scores.items()
        for level, level_scores in by_level.items()
    ]
    logger.info("%d rows, one for each query and level", sum(map(len, parts)))
    return pl.concat(parts)


def _name_code(level: str) -> str:
    return f"{level} code"


def _code_expr(level: str) -> pl.Expr:
    """Integers from 1 that are equal where the names are relevant to each other; 0 without a name.

    Images without a category share a code, too; `_make_table` leaves out queries without a label.
    """
    key = ["category", level] if level in ("genus", "species") else [level]
    name = pl.concat_str(
        [pl.col(column).str.len_bytes().cast(pl.String) + ":" + pl.col(column) for column in key]
    )
    return name.rank("dense").cast(pl.Int32).fill_null(0).alias(_name_code(level))


def _make_blank(
    queries: pl.DataFrame,
    gallery: pl.DataFrame,
    level: str,
    protocol: str,
    exclude_same_group: bool,
    ks: Sequence[int],
) -> dict[str, np.ndarray]:
    """The scores of queries that find nothing, with their `n_relevant`; a dict of arrays."""
    n_relevant = count_relevant(
        queries,
        gallery,
        _name_code(level),
        exclude_same_group=exclude_same_group,
        is_in_gallery=protocol != "train_gallery",
    )
    nothing = np.zeros((len(queries), 0), dtype=bool)
    return metrics.query_metrics(nothing, np.zeros_like(n_relevant), ks=ks) | {"n_relevant": n_relevant}


def count_relevant(
    queries: pl.DataFrame, gallery: pl.DataFrame, code: str, *, exclude_same_group: bool, is_in_gallery: bool
) -> np.ndarray:
    """How many gallery images each query could find: those of its label, less the hidden.

    A query that could find none is unreachable. `is_in_gallery` says whether a query is in its own
    gallery, where it is hidden.
    """
    everyone = gallery.group_by(code).agg(everyone=pl.len().cast(pl.Int64))
    counts = queries.select(code, "group_id").join(everyone, on=code, how="left", maintain_order="left")
    if exclude_same_group:
        own = gallery.group_by(code, "group_id").agg(own=pl.len().cast(pl.Int64))
        counts = counts.join(own, on=[code, "group_id"], how="left", maintain_order="left")
    else:
        counts = counts.with_columns(own=pl.lit(int(is_in_gallery), dtype=pl.Int64))
    return (counts["everyone"].fill_null(0) - counts["own"].fill_null(0)).to_numpy().copy()


def _check_complete(n_found: np.ndarray, n_expected: np.ndarray, queries: pl.Series, protocol: str) -> None:
    """Raises ValueError unless each query has as many neighbours as its gallery and the depth allow."""
    wrong = np.flatnonzero(n_found != n_expected)
    if len(wrong):
        first = wrong[0]
        raise ValueError(
            f"neighbours of {protocol}: {len(wrong)} of {len(queries)} queries have more or fewer than the "
            f"splits allow, the first is {queries[int(first)]} with {n_found[first]}, not "
            f"{n_expected[first]}: {STALE}"
        )


def _score_block(
    neighbours: pl.DataFrame,
    queries: pl.DataFrame,
    gallery: pl.DataFrame,
    scores: Mapping[str, Mapping[str, np.ndarray]],
    *,
    ks: Sequence[int],
    depth: int,
) -> np.ndarray:
    """How many of `neighbours` each query has; the scores of those queries are written into `scores`."""
    if neighbours.is_empty():
        return np.zeros(len(queries), dtype=np.int64)
    strangers = [
        *neighbours.join(queries, left_on="query", right_on="uuid", how="anti")["query"],
        *neighbours.join(gallery, left_on="neighbour", right_on="uuid", how="anti")["neighbour"],
    ]
    if strangers:
        raise ValueError(
            f"neighbours of {neighbours['protocol'][0]}: image {strangers[0]} has no part in it by the "
            f"splits: {STALE}"
        )
    index = gallery.select(pl.col("uuid").alias("neighbour"), pl.int_range(pl.len()).alias("row"))
    found = neighbours.select("neighbour").join(index, on="neighbour", how="left", maintain_order="left")
    rows = queries["uuid"].search_sorted(neighbours["query"].unique(maintain_order=True)).to_numpy()
    query = neighbours["query"].rle_id().to_numpy()
    is_relevant = np.zeros((len(rows), depth), dtype=bool)
    for level, arrays in scores.items():
        own, others = (images[_name_code(level)].to_numpy() for images in (queries, gallery))
        same = own[rows[query]] == others[found["row"].to_numpy()]
        is_relevant[query, neighbours["rank"].to_numpy() - 1] = same & (own[rows[query]] > 0)
        for name, values in metrics.query_metrics(is_relevant, arrays["n_relevant"][rows], ks=ks).items():
            arrays[name][rows] = values
    return np.bincount(rows[query], minlength=len(queries))


def _make_table(
    queries: pl.DataFrame,
    scores: Mapping[str, np.ndarray],
    protocol: str,
    level: str,
    exclude_same_group: bool,
) -> pl.DataFrame:
    first = pl.Series(scores["first_relevant_rank"])
    return queries.select(
        protocol=pl.lit(protocol),
        level=pl.lit(level),
        uuid="uuid",
        category="category",
        label=label_expr(level),
        group_id="group_id",
        n_relevant=pl.Series(scores["n_relevant"]),
        first_relevant_rank=first.set(first == 0, None),
        n_relevant_at_k=pl.Series(scores["n_relevant_at_k"]).arr.to_list(),
        r_precision=pl.Series(scores["r_precision"]).fill_nan(None),
        average_precision=pl.Series(scores["average_precision"]).fill_nan(None),
        same_group_excluded=pl.lit(exclude_same_group),
    ).filter(pl.col("label").is_not_null())
