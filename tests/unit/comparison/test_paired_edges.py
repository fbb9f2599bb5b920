"""Edges of paired comparison: labels without a name."""

import polars as pl

from nearkin.comparison import paired
from tests.factories import random_study


def test_images_without_a_name_or_a_category_train_no_label():
    labels = random_study.labels_of(["Aa x", "Aa x", "Aa y", "Bb z"]).sort("uuid")
    labels = labels.with_columns(
        species=pl.when(pl.col("species") != "Aa y").then("species"),
        category=pl.when(pl.col("species") == "Bb z").then(pl.lit("")).otherwise(pl.lit("Fish")),
    )
    splits = labels.select("uuid", split=pl.lit("train"))
    counts = paired.count_training_images(labels, splits).sort("level", "category", "label")
    assert counts.rows() == [
        ("category", "Fish", "Fish", 3),
        ("category", "Fish", "all", 3),
        ("category", "all", "all", 3),
        ("genus", "", "Bb", 1),
        ("genus", "", "all", 1),
        ("genus", "Fish", "Aa", 3),
        ("genus", "Fish", "all", 3),
        ("genus", "all", "all", 4),
        ("species", "", "Bb z", 1),
        ("species", "", "all", 1),
        ("species", "Fish", "Aa x", 2),
        ("species", "Fish", "all", 2),
        ("species", "all", "all", 3),
    ]


def test_training_images_are_counted_at_every_rank():
    labels = random_study.labels_of(["Aa x", "Aa y", "Bb z"]).with_columns(
        category=pl.lit("Fish"), family=pl.Series(["F", "F", None])
    )
    splits = labels.select("uuid", split=pl.lit("train"))
    counts = paired.count_training_images(labels, splits).filter(level="family").sort("category", "label")
    assert counts.rows() == [
        ("family", "Fish", "F", 2),
        ("family", "Fish", "all", 2),
        ("family", "all", "all", 2),
    ]
