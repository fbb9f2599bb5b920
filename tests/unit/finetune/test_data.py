"""A share of the training images has every class, depends on the seed, and is part of larger shares."""

import polars as pl
import pytest

from nearkin.finetune.data import make_datasets
from tests.factories.training import make_study


@pytest.fixture
def list_uuids(stores):
    """A function that lists the uuids of the training images by share and seed."""
    labels, splits, _ = make_study()
    species = labels.select("uuid", label="species")

    def list_training(share, seed=1):
        train, val, n_classes = make_datasets(species, species, splits, stores, share=share, seed=seed)
        assert (len(val.labels), n_classes) == (12, 4)
        return [uuid for uuid, *_ in train.content]

    return list_training


def test_each_class_keeps_its_share_but_at_least_one_image(list_uuids):
    labels = pl.DataFrame(make_study()[0]).select("uuid", "species")
    for share, n_each in [(1, 6), (0.5, 3), (0.3, 2), (0.01, 1)]:
        counts = labels.filter(pl.col("uuid").is_in(list_uuids(share)))["species"].value_counts()
        assert counts["count"].to_list() == [n_each] * 4


def test_larger_shares_contain_smaller_and_seeds_differ(list_uuids):
    assert set(list_uuids(0.3)) < set(list_uuids(0.5)) < set(list_uuids(1))
    assert list_uuids(0.5) == list_uuids(0.5)
    assert list_uuids(0.5) != list_uuids(0.5, seed=2)
