"""Clusters of images and their captions, by a model that reads both: made anew when captions change."""

import polars as pl
import pytest

from tests.workflow import runs

pytestmark = pytest.mark.full

CLUSTERS = "results/museum/clusters/said.parquet"


def test_clusters_follow_the_captions(project):
    model = {"library": "open_clip", "name": "ViT-S-32", "weights": "random", "preprocess": "clip_224"}
    with runs.config_of(project) as config:
        config["models"]["clip"] = model
        config["preprocessing"]["clip_224"] = {"size": 224, "crop_pct": 1.0, "interpolation": "bicubic"}
        config["clusters"]["said"] = {"model": "clip", "use_captions": True, "images_per_cluster": 7}
    done = {rule for rule, _ in runs.jobs(runs.snakemake(project, CLUSTERS))}
    assert {"prepare_text_encoder", "embed_captions", "cluster_images"} <= done
    splits = pl.read_parquet(project / "results/museum/splits.parquet").filter(split="train")
    clusters = pl.read_parquet(project / CLUSTERS)
    assert set(clusters["uuid"]) == set(splits["uuid"])
    assert clusters["cluster"].n_unique() == round(len(splits) / 7)
    assert "Nothing to be done" in runs.snakemake(project, "--dry-run", CLUSTERS)
    with runs.config_of(project) as config:
        config["datasets"]["museum"]["captions"] = {"templates": ["{species}, seen by chance."]}
    assert {rule for rule, _ in runs.planned(project, CLUSTERS)} == {
        "complete_captions",
        "embed_captions",
        "cluster_images",
    }
