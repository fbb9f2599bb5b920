"""The scripts that split and audit, run on files: previous splits stay, and a leak stops the audit."""

from types import SimpleNamespace

import polars as pl
import pytest

from nearkin.embeddings import shard_files
from nearkin.embeddings.shard_index import write_index
from nearkin.evaluation.invariants import CheckError, check_no_leakage
from nearkin.storage import tables
from nearkin.tables.leakage import LeakageAudit
from nearkin.tables.splits import Splits
from scripts.audit_leakage import audit_leakage
from scripts.plot_figure import Settings, draw_leakage
from scripts.split_images import split_images
from tests.factories import grouped_images, random_study

SETTINGS = {
    "split_settings": grouped_images.SPLIT_SETTINGS,
    "max_queries": 9,
    "ks": [1],
    "bootstrap_samples": 100,
    "seed": 1,
}
AUDIT = SETTINGS | {"threads": 1, "metadata": {"model": "lite0"}}


@pytest.fixture
def study(tmp_path):
    """The paths of a small curated dataset: eight species of ten images, two per group."""
    labels, groups = grouped_images.images(
        [(f"Aa a{i}", f"{i} {j // 2}") for i in range(8) for j in range(10)]
    )
    embedded = random_study.embedded(labels["uuid"].sort(), random_study.vectors(1, len(labels)))
    frames = {
        "labels": labels,
        "groups": groups,
        "images": labels.select(
            "uuid",
            split=pl.when(species="Aa a0").then(pl.lit("Test")).otherwise(pl.lit("Train")),
            specimen=pl.lit(None, dtype=pl.String),
        ),
        "inspection": groups.rename({"group_id": "sha256"}),
    }
    for name, table in frames.items():
        table.write_parquet(tmp_path / f"{name}.parquet")
    shard_files.write_shard([embedded], tmp_path / "0.parquet", width=8)
    write_index([tmp_path / "0.parquet"], tmp_path / "shards.json")
    paths = {name: tmp_path / f"{name}.parquet" for name in (*frames, "splits")}
    paths |= {"inspection": [paths["inspection"]], "shards": tmp_path / "shards.json"}
    return SimpleNamespace(**paths)


def split_study(study, *, images=None, previous=None, **other):
    settings = grouped_images.SPLIT_SETTINGS | other
    split_images(
        study.labels, study.groups, images, previous, study.splits, split_settings=settings, dataset="d"
    )
    return tables.read(study.splits, Splits)


def test_a_split_is_random_delivered_or_from_a_previous_run(study):
    random_splits = split_study(study)
    assert {"train", "val", "test", "unseen_species"} == set(random_splits["split"])
    previous_path = study.splits.rename(study.splits.with_name("earlier.parquet"))
    delivered_splits = split_study(study, images=study.images)
    assert set(delivered_splits.select("split", "reason").rows()) == {
        ("train", "from_source"),
        ("test", "from_source"),
    }
    previous_splits = split_study(study, images=study.images, previous=previous_path, seed=9)
    assert previous_splits["uuid", "split", "group_id"].equals(random_splits["uuid", "split", "group_id"])
    assert set(previous_splits["reason"]) == {"from_previous"}


def test_a_split_without_test_images_stops_the_study(study):
    pl.read_parquet(study.images).with_columns(split=pl.lit("Train")).write_parquet(study.images)
    with pytest.raises(
        ValueError,
        match="d: .* tested.*{'train': 80}.*source.columns.split, or leave out split.use_source_split",
    ):
        split_study(study, images=study.images)
    with pytest.raises(
        ValueError, match="d: no image of a named species is tested.*lower split.min_test_groups"
    ):
        split_study(study, min_test_groups=5)
    assert not study.splits.exists()
    split_study(study, min_test_groups=4)


def test_test_images_without_a_species_name_are_not_enough(study):
    labels = pl.read_parquet(study.labels)
    labels.with_columns(species=pl.lit(None, pl.String)).write_parquet(study.labels)
    with pytest.raises(ValueError, match="no image of a named species is tested"):
        split_study(study)


def test_the_audit_writes_a_table_and_a_figure(study, tmp_path):
    split_study(study)
    audit_leakage(study, tmp_path / "leakage.parquet", **AUDIT)
    table = tables.read(tmp_path / "leakage.parquet", LeakageAudit)
    assert len(table) == 2 * 3 * 1 * 3 * 3  # protocols, levels, ks, splits, query subsets
    assert tables.read_metadata(tmp_path / "leakage.parquet")["model"] == "lite0"
    (figure,) = draw_leakage(tmp_path / "leakage.parquet", Settings(["lite0"], "leave_one_out", 1))
    assert figure.axes


def test_a_leak_is_reported(study):
    table = split_study(study)
    frames = [pl.read_parquet(path) for path in (study.images, study.labels, study.groups)]
    inspection = pl.read_parquet(study.inspection[0])
    leaking = table.with_columns(
        split=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("test")).otherwise("split")
    )
    with pytest.raises(CheckError, match="group_id in more than one split, the first .* in test"):
        check_no_leakage(*frames, leaking, inspection)
    with pytest.raises(CheckError, match="sha256 in more than one split"):
        check_no_leakage(*frames, leaking.with_columns(group_id="uuid"), inspection)
