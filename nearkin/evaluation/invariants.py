"""What must hold in the finished tables of every study.

Each check takes tables and raises CheckError naming the first image or number at fault.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from nearkin.vocabulary import ALL, EXCLUDED, LABEL, LEVELS, NONE

MIXED = "made by several versions of: "


class CheckError(ValueError):
    """An invariant that does not hold."""


def passed(versions: Mapping[str, list[str]]) -> str:
    """What `checks.passed` says: that all is well, and the versions of each library that made the study.

    >>> print(passed({"numpy": ["2.4.6"], "torch": ["2.14.1", "2.15.0"]}))
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


def mixed_versions(said: str) -> str:
    """The libraries of which several versions made a study, in words, by what `passed` said."""
    return next((line.removeprefix(MIXED) for line in said.splitlines() if line.startswith(MIXED)), "")


def check_rows_accounted_for(images, labels, quarantine, curation_log):
    """Rows delivered = rows kept + rows quarantined + repeated rows merged."""
    merged = curation_log.filter(action="merged")
    kept = len(labels) + len(quarantine) + len(merged)
    if kept != len(images):
        raise CheckError(
            f"{len(images)} rows delivered, but {len(labels)} kept + {len(quarantine)} quarantined "
            f"+ {len(merged)} merged = {kept}"
        )
    _none(images.join(labels, on="uuid", how="anti").join(quarantine, on="uuid", how="anti"), "rows lost")
    _none(labels.join(quarantine, on="uuid"), "images both kept and quarantined")


def check_captions(labels, captions):
    """Every kept image has exactly one caption, and its names are those of the labels."""
    names = labels.columns
    _none(labels.join(captions, on=names, how="anti", nulls_equal=True), "kept images without a caption")
    _none(captions.join(labels, on=names, how="anti", nulls_equal=True), "captions without a kept image")


def check_no_leakage(
    images: pl.DataFrame,
    labels: pl.DataFrame,
    groups: pl.DataFrame,
    splits: pl.DataFrame,
    inspection: pl.DataFrame,
) -> None:
    """Nothing that belongs together is on two sides of the split, and unseen species are on one."""
    check_no_group_leakage(splits, inspection)
    check_specimens(splits, images)
    check_cut_groups_excluded(splits, groups)
    check_held_out_species(splits, labels)


def check_no_group_leakage(splits, inspection):
    """No group and no file content on two sides of the split; what was set aside is on none."""
    placed = splits.filter(pl.col("split") != EXCLUDED)
    _on_one_side(placed, "group_id")
    _on_one_side(placed.join(inspection.select("uuid", "sha256"), on="uuid"), "sha256")


def check_specimens(splits: pl.DataFrame, images: pl.DataFrame) -> None:
    """No specimen, as the source delivers it in `images`, is on two sides of the split."""
    placed = splits.filter(pl.col("split") != EXCLUDED)
    delivered = images.select("uuid", pl.col("specimen").str.strip_chars()).filter(pl.col("specimen") != "")
    remedy = "an earlier or delivered split has them so: correct their specimen, or leave out split.previous "
    remedy += "and split.adopt"
    _on_one_side(placed.join(delivered.unique(), on="uuid"), "specimen", remedy)


def check_cut_groups_excluded(splits, groups):
    """A group as it was found straddles only if images that tie its parts were set aside."""
    found = splits.select("uuid", "split").join(groups.select("uuid", "group_id"), on="uuid")
    bridged = found.filter(split=EXCLUDED).select("group_id").unique()
    _on_one_side(found.join(bridged, on="group_id", how="anti"), "group_id")


def check_held_out_species(splits, labels):
    """No species of the unseen images has an image on another side."""
    named = labels.select("uuid", "category", "species").drop_nulls("species")
    placed = splits.filter(pl.col("split") != EXCLUDED).join(named, on="uuid")
    held_out = placed.filter(split="unseen_species").select("category", "species").unique()
    seen = placed.filter(pl.col("split") != "unseen_species").join(
        held_out, on=["category", "species"], how="semi"
    )
    _none(seen.sort("uuid"), "images on a side although their species is held out")


def _on_one_side(table: pl.DataFrame, key: str, remedy: str = "") -> None:
    sides = table.group_by(key).agg(n_sides=pl.col("split").n_unique())
    straddling = table.join(sides.filter(pl.col("n_sides") > 1), on=key).sort(key, "uuid")
    if len(straddling):
        first = straddling.filter(pl.col(key) == straddling[key][0])
        images = first.unique("split", keep="first", maintain_order=True).select("uuid", "split").iter_rows()
        raise CheckError(
            f"{straddling[key].n_unique()} {key} on two sides of the split, the first {first[key][0]}: "
            + ", ".join(f"{uuid} in {side}" for uuid, side in images)
            + (f"; {remedy}" if remedy else "")
        )


def check_unit_norm(embeddings, path):
    """Every embedding is finite and of unit length, within 1e-3."""
    length = np.linalg.norm(embeddings["emb"].to_numpy().astype(np.float64), axis=1)
    wrong = pl.Series(~(abs(length - 1) < 1e-3))
    _none(embeddings.select("uuid").filter(wrong), f"embeddings in {path} that are not of unit length")


def check_neighbour_order(neighbours, splits, *, exclude_same_group):
    """Ranks 1, 2, ... without holes, similarities never rising, equal ones by uuid, no self, no mate."""
    queries = neighbours.sort("protocol", "uuid", "rank")
    same = (pl.col("uuid") == pl.col("uuid").shift()) & (pl.col("protocol") == pl.col("protocol").shift())
    before = pl.when(same.fill_null(False))
    expected = before.then(pl.col("rank").shift() + 1).otherwise(1)
    _none(queries.filter(pl.col("rank") != expected), "neighbours with a hole in their ranks")
    rises = pl.col("similarity") > pl.col("similarity").shift()
    swapped = (pl.col("similarity") == pl.col("similarity").shift()) & (
        pl.col("neighbour") <= pl.col("neighbour").shift()
    )
    _none(queries.filter(before.then(rises | swapped).otherwise(False)), "neighbours out of order")
    _none(queries.filter(pl.col("uuid") == pl.col("neighbour")), "queries that find themselves")
    if exclude_same_group:
        group = splits.select("uuid", "group_id")
        pairs = queries.join(group, on="uuid").join(
            group, left_on="neighbour", right_on="uuid", suffix="_found"
        )
        _none(pairs.filter(pl.col("group_id") == pl.col("group_id_found")), "queries that find a group mate")


def check_hits_nested(hits):
    """A hit at species is a hit at genus is a hit at category, where the query has one."""
    ranks = [level for level in LEVELS if level in ("category", "genus", "species")]
    for coarse, fine in zip(ranks, ranks[1:], strict=False):
        asked = hits.filter(pl.col("category") != NONE) if coarse == "category" else hits
        both = asked.filter(level=fine).join(
            hits.filter(level=coarse), on=["protocol", "uuid"], how="left", suffix="_coarse"
        )
        later = pl.col("first_relevant_rank_coarse").is_null() | (
            pl.col("first_relevant_rank_coarse") > pl.col("first_relevant_rank")
        )
        _none(
            both.filter(pl.col("first_relevant_rank").is_not_null() & later),
            f"hits at {fine} but not at {coarse}",
        )


def check_recall_monotone(recall):
    """Recall never falls with k."""
    same = ["protocol", "level", "metric", "average", "query_subset", *LABEL]
    recall = recall.filter(pl.col("metric").is_in(["recall", "genus_mean_of_species"]))
    ordered = recall.sort(*same, "k").with_columns(
        falls=(pl.col("value") - pl.col("value").shift()).over(same) < -1e-12
    )
    _none(ordered.filter("falls"), "recalls that fall with k")


def check_recall_recomputed(recall, hits):
    """The overall recalls are the means of the hits, computed anew."""
    chosen = recall.filter(
        pl.col("category") == ALL,
        pl.col("label") == ALL,
        average="micro",
        query_subset="all",
        metric="recall",
    )
    for protocol, level, k, value in chosen.select("protocol", "level", "k", "value").iter_rows():
        mine = hits.filter(protocol=protocol, level=level)
        again = (mine["first_relevant_rank"] <= k).fill_null(False).mean()
        if abs(again - value) > 1e-12:
            raise CheckError(f"recall@{k} of {protocol}, {level} is {value}, but its hits say {again}")


def _none(rows, what):
    if len(rows):
        raise CheckError(f"{len(rows)} {what}, the first: {rows.row(0, named=True)}")
