"""Clusters of images and their captions, by a model that embeds both: they change with the captions."""

import polars as pl
import pytest

from tests.workflow import runs

pytestmark = pytest.mark.full

CLUSTERS = "results/museum/clusters/captioned.parquet"


def test_clusters_follow_the_captions(project):
    model = {"library": "open_clip", "name": "ViT-S-32", "weights": "random", "preprocess": "clip_224"}
    with runs.edit_config(project) as config:
        config["models"]["clip"] = model
        config["preprocessing"]["clip_224"] = {"size": 224, "crop_pct": 1.0, "interpolation": "bicubic"}
        config["clusters"]["captioned"] = {"model": "clip", "use_captions": True, "images_per_cluster": 7}
    rules = {rule for rule, _ in runs.parse_jobs(runs.run_snakemake(project, CLUSTERS))}
    assert {"prepare_text_encoder", "embed_captions", "cluster_images"} <= rules
    splits = pl.read_parquet(project / "results/museum/splits.parquet").filter(split="train")
    clusters = pl.read_parquet(project / CLUSTERS)
    assert set(clusters["uuid"]) == set(splits["uuid"])
    assert clusters["cluster"].n_unique() == round(len(splits) / 7)
    assert "Nothing to be done" in runs.run_snakemake(project, "--dry-run", CLUSTERS)
    with runs.edit_config(project) as config:
        config["datasets"]["museum"]["captions"] = {"templates": ["{species}, seen by chance."]}
    assert {rule for rule, _ in runs.plan_jobs(project, CLUSTERS)} == {
        "complete_captions",
        "embed_captions",
        "cluster_images",
    }
