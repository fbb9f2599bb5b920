"""The comparison of two models in the reference study's printed form.

That form gives recalls as fractions with three decimals, names in lower case and no
minimum number of queries. It allows a direct comparison with the reference study's numbers; the
tables and the report say the same with intervals and in percentage points.
"""

import polars as pl

from nearkin.tables.categories import category_titles, sort_categories
from nearkin.vocabulary import ALL

MAX_SHOWN_LABELS = 5


def format_comparison(base: pl.DataFrame, trained: pl.DataFrame, *, protocol: str, k: int) -> str:
    """The printed comparison of two `Metrics` tables, as text.

    Means and medians are over the species (or genera) of a category. A genus's recall is
    the mean of its species' recalls, as the reference study had it, not true genus recall.
    Differences are taken before anything is rounded. Lists are sorted by difference, as 64-bit
    floats; ties by name. (The reference left ties to the order of a Python set: of its
    45 printed lines all agree with this order but two, Aethia psittacula after Parkesia, and
    a Prepona that must tie with Zaretis isidora but is not there.)

    Raises ValueError if the models did not answer for the same labels, or there is no query.
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


def _format_headline(title: str, recall: pl.DataFrame, protocol: str, k: int) -> list[str]:
    """Lines of the overall recalls over all queries, to four decimals; none for a level without labels."""
    chosen = recall.filter(
        protocol=protocol, k=k, metric="recall", average="micro", query_subset="all", category=ALL, label=ALL
    )
    values = dict(chosen.select("level", "value").iter_rows())
    if values.get("species") is None:
        raise ValueError(
            f"no species recall at k = {k} for protocol {protocol!r}: is it in search.protocols, "
            "and has the test split any images?"
        )
    levels = [level for level in ("category", "species") if values.get(level) is not None]
    return [title, *(f"Overall {level.capitalize()} Recall: {values[level]:.4f}" for level in levels)]


def _pair_labels(base: pl.DataFrame, trained: pl.DataFrame, protocol: str, k: int) -> pl.DataFrame:
    """One row per species and genus: (level, category, label, base, trained, change)."""
    keys = ["level", "category", "label"]
    base, trained = (
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
    only_base, only_trained = base.join(trained, on=keys, how="anti"), trained.join(base, on=keys, how="anti")
    unmatched = pl.concat([only_base, only_trained])
    if len(unmatched):
        raise ValueError(f"only one of the models answered for {unmatched.sort(keys).row(0)[:3]}")
    pairs = base.rename({"value": "base"}).join(trained.rename({"value": "trained"}), on=keys)
    return pairs.with_columns(change=pl.col("trained") - pl.col("base"))


def _format_summary(pairs: pl.DataFrame) -> list[str]:
    return [
        "Recall Statistics:",
        *(
            f"{title} Model - Mean: {pairs[column].mean():.3f}, Median: {pairs[column].median():.3f}"
            for title, column in [("Base", "base"), ("Trained", "trained")]
        ),
        f"Average Improvement: {pairs['change'].mean():z.3f}",
    ]


def _format_largest_changes(pairs: pl.DataFrame, *, descending: bool) -> list[str]:
    first = pairs.sort("change", "label", descending=[descending, False]).head(MAX_SHOWN_LABELS)
    return [format_label_line(*row) for row in first.select("label", "base", "trained").iter_rows()]


def format_label_line(label: str, base: float, trained: float) -> str:
    """One label's line; its difference is taken before the recalls are rounded.

    >>> format_label_line("Parkesia noveboracensis", 5 / 12, 1 / 12)
    'parkesia noveboracensis: -0.333 (Base: 0.417 → Trained: 0.083)'
    """
    return f"{label.lower()}: {trained - base:z.3f} (Base: {base:.3f} → Trained: {trained:.3f})"
