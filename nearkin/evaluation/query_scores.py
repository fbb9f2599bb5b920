"""The hits of queries: what each found of its own label, level by level."""

import logging

import numpy as np
import polars as pl

from nearkin.evaluation import metrics
from nearkin.search import protocols
from nearkin.tables.categories import label_expr
from nearkin.vocabulary import LEVELS

logger = logging.getLogger(__name__)


EVERYONE = "everyone code"
"""A label that all images share."""
STALE = "they are of other splits or embeddings; remove the neighbours table and rerun"


def levels_of(labels):
    """The levels at which any image has a label, coarse to fine."""
    said = labels.select(label_expr(level).count() for level in LEVELS)
    return [level for level in LEVELS if said[level].item() > 0]


def score_queries(
    neighbours, labels, splits, *, wanted, exclude_same_group, ks, depth, only: pl.Series | None = None
):
    """The scores of every query, as a `QueryScores` table.

    `neighbours` gives `Neighbours` tables of whole queries, one after the other, so that they
    need not be in memory together; `depth` is how many each query could have. `wanted` names
    the protocols, `only` the queries that were searched for, if these are not all.
    A neighbour is right at a level if its label there is the query's; genus and
    species only count within one category, for zoology and botany share genus names. An
    image without a label at a level does not query there and is never right. Raises ValueError
    where nobody queries, and if `neighbours` are of other queries or another gallery than the splits say.
    """
    named = splits.join(labels.select("uuid", *LEVELS), on="uuid", how="left", validate="1:1")
    levels = levels_of(labels)
    coded = named.with_columns(*(_coded(named, level) for level in levels), pl.lit(0).alias(EVERYONE))
    sides = {name: protocols.queries_and_gallery(coded, name) for name in wanted}
    if only is not None:
        asked = pl.col("uuid").is_in(only.implode())
        sides = {name: (queries.filter(asked), gallery) for name, (queries, gallery) in sides.items()}
    blanks = {
        name: {level: _unanswered(*sides[name], level, name, exclude_same_group, ks) for level in levels}
        for name in wanted
        if len(sides[name][0])
    }
    if not blanks:
        raise ValueError("no test images: no protocol has a query (see split of the dataset in the config)")
    n_found = {name: np.zeros(len(sides[name][0]), dtype=np.int64) for name in blanks}
    for block in neighbours:
        for name, answers in blanks.items():
            found = block.filter(protocol=name)
            n_found[name] += _answer(found, *sides[name], answers, ks=ks, depth=depth)
    for name, counts in n_found.items():
        itself = name != "train_gallery"
        visible = _n_relevant(*sides[name], EVERYONE, exclude_same_group=exclude_same_group, itself=itself)
        _check_complete(counts, visible.clip(max=depth), sides[name][0]["uuid"], name)
    parts = [
        _table(sides[name][0], answer, name, level, exclude_same_group)
        for name, answers in blanks.items()
        for level, answer in answers.items()
    ]
    logger.info("%d rows, one for each query and level", sum(map(len, parts)))
    return pl.concat(parts)


def _code(level):
    return f"{level} code"


def _coded(named, level):
    """Integers from 1 that are equal where the names are relevant to each other; 0 without a name.

    Images without a category share a code, too; `_table` leaves out queries without a label.
    """
    key = ["category", level] if level in ("genus", "species") else [level]
    name = pl.concat_str([pl.col(one).str.len_bytes().cast(pl.String) + ":" + pl.col(one) for one in key])
    return name.rank("dense").cast(pl.Int32).fill_null(0).alias(_code(level))


def _unanswered(queries, gallery, level, protocol, exclude_same_group, ks):
    """The scores of queries that find nobody, with their `n_relevant`; a dict of arrays."""
    counted = _n_relevant(
        queries,
        gallery,
        _code(level),
        exclude_same_group=exclude_same_group,
        itself=protocol != "train_gallery",
    )
    nothing = np.zeros((len(queries), 0), dtype=bool)
    return metrics.query_metrics(nothing, np.zeros_like(counted), ks=ks) | {"n_relevant": counted}


def _n_relevant(queries, gallery, code, *, exclude_same_group, itself):
    """How many gallery images each query could find: those of its label, less the hidden."""
    everyone = gallery.group_by(code).agg(everyone=pl.len().cast(pl.Int64))
    counted = queries.select(code, "group_id").join(everyone, on=code, how="left", maintain_order="left")
    if exclude_same_group:
        own = gallery.group_by(code, "group_id").agg(own=pl.len().cast(pl.Int64))
        counted = counted.join(own, on=[code, "group_id"], how="left", maintain_order="left")
    else:
        counted = counted.with_columns(own=pl.lit(int(itself), dtype=pl.Int64))
    return (counted["everyone"].fill_null(0) - counted["own"].fill_null(0)).to_numpy().copy()


def _check_complete(n_found: np.ndarray, n_expected: np.ndarray, queries: pl.Series, protocol: str) -> None:
    """Raises ValueError if a query has not as many neighbours as its gallery, or the depth, allows."""
    wrong = np.flatnonzero(n_found != n_expected)
    if len(wrong):
        first = wrong[0]
        raise ValueError(
            f"neighbours of {protocol}: {len(wrong)} of {len(queries)} queries have more or fewer than the "
            f"splits allow, the first is {queries[int(first)]} with {n_found[first]}, not "
            f"{n_expected[first]}: {STALE}"
        )


def _answer(
    found: pl.DataFrame,
    queries: pl.DataFrame,
    gallery: pl.DataFrame,
    answers: dict[str, dict[str, np.ndarray]],
    *,
    ks: list[int],
    depth: int,
) -> np.ndarray:
    """Write the scores of the queries in `found` into `answers`, in their place; how many each found."""
    if found.is_empty():
        return np.zeros(len(queries), dtype=np.int64)
    strangers = [
        *found.join(queries, on="uuid", how="anti")["uuid"],
        *found.join(gallery, left_on="neighbour", right_on="uuid", how="anti")["neighbour"],
    ]
    if strangers:
        raise ValueError(
            f"neighbours of {found['protocol'][0]}: image {strangers[0]} has no part in it by the splits: "
            f"{STALE}"
        )
    place = gallery.select(pl.col("uuid").alias("neighbour"), pl.int_range(pl.len()).alias("place"))
    asked = found.select("neighbour").join(place, on="neighbour", how="left", maintain_order="left")["place"]
    asking = found["uuid"].unique(maintain_order=True)
    rows = queries["uuid"].search_sorted(asking).to_numpy()
    query = found["uuid"].rle_id().to_numpy()
    right = np.zeros((len(rows), depth), dtype=bool)
    for level, answer in answers.items():
        own, others = (side[_code(level)].to_numpy() for side in (queries, gallery))
        same = own[rows[query]] == others[asked.to_numpy()]
        right[query, found["rank"].to_numpy() - 1] = same & (own[rows[query]] > 0)
        for name, values in metrics.query_metrics(right, answer["n_relevant"][rows], ks=ks).items():
            answer[name][rows] = values
    return np.bincount(rows[query], minlength=len(queries))


def _table(queries, answer, protocol, level, exclude_same_group):
    first = pl.Series(answer["first_relevant_rank"])
    return queries.select(
        protocol=pl.lit(protocol),
        level=pl.lit(level),
        uuid="uuid",
        category="category",
        label=label_expr(level),
        group_id="group_id",
        n_relevant=pl.Series(answer["n_relevant"]),
        first_relevant_rank=first.set(first == 0, None),
        n_relevant_at_k=pl.Series(answer["n_relevant_at_k"]).arr.to_list(),
        r_precision=pl.Series(answer["r_precision"]).fill_nan(None),
        average_precision=pl.Series(answer["average_precision"]).fill_nan(None),
        same_group_excluded=pl.lit(exclude_same_group),
    ).filter(pl.col("label").is_not_null())
