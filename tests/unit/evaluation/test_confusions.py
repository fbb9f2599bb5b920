"""Which label is predicted for which: by hand, and from the files of a study."""

import polars as pl

from nearkin.evaluation import confusions
from nearkin.sources.image_ids import image_uuid
from nearkin.storage import tables
from nearkin.tables.confusions import Confusions
from nearkin.tables.labels import Labels
from nearkin.tables.neighbours import Neighbours
from scripts.count_confusions import count_confusions
from tests.factories.random_study import labels_of

SPECIES = ["Aa x", "Aa x", "Aa y", "Bb z", "Aa w"]
CATEGORIES = ["Fish", "Fish", "Fish", "Fish", "Bird"]  # the bird genus Aa is not the fish genus Aa


def make_nearest(pairs):
    return pl.DataFrame(
        [
            {"query": image_uuid("drawn", str(query)), "neighbour": image_uuid("drawn", str(neighbour))}
            for query, neighbour in pairs
        ]
    ).with_columns(protocol=pl.lit("leave_one_out"))


def count_level(pairs, labels, level):
    rows = Confusions.validate(confusions.count_confusions(make_nearest(pairs), labels)).filter(level=level)
    columns = ["category", "label", "predicted_category", "predicted", "n", "n_queries"]
    return sorted(rows.select(columns).rows())


def test_confusions_worked_out_by_hand():
    labels, pairs = labels_of(SPECIES, CATEGORIES), [(0, 1), (1, 3), (2, 0), (3, 4)]
    assert count_level(pairs, labels, "genus") == [
        ("Fish", "Aa", "Fish", "Aa", 2, 3),
        ("Fish", "Aa", "Fish", "Bb", 1, 3),
        ("Fish", "Bb", "Bird", "Aa", 1, 1),
    ]
    assert count_level(pairs, labels, "species") == [
        ("Fish", "Aa x", "Fish", "Aa x", 1, 2),
        ("Fish", "Aa x", "Fish", "Bb z", 1, 2),
        ("Fish", "Aa y", "Fish", "Aa x", 1, 1),
        ("Fish", "Bb z", "Bird", "Aa w", 1, 1),
    ]


def test_an_image_without_species_counts_as_genus_and_is_no_query():
    unknown = pl.when(pl.col("species") != "Bb z").then("species").alias("species")
    labels = labels_of(SPECIES, CATEGORIES).with_columns(unknown)
    assert count_level([(0, 3), (1, 0), (3, 0)], labels, "species") == [
        ("Fish", "Aa x", "Fish", "Aa x", 1, 2),
        ("Fish", "Aa x", "Fish", "Bb", 1, 2),
    ]


def test_errors_are_wrong_in_label_or_in_category():
    table = confusions.count_confusions(
        make_nearest([(0, 1), (1, 3), (3, 4)]), labels_of(SPECIES, ["Fish"] * 4 + ["Bird"])
    )
    assert sorted(confusions.select_errors(table, level="species")["predicted"]) == ["Aa w", "Bb z"]
    other = confusions.count_confusions(make_nearest([(0, 1)]), labels_of(["Aa x", "Aa x"], ["Fish", "Bird"]))
    assert len(confusions.select_errors(other, level="genus")) == 1


def test_only_the_nearest_count_separately_by_protocol(tmp_path):
    nearest = make_nearest([(0, 1), (0, 3), (1, 3)]).with_columns(
        protocol=pl.Series(["leave_one_out", "leave_one_out", "train_gallery"]),
        rank=pl.Series([1, 2, 1], dtype=pl.Int32),
        similarity=0.5,
    )
    tables.write(nearest, tmp_path / "neighbours.parquet", Neighbours, fingerprint="f")
    tables.write(labels_of(SPECIES, CATEGORIES), tmp_path / "labels.parquet", Labels)
    paths = [tmp_path / f"{name}.parquet" for name in ("neighbours", "labels", "confusions")]
    count_confusions(*paths, metadata={"model": "lite0"})
    rows = tables.read(paths[2], Confusions).filter(level="species")
    assert sorted(rows["protocol", "label", "predicted", "n", "n_queries"].rows()) == [
        ("leave_one_out", "Aa x", "Aa x", 1, 1),
        ("train_gallery", "Aa x", "Bb z", 1, 1),
    ]
    assert tables.read_metadata(paths[2])["fingerprint"] == "f"
