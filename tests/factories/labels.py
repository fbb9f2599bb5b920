"""Cleans the labels of tiny deliveries with the default policies."""

import polars as pl

from nearkin.labels.clean import clean_labels
from tests.factories.delivery import defaults, images_of, inspection_of

POLICIES = defaults()["labels"]["policies"]
LIMITS = {"min_count": 2, "max_distance": 2}


def clean_rows(rows, of_path=None, policies=POLICIES, taxonomy_path=None):
    images = rows if isinstance(rows, pl.DataFrame) else images_of(rows)
    inspection = inspection_of(images, of_path)
    return clean_labels(
        images, inspection, policies=policies, spelling_limits=LIMITS, taxonomy_path=taxonomy_path
    )
