"""The species table of the page: every species with its queries, models and differences."""

import polars as pl

from nearkin.vocabulary import ALL, PROTOCOLS

MAX_SPECIES = 3000
"""Rows beyond this would make the page slow; they are in the tables that it names."""

PROTOCOL_NAMES = {"leave_one_out": "leave one out", "unseen_species": "unseen species"}
KEY = ["protocol", "category", "species"]


def make_species_table(recalls, differences):
    """Rows of the species table, and how many there are in all.

    `recalls` maps models, and `differences` pairs of models, to their tables. A row is
    (protocol, category, species, n_train, n_queries, recalls, changes), where `recalls` has
    one value per model and `changes` one dict (points, low, high, ranked) per pair, None
    where a model gave no answer. Species recall@1 over all queries; no `train_gallery`, whose
    queries are those of leave_one_out.
    """
    found = pl.concat(_model_columns(recall, model) for model, recall in recalls.items())
    changed = [_pair_columns(frame, pair) for pair, frame in differences.items()]
    changed = pl.concat(changed) if changed else None
    counts = found.group_by(KEY).agg(pl.col("n_queries").max())
    counts = counts.sort(pl.col("protocol").cast(pl.Enum(PROTOCOLS)), "category", "species")
    values = {(*row[:3], row[3]): row[4] for row in found.select(*KEY, "model", "value").iter_rows()}
    changes = {}
    n_train = {}
    for row in changed.to_dicts() if changed is not None else []:
        key = tuple(row[name] for name in KEY)
        changes[*key, row["pair"]] = row
        n_train[key] = row["n_train"]
    rows = []
    for *key, n_queries in counts.head(MAX_SPECIES).iter_rows():
        key = tuple(key)
        rows.append(
            {
                "protocol": PROTOCOL_NAMES[key[0]],
                "category": key[1],
                "species": key[2],
                "n_train": n_train.get(key),
                "n_queries": n_queries,
                "recalls": [values.get((*key, model)) for model in recalls],
                "changes": [changes.get((*key, "/".join(pair))) for pair in differences],
            }
        )
    return rows, len(counts)


def _model_columns(recall, model):
    chosen = recall.filter(
        pl.col("protocol").is_in(list(PROTOCOL_NAMES)),
        level="species",
        metric="recall",
        average="per_label",
        query_subset="all",
        k=1,
    )
    return chosen.select("protocol", "category", "value", "n_queries", species="label", model=pl.lit(model))


def _pair_columns(differences, pair):
    chosen = differences.filter(
        pl.col("protocol").is_in(list(PROTOCOL_NAMES)),
        pl.col("label") != ALL,
        level="species",
        metric="recall",
        k=1,
    )
    return chosen.select(
        "protocol",
        "category",
        "diff_pp",
        "ci_low",
        "ci_high",
        "enough_queries",
        "n_train",
        species="label",
        pair=pl.lit("/".join(pair)),
    )
