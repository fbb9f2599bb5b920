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


def nearest_of(pairs):
    return pl.DataFrame(
        [{"uuid": image_uuid("drawn", str(a)), "neighbour": image_uuid("drawn", str(b))} for a, b in pairs]
    )


def counted(pairs, labels, level):
    found = Confusions.validate(confusions.count_confusions(nearest_of(pairs), labels)).filter(level=level)
    columns = ["category", "label", "predicted_category", "predicted", "n", "n_queries"]
    return sorted(found.select(columns).rows())


def test_confusions_worked_out_by_hand():
    labels, pairs = labels_of(SPECIES, CATEGORIES), [(0, 1), (1, 3), (2, 0), (3, 4)]
    assert counted(pairs, labels, "genus") == [
        ("Fish", "Aa", "Fish", "Aa", 2, 3),
        ("Fish", "Aa", "Fish", "Bb", 1, 3),
        ("Fish", "Bb", "Bird", "Aa", 1, 1),
    ]
    assert counted(pairs, labels, "species") == [
        ("Fish", "Aa x", "Fish", "Aa x", 1, 2),
        ("Fish", "Aa x", "Fish", "Bb z", 1, 2),
        ("Fish", "Aa y", "Fish", "Aa x", 1, 1),
        ("Fish", "Bb z", "Bird", "Aa w", 1, 1),
    ]


def test_an_image_without_a_species_neither_asks_nor_is_taken_for():
    unknown = pl.when(pl.col("species") != "Bb z").then("species").alias("species")
    labels = labels_of(SPECIES, CATEGORIES).with_columns(unknown)
    assert counted([(0, 3), (1, 0), (3, 0)], labels, "species") == [("Fish", "Aa x", "Fish", "Aa x", 1, 2)]


def test_only_the_nearest_of_leave_one_out_count(tmp_path):
    nearest = nearest_of([(0, 1), (0, 3), (1, 3)]).with_columns(
        protocol=pl.Series(["leave_one_out", "leave_one_out", "train_gallery"]),
        rank=pl.Series([1, 2, 1], dtype=pl.Int32),
        similarity=0.5,
    )
    tables.write(nearest, tmp_path / "neighbours.parquet", Neighbours, fingerprint="f")
    tables.write(labels_of(SPECIES, CATEGORIES), tmp_path / "labels.parquet", Labels)
    paths = [tmp_path / f"{name}.parquet" for name in ("neighbours", "labels", "confusions")]
    count_confusions(*paths, protocol="leave_one_out", metadata={"model": "lite0"})
    found = tables.read(paths[2], Confusions)
    assert found.filter(level="species")["label", "predicted", "n", "n_queries"].rows() == [
        ("Aa x", "Aa x", 1, 1)
    ]
    assert tables.read_metadata(paths[2])["fingerprint"] == "f"
