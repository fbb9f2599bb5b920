"""The pixel caches and the datasets of a small training."""

import numpy as np
import pytest

from tests.factories import encoders as examples
from tests.factories.training import make_species_datasets, make_study


@pytest.fixture
def stores(tmp_path):
    labels, _, images = make_study()
    uuids = labels["uuid"].to_list()
    is_first = np.arange(len(uuids)) % 3 == 0
    parts = [
        (images[is_in_part], [uuids[i] for i in np.flatnonzero(is_in_part)])
        for is_in_part in (is_first, ~is_first)
    ]
    return [examples.store(tmp_path / f"{i}.arrow", *part) for i, part in enumerate(parts)]


@pytest.fixture
def datasets(stores):
    labels, splits, _ = make_study()
    return make_species_datasets(labels, splits, stores)
