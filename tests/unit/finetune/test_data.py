"""A share of the training images: of every class, the same for the same seed, nested for larger shares."""

import polars as pl
import pytest

from nearkin.finetune.data import make_datasets
from tests.factories.training import study


@pytest.fixture
def taken(stores):
    """The uuids of the training images by share and seed."""
    labels, splits, _ = study()
    species = labels.select("uuid", label="species")

    def of(share, seed=1):
        train, val, n_classes = make_datasets(species, species, splits, stores, share=share, seed=seed)
        assert (len(val.labels), n_classes) == (12, 4)
        return [uuid for uuid, *_ in train.content]

    return of


def test_a_share_is_of_every_class_and_one_image_at_least(taken):
    labels = pl.DataFrame(study()[0]).select("uuid", "species")
    for share, n_each in [(1, 6), (0.5, 3), (0.3, 2), (0.01, 1)]:
        counts = labels.filter(pl.col("uuid").is_in(taken(share)))["species"].value_counts()
        assert counts["count"].to_list() == [n_each] * 4


def test_a_greater_share_holds_the_smaller_and_seeds_draw_others(taken):
    assert set(taken(0.3)) < set(taken(0.5)) < set(taken(1))
    assert taken(0.5) == taken(0.5)
    assert taken(0.5) != taken(0.5, seed=2)
