"""Hits added up to recall: over queries, over labels, per label, with intervals."""

import numpy as np
import polars as pl

from nearkin import intervals

ALL = "all"
CELL = ["category", "label", "group_id"]
LABEL = ["category", "label"]


def recall(hits, *, ks, resamples, seed):
    """Every recall of a model, as a `Recall` table: its declaration says what the rows are.

    Averages get percentile intervals, groups resampled within labels; a label's own recall
    gets Wilson's interval with the number of its groups as sample size, since images of one
    group mostly agree.
    """
    parts = []
    for (protocol, level), block in hits.group_by(["protocol", "level"]):
        for population in ("all", "reachable"):
            chosen = block if population == "all" else block.filter(pl.col("n_relevant") > 0)
            counted = cells(chosen, ks)
            here = dict(protocol=protocol, level=level, population=population)
            rows = [_of_labels(counted, ks), _averages(counted, block, ks, resamples, seed)]
            parts.append(_stamped(pl.concat(rows), here | {"metric": "recall"}))
            if level == "species" and population == "all":
                here |= {"level": "genus", "metric": "genus_mean_of_species"}
                parts.append(_stamped(_genus_means(counted, ks), here))
    lost = _unreachable(hits)
    result = pl.concat(parts).join(lost, on=["protocol", "level", "metric", *LABEL], how="left")
    return result.with_columns(pl.col("n_unreachable").fill_null(0), masked=hits["masked"][0])


def cells(hits, ks):
    """One row per label and group, sorted: its queries `n` and, for each k, its hits `h{k}`.

    A cell is what intervals and tests resample: images of one group stand or fall together.
    """
    found = [(pl.col("first_hit") <= k).fill_null(False).sum().cast(pl.Int64).alias(f"h{k}") for k in ks]
    return hits.group_by(CELL).agg(pl.len().cast(pl.Int64).alias("n"), *found).sort(CELL)


def per_label(counted, ks):
    """The cells of each label added up, with the number of its groups."""
    sums = pl.col("n", *(f"h{k}" for k in ks)).sum()
    return counted.group_by(LABEL).agg(sums, n_groups=pl.len().cast(pl.Int64)).sort(LABEL)


def _of_labels(counted, ks):
    labels = per_label(counted, ks)
    parts = []
    for k in ks:
        share = (labels[f"h{k}"] / labels["n"]).to_numpy()
        low, high = intervals.wilson(share, labels["n_groups"].to_numpy())
        parts.append(_rows(labels.select(*LABEL, "n_groups", n_queries="n"), k, "label", share, low, high))
    return pl.concat(parts)


def _averages(counted, block, ks, resamples, seed):
    """Micro and macro, of every category of `block` and of all together."""
    labels = per_label(counted, ks)
    scopes = [ALL, *block["category"].unique().sort()]
    member = np.array([[scope in (ALL, category) for category in labels["category"]] for scope in scopes])
    member = member.reshape(len(scopes), len(labels)).astype(float)  # (n_scopes, n_labels)
    sums = labels.select("n", *(f"h{k}" for k in ks)).to_numpy()  # (n_labels, 1 + n_ks)
    values = _means(sums[None], member)[:, 0]  # (micro and macro, n_scopes, n_ks)
    samples = _resampled(counted, member, ks, resamples, seed)
    ends = (
        intervals.percentile_interval(samples) if samples is not None else np.full((2, *values.shape), np.nan)
    )
    frame = pl.DataFrame(
        {
            "category": scopes,
            "label": ALL,
            "n_groups": [_count(counted, scope, pl.col("group_id").n_unique()) for scope in scopes],
            "n_queries": (member @ sums[:, 0]).astype(np.int64),
        }
    )
    n_labels = member.sum(axis=1).astype(np.int64)
    return pl.concat(
        _rows(frame, k, average, values[i, :, j], ends[0, i, :, j], ends[1, i, :, j], n_labels)
        for i, average in enumerate(("micro", "macro"))
        for j, k in enumerate(ks)
    )


def _means(sums, member):
    """Micro and macro averages of (n, n_labels, 1 + n_ks) sums: (2, n, n_scopes, n_ks)."""
    with np.errstate(invalid="ignore"):
        totals = member @ sums
        micro = totals[..., 1:] / totals[..., :1]
        macro = member @ (sums[..., 1:] / sums[..., :1]) / member.sum(axis=1)[:, None]
    return np.stack([micro, macro])


def _resampled(counted, member, ks, resamples, seed):
    """Micro and macro of every resample: (n_resamples, 2, n_scopes, n_ks)."""
    if counted.is_empty():
        return None
    strata = counted.select(pl.struct(LABEL).rle_id()).to_series().to_numpy()
    values = counted.select("n", *(f"h{k}" for k in ks)).to_numpy()
    drawn = intervals.resampled_sums(strata, values, resamples=resamples, seed=seed)
    return np.concatenate([np.moveaxis(_means(sums, member), 0, 1) for sums in drawn])


def _count(counted, scope, what):
    chosen = counted if scope == ALL else counted.filter(category=scope)
    return chosen.select(what.cast(pl.Int64)).item()


def _rows(frame, k, average, value, low, high, n_labels=1):
    return frame.select(
        *LABEL,
        pl.lit(average).alias("average"),
        pl.lit(k, dtype=pl.Int32).alias("k"),
        *(
            pl.Series(name, ends).fill_nan(None)
            for name, ends in [("value", value), ("low", low), ("high", high)]
        ),
        "n_queries",
        "n_groups",
        pl.Series("n_labels", np.broadcast_to(n_labels, len(frame)).astype(np.int64)),
    )


def _genus_means(counted, ks):
    """The reference study's genus numbers: species recalls averaged within each genus."""
    species = per_label(counted, ks).with_columns(label=genus_of("label"))
    shares = [(pl.col(f"h{k}") / pl.col("n")).mean().alias(f"h{k}") for k in ks]
    sums = pl.col("n", "n_groups").sum()
    genera = species.group_by(LABEL).agg(*shares, sums, n_labels=pl.len()).sort(LABEL)
    nothing = np.full(len(genera), np.nan)
    frame = genera.select(*LABEL, "n_groups", n_queries="n")
    n_labels = genera["n_labels"].to_numpy()
    return pl.concat(
        _rows(frame, k, "label", genera[f"h{k}"].to_numpy(), nothing, nothing, n_labels) for k in ks
    )


def genus_of(column):
    """The first word of a species name."""
    return pl.col(column).str.split(" ").list.first()


def _unreachable(hits):
    """The number of queries that cannot hit, wherever there is one."""
    lost = hits.filter(pl.col("n_relevant") == 0).select("protocol", "level", *LABEL, metric=pl.lit("recall"))
    genera = lost.filter(level="species").with_columns(
        label=genus_of("label"), level=pl.lit("genus"), metric=pl.lit("genus_mean_of_species")
    )
    together = lost.with_columns(label=pl.lit(ALL))
    everyone = together.with_columns(category=pl.lit(ALL))
    counted = pl.concat([lost, genera, together, everyone]).group_by(pl.all()).len("n_unreachable")
    return counted.with_columns(pl.col("n_unreachable").cast(pl.Int64))


def _stamped(frame, columns):
    return frame.with_columns(pl.lit(value).alias(name) for name, value in columns.items())
