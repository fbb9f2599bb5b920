"""Training images in clusters, and how these agree with species."""

import dataframely as dy

from nearkin.tables.columns import uuid_key


class Clusters(dy.Schema):
    """One row per training image."""

    uuid = uuid_key()
    cluster = dy.Int64(min=0, description="numbered in the order of the clusters' first images")
    similarity = dy.Float64(min=-1, max=1, description="cosine with the cluster's centre")


class ClusterPurity(dy.Schema):
    """One row per cluster."""

    cluster = dy.Int64(primary_key=True, min=0, description="as in the clusters' table")
    n_images = dy.Int64(min=1, description="images in it")
    mean_similarity = dy.Float64(min=-1, max=1, description="mean cosine of its images with its centre")
    species = dy.String(nullable=True, description="its most common species; null if no image has one")
    n_species = dy.Int64(min=0, description="number of species in it")
    purity = dy.Float64(
        nullable=True, min=0, max=1, description="share of its most common species among images with one"
    )
