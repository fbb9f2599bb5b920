"""The comparison of two models in the reference study's printed form.

That form gives recalls as fractions with three decimals, names in lower case and no
minimum number of queries. It is kept so that its numbers can be laid beside ours; the
tables and the report say the same with intervals and in percentage points.
"""

import polars as pl

from nearkin.tables.categories import category_titles, sort_categories
from nearkin.vocabulary import ALL

MAX_SHOWN_LABELS = 5


def format_comparison(base, trained, *, protocol, k):
    """The printed comparison of two `Metrics` tables, as text.

    Means and medians are over the species (or genera) of a category. A genus's recall is
    the mean of its species' recalls, as the reference study had it, not true genus recall.
    Differences are taken before anything is rounded. Lists go by difference, as 64-bit
    floats; equal ones by name. (The reference left ties to the order of a Python set: of its
    45 printed lines all agree with this order but two, Aethia psittacula after Parkesia, and
    a Prepona that must tie with Zaretis isidora but is not there.)

    Raises ValueError if the models did not answer for the same labels, or no query is there.
    """
    lines = [
        *_format_headline("Trained", trained, protocol, k),
        "",
        *_format_headline("Base", base, protocol, k),
    ]
    pairs = _pair_labels(base, trained, protocol, k)
    for category, title in category_titles(sort_categories(pairs["category"].unique())).items():
        chosen = pairs.filter(category=category)
        species, genera = (chosen.filter(level=level) for level in ("species", "genus"))
        lines += ["", "=====", f"{title}:", "-----"]
        lines += ["Species-level Analysis:", f"Number of species: {len(species)}", *_format_summary(species)]
        lines += ["Top 5 Most Improved Species:", *_format_largest_changes(species, descending=True)]
        lines += ["Top 5 Least Improved Species:", *_format_largest_changes(species, descending=False)]
        lines += ["Genus-level Analysis:", f"Number of genera: {len(genera)}", *_format_summary(genera)]
        lines += ["Top 5 Most Improved Genera:", *_format_largest_changes(genera, descending=True)]
    return "\n".join(lines) + "\n"


def _format_headline(title, recall, protocol, k):
    """The overall recalls over all queries, to four decimals; none of categories if there are none."""
    chosen = recall.filter(
        protocol=protocol, k=k, metric="recall", average="micro", query_subset="all", category=ALL, label=ALL
    )
    values = dict(chosen.select("level", "value").iter_rows())
    if values.get("species") is None:
        raise ValueError(
            f"no species recall at k = {k} for protocol {protocol!r}: is it in search.protocols, "
            "and has the test split any images?"
        )
    said = [level for level in ("category", "species") if values.get(level) is not None]
    return [title, *(f"Overall {level.capitalize()} Recall: {values[level]:.4f}" for level in said)]


def _pair_labels(base, trained, protocol, k):
    """One row per species and genus: (level, category, label, base, trained, change)."""
    keys = ["level", "category", "label"]
    one, other = (
        frame.filter(
            ((pl.col("level") == "species") & (pl.col("metric") == "recall"))
            | ((pl.col("level") == "genus") & (pl.col("metric") == "genus_mean_of_species")),
            protocol=protocol,
            average="per_label",
            query_subset="all",
            k=k,
        ).select(*keys, "value")
        for frame in (base, trained)
    )
    unlike = pl.concat([one.join(other, on=keys, how="anti"), other.join(one, on=keys, how="anti")])
    if len(unlike):
        raise ValueError(f"only one of the models answered for {unlike.sort(keys).row(0)[:3]}")
    pairs = one.rename({"value": "base"}).join(other.rename({"value": "trained"}), on=keys)
    return pairs.with_columns(change=pl.col("trained") - pl.col("base"))


def _format_summary(pairs):
    return [
        "Recall Statistics:",
        *(
            f"{title} Model - Mean: {pairs[column].mean():.3f}, Median: {pairs[column].median():.3f}"
            for title, column in [("Base", "base"), ("Trained", "trained")]
        ),
        f"Average Improvement: {pairs['change'].mean():z.3f}",
    ]


def _format_largest_changes(pairs, *, descending):
    first = pairs.sort("change", "label", descending=[descending, False]).head(MAX_SHOWN_LABELS)
    return [format_label_line(*row) for row in first.select("label", "base", "trained").iter_rows()]


def format_label_line(label, base, trained):
    """One label's line; its difference is that of the recalls as they are.

    >>> format_label_line("Parkesia noveboracensis", 5 / 12, 1 / 12)
    'parkesia noveboracensis: -0.333 (Base: 0.417 → Trained: 0.083)'
    """
    return f"{label.lower()}: {trained - base:z.3f} (Base: {base:.3f} → Trained: {trained:.3f})"
