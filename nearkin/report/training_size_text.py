"""How well species are sampled, and how recall depends on it: the reference study's analysis as text."""

import polars as pl

from nearkin.evaluation.training_size import pearson_correlation
from nearkin.tables.categories import category_titles, sort_categories

BINS = [(0, 0), (1, 10), (11, 25), (26, 50), (51, 100), (101, None)]
"""The reference study's bins of training images, and one for none."""

MAX_SHOWN_SPECIES = 5


def format_training_size(sizes: pl.DataFrame, *, model: str, min_queries: int) -> str:
    """The analysis by training size of a `TrainingSize` table, as text, by category.

    Recalls are species recall@1 over all queries, leave one out; means weight species equally.
    The best and the worst are among species with at least `min_queries` queries, ties
    by number of queries, then by name.
    """
    lines = [
        f"Training images and species recall@1 of {model} (leave one out, all queries, means over species)"
    ]
    for category, title in category_titles(sort_categories(sizes["category"].unique())).items():
        lines += [
            "",
            "=====",
            f"{title}:",
            "-----",
            *_format_category(sizes.filter(category=category), min_queries),
        ]
    return "\n".join(lines) + "\n"


def _format_category(sizes: pl.DataFrame, min_queries: int) -> list[str]:
    n_train, recall = sizes["n_train"], sizes["recall"]
    r = pearson_correlation(n_train.to_numpy(), recall.to_numpy())
    ranked = sizes.filter(pl.col("n_queries") >= min_queries)
    by_size = sizes.sort("n_train", "species")
    return [
        f"Number of species: {len(sizes)}, queries: {sizes['n_queries'].sum()}",
        f"Training images per species - Min: {n_train.min()}, Max: {n_train.max()}, "
        f"Mean: {n_train.mean():.1f}, Median: {n_train.median():g}",
        "Correlation of training images and recall: "
        + ("not defined" if r is None else f"r = {r:.3f} (Pearson, n = {len(sizes)} species)"),
        "Training images: species, mean recall, median recall",
        *(_format_bin(sizes, low, high) for low, high in BINS),
        f"{MAX_SHOWN_SPECIES} least sampled species:",
        *_format_species(by_size),
        f"{MAX_SHOWN_SPECIES} most sampled species:",
        *_format_species(sizes.sort("n_train", "species", descending=[True, False])),
        f"{MAX_SHOWN_SPECIES} best species (of {len(ranked)} with at least {min_queries} queries):",
        *_format_species(ranked.sort("recall", "n_queries", "species", descending=[True, True, False])),
        f"{MAX_SHOWN_SPECIES} worst species (of {len(ranked)} with at least {min_queries} queries):",
        *_format_species(ranked.sort("recall", "n_queries", "species", descending=[False, True, False])),
    ]


def _format_bin(sizes: pl.DataFrame, low: int, high: int | None) -> str:
    name = "100+" if high is None else str(low) if low == high else f"{low}-{high}"
    inside = sizes.filter(pl.col("n_train").is_between(low, high if high is not None else 2**62))
    if inside.is_empty():
        return f"{name}: 0"
    return f"{name}: {len(inside)}, {inside['recall'].mean():.3f}, {inside['recall'].median():.3f}"


def _format_species(sizes: pl.DataFrame) -> list[str]:
    rows = sizes.head(MAX_SHOWN_SPECIES).select("species", "recall", "n_train", "n_queries").iter_rows()
    return [f"{name}: {recall:.3f} ({train} training images, n = {n})" for name, recall, train, n in rows]
