"""The contents of a dataset, and recall by number of training images."""

import dataframely as dy


class Statistics(dy.Schema):
    """One row per category and split: counts of images, groups, species and genera."""

    category = dy.String(primary_key=True, description="one category, or `all`")
    split = dy.String(primary_key=True, description="train, val, test, unseen_species, excluded, or `all`")
    n_images = dy.Int64(min=0, description="kept images")
    n_groups = dy.Int64(min=0, description="groups of images that belong together")
    n_species = dy.Int64(min=0, description="species with at least one image here")
    n_genera = dy.Int64(min=0, description="genera with at least one image here")
    median_images = dy.Float64(nullable=True, description="median number of images per species here")


class TrainingSize(dy.Schema):
    """One row per species with test queries: its recall@1 and its number of training images."""

    category = dy.String(primary_key=True, description="the species' category")
    species = dy.String(primary_key=True, description="accepted binomial")
    genus = dy.String(description="its genus")
    n_train = dy.Int64(min=0, description="training images")
    bucket = dy.String(description="0, 1-5, 6-10, 11-20, 21-50 or 50+ training images")
    n_queries = dy.Int64(min=1, description="test queries")
    recall = dy.Float64(min=0, max=1, description="species recall@1 over all queries")
