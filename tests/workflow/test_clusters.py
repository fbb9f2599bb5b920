"""Clusters of images and their captions, by a model that reads both: made anew when captions change."""

import polars as pl
import yaml

from tests.workflow import runs

CLUSTERS = "results/museum/clusters/said.parquet"


def configured(project, change):
    """The small study with a CLIP and clusters of what it sees and reads, and a change of its config."""
    config = yaml.safe_load((project / runs.CONFIG).read_text())
    model = {"library": "open_clip", "name": "ViT-S-32", "weights": "random", "preprocess": "clip_224"}
    config["models"]["clip"] = model
    config["preprocessing"]["clip_224"] = {"size": 224, "crop": 1.0, "interpolation": "bicubic"}
    config["clusters"]["said"] = {"model": "clip", "captions": True, "per_cluster": 7}
    change(config)
    (project / runs.CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))


def test_clusters_follow_the_captions(project):
    configured(project, lambda config: None)
    done = {rule for rule, _ in runs.jobs(runs.snakemake(project, CLUSTERS))}
    assert {"prepare_text_encoder", "embed_captions", "cluster_images"} <= done
    splits = pl.read_parquet(project / "results/museum/splits.parquet").filter(split="train")
    clusters = pl.read_parquet(project / CLUSTERS)
    assert set(clusters["uuid"]) == set(splits["uuid"])
    assert clusters["cluster"].n_unique() == round(len(splits) / 7)
    assert "Nothing to be done" in runs.snakemake(project, "--dry-run", CLUSTERS)
    captions = {"templates": ["{species}, seen by chance."]}
    configured(project, lambda config: config["datasets"]["museum"].update(captions=captions))
    assert {rule for rule, _ in runs.planned(project, CLUSTERS)} == {
        "fix_captions",
        "embed_captions",
        "cluster_images",
    }
