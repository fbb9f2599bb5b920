"""The pixels and the examples of a small training."""

import numpy as np
import pytest

from tests.factories import encoders as examples
from tests.factories.training import study, taught_by


@pytest.fixture
def stores(tmp_path):
    labels, _, images = study()
    uuids = labels["uuid"].to_list()
    some = np.arange(len(uuids)) % 3 == 0
    parts = [(images[where], [uuids[i] for i in np.flatnonzero(where)]) for where in (some, ~some)]
    return [examples.store(tmp_path / f"{i}.arrow", *part) for i, part in enumerate(parts)]


@pytest.fixture
def taught(stores):
    labels, splits, _ = study()
    return taught_by(labels, splits, stores)
