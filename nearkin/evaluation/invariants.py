"""What must hold in the finished tables of every study.

Each check takes tables and raises CheckError, which names the first image or number that is wrong.
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from nearkin.vocabulary import ALL, EXCLUDED, LABEL, MAIN_LEVELS, NONE

MIXED = "made by several versions of: "


class CheckError(ValueError):
    """An invariant that does not hold."""


def format_checks(versions: Mapping[str, list[str]]) -> str:
    """The text of `checks.passed`: that all is well, and the versions of each library that made the study.

    >>> print(format_checks({"numpy": ["2.4.6"], "torch": ["2.14.1", "2.15.0"]}))
    all invariants hold
    made by several versions of: torch 2.14.1 and 2.15.0
    numpy 2.4.6
    torch 2.14.1 and 2.15.0
    <BLANKLINE>
    """
    words = {name: f"{name} {' and '.join(each)}" for name, each in versions.items()}
    mixed = ", ".join(words[name] for name, each in versions.items() if len(each) > 1)
    lines = ["all invariants hold", *([MIXED + mixed] if mixed else []), *words.values()]
    return "".join(f"{line}\n" for line in lines)


def parse_mixed_versions(text: str) -> str:
    """The libraries of which several versions made a study, in words, from the `text` of `passed`."""
    return next((line.removeprefix(MIXED) for line in text.splitlines() if line.startswith(MIXED)), "")


def check_rows_accounted_for(
    images: pl.DataFrame, labels: pl.DataFrame, quarantine: pl.DataFrame, curation_log: pl.DataFrame
) -> None:
    """Rows delivered = rows kept + rows quarantined + repeated rows merged."""
    merged = curation_log.filter(action="merged")
    n_rows = len(labels) + len(quarantine) + len(merged)
    if n_rows != len(images):
        raise CheckError(
            f"{len(images)} rows delivered, but {len(labels)} kept + {len(quarantine)} quarantined "
            f"+ {len(merged)} merged = {n_rows}"
        )
    missing = images.join(labels, on="uuid", how="anti").join(quarantine, on="uuid", how="anti")
    _check_empty(missing, "rows lost")
    _check_empty(labels.join(quarantine, on="uuid"), "images both kept and quarantined")


def check_captions(labels: pl.DataFrame, captions: pl.DataFrame) -> None:
    """Every kept image has exactly one caption, and its names are those of the labels."""
    names = labels.columns
    missing = labels.join(captions, on=names, how="anti", nulls_equal=True)
    _check_empty(missing, "kept images without a caption")
    extra = captions.join(labels, on=names, how="anti", nulls_equal=True)
    _check_empty(extra, "captions without a kept image")


def check_no_leakage(
    images: pl.DataFrame,
    labels: pl.DataFrame,
    groups: pl.DataFrame,
    splits: pl.DataFrame,
    inspection: pl.DataFrame,
) -> None:
    """Nothing that belongs together spans splits, and held-out species are in no other split."""
    check_no_group_leakage(splits, inspection)
    check_specimens(splits, images)
    check_cut_groups_excluded(splits, groups)
    check_held_out_species(splits, labels)


def check_no_group_leakage(splits: pl.DataFrame, inspection: pl.DataFrame) -> None:
    """No group and no file content is in more than one split; excluded images are in none."""
    assigned = splits.filter(pl.col("split") != EXCLUDED)
    _check_single_split(assigned, "group_id")
    _check_single_split(assigned.join(inspection.select("uuid", "sha256"), on="uuid"), "sha256")


def check_specimens(splits: pl.DataFrame, images: pl.DataFrame) -> None:
    """No specimen, as the source delivers it in `images`, is in more than one split."""
    assigned = splits.filter(pl.col("split") != EXCLUDED)
    delivered = images.select("uuid", pl.col("specimen").str.strip_chars()).filter(pl.col("specimen") != "")
    remedy = "an earlier or delivered split has them so: correct their specimen, or leave out split.previous "
    remedy += "and split.use_source_split"
    _check_single_split(assigned.join(delivered.unique(), on="uuid"), "specimen", remedy)


def check_cut_groups_excluded(splits: pl.DataFrame, groups: pl.DataFrame) -> None:
    """A group of `groups` spans splits only if the images that connect its parts are excluded."""
    images = splits.select("uuid", "split").join(groups.select("uuid", "group_id"), on="uuid")
    cut = images.filter(split=EXCLUDED).select("group_id").unique()
    _check_single_split(images.join(cut, on="group_id", how="anti"), "group_id")


def check_held_out_species(splits: pl.DataFrame, labels: pl.DataFrame) -> None:
    """No species of the split `unseen_species` has an image in another split."""
    names = labels.select("uuid", "category", "species").drop_nulls("species")
    assigned = splits.filter(pl.col("split") != EXCLUDED).join(names, on="uuid")
    held_out = assigned.filter(split="unseen_species").select("category", "species").unique()
    seen = assigned.filter(pl.col("split") != "unseen_species").join(
        held_out, on=["category", "species"], how="semi"
    )
    _check_empty(seen.sort("uuid"), "images in another split although their species is held out")


def _check_single_split(table: pl.DataFrame, key: str, remedy: str = "") -> None:
    counts = table.group_by(key).agg(n_splits=pl.col("split").n_unique())
    leaking = table.join(counts.filter(pl.col("n_splits") > 1), on=key).sort(key, "uuid")
    if len(leaking):
        first = leaking.filter(pl.col(key) == leaking[key][0])
        images = first.unique("split", keep="first", maintain_order=True).select("uuid", "split").iter_rows()
        raise CheckError(
            f"{leaking[key].n_unique()} {key} in more than one split, the first {first[key][0]}: "
            + ", ".join(f"{uuid} in {split}" for uuid, split in images)
            + (f"; {remedy}" if remedy else "")
        )


def check_unit_norm(embeddings: pl.DataFrame, path: str | Path) -> None:
    """Every embedding is finite and of unit length, within 1e-3."""
    length = np.linalg.norm(embeddings["emb"].to_numpy().astype(np.float64), axis=1)
    is_wrong = pl.Series(~(abs(length - 1) < 1e-3))
    _check_empty(
        embeddings.select("uuid").filter(is_wrong), f"embeddings in {path} that are not of unit length"
    )


def check_neighbour_order(
    neighbours: pl.DataFrame, splits: pl.DataFrame, *, exclude_same_group: bool
) -> None:
    """Ranks 1, 2, ... without holes, similarities never rising, equal ones by uuid.

    No query finds itself nor, with `exclude_same_group`, an image of its own group.
    """
    queries = neighbours.sort("protocol", "query", "rank")
    same = (pl.col("query") == pl.col("query").shift()) & (pl.col("protocol") == pl.col("protocol").shift())
    if_same_query = pl.when(same.fill_null(False))
    expected = if_same_query.then(pl.col("rank").shift() + 1).otherwise(1)
    _check_empty(queries.filter(pl.col("rank") != expected), "neighbours with a hole in their ranks")
    rises = pl.col("similarity") > pl.col("similarity").shift()
    swapped = (pl.col("similarity") == pl.col("similarity").shift()) & (
        pl.col("neighbour") <= pl.col("neighbour").shift()
    )
    unordered = queries.filter(if_same_query.then(rises | swapped).otherwise(False))
    _check_empty(unordered, "neighbours out of order")
    _check_empty(queries.filter(pl.col("query") == pl.col("neighbour")), "queries that find themselves")
    if exclude_same_group:
        group = splits.select("uuid", "group_id")
        pairs = queries.join(group, left_on="query", right_on="uuid").join(
            group, left_on="neighbour", right_on="uuid", suffix="_neighbour"
        )
        same_group = pairs.filter(pl.col("group_id") == pl.col("group_id_neighbour"))
        _check_empty(same_group, "queries that find an image of their own group")


def check_hits_nested(hits: pl.DataFrame) -> None:
    """A hit at species is a hit at genus is a hit at category, where the query has one."""
    for coarse, fine in pairwise(MAIN_LEVELS):
        queries = hits.filter(pl.col("category") != NONE) if coarse == "category" else hits
        both = queries.filter(level=fine).join(
            hits.filter(level=coarse), on=["protocol", "uuid"], how="left", suffix="_coarse"
        )
        is_later = pl.col("first_relevant_rank_coarse").is_null() | (
            pl.col("first_relevant_rank_coarse") > pl.col("first_relevant_rank")
        )
        _check_empty(
            both.filter(pl.col("first_relevant_rank").is_not_null() & is_later),
            f"hits at {fine} but not at {coarse}",
        )


def check_recall_monotone(recall: pl.DataFrame) -> None:
    """Recall never falls with k."""
    key = ["protocol", "level", "metric", "average", "query_subset", *LABEL]
    recall = recall.filter(pl.col("metric").is_in(["recall", "genus_mean_of_species"]))
    ordered = recall.sort(*key, "k").with_columns(
        falls=(pl.col("value") - pl.col("value").shift()).over(key) < -1e-12
    )
    _check_empty(ordered.filter("falls"), "recalls that fall with k")


def check_recall_recomputed(recall: pl.DataFrame, hits: pl.DataFrame) -> None:
    """The overall recalls equal the means of the hits."""
    overall = recall.filter(
        pl.col("category") == ALL,
        pl.col("label") == ALL,
        average="micro",
        query_subset="all",
        metric="recall",
    )
    for protocol, level, k, value in overall.select("protocol", "level", "k", "value").iter_rows():
        queries = hits.filter(protocol=protocol, level=level)
        mean = (queries["first_relevant_rank"] <= k).fill_null(False).mean()
        if not isinstance(mean, float) or abs(mean - value) > 1e-12:
            raise CheckError(f"recall@{k} of {protocol}, {level} is {value}, but its hits say {mean}")


def _check_empty(rows: pl.DataFrame, problem: str) -> None:
    if len(rows):
        raise CheckError(f"{len(rows)} {problem}, the first: {rows.row(0, named=True)}")
