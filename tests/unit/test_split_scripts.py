"""The scripts of the split and of its audit, on files: sides are taken over, and a leak stops the audit."""

from types import SimpleNamespace

import polars as pl
import pytest

from nearkin import embedding_files
from nearkin.checks import CheckError
from nearkin.shards import list_shards
from nearkin.tables import io
from nearkin.tables.leaks import LeakAudit
from nearkin.tables.splits import Splits
from scripts.audit_leaks import audit_leaks
from scripts.plot_leaks import plot_leaks
from scripts.split_images import split_images
from tests.unit import dealt, drawn

TOLD = {"dealing": dealt.DEALING, "most_queries": 9, "ks": [1], "resamples": 100, "seed": 1}
AUDIT = TOLD | {"threads": 1, "stamps": {"model": "lite0"}}


@pytest.fixture
def study(tmp_path):
    """The paths of a small curated dataset: eight species of ten images, two of each group alike."""
    labels, groups = dealt.images([(f"Aa a{i}", f"{i} {j // 2}") for i in range(8) for j in range(10)])
    embedded = drawn.embedded(labels["uuid"].sort(), drawn.vectors(1, len(labels)))
    tables = {
        "labels": labels,
        "groups": groups,
        "images": labels.select("uuid", split=pl.lit("Train")),
        "inspection": groups.rename({"group_id": "sha256"}),
    }
    for name, table in tables.items():
        table.write_parquet(tmp_path / f"{name}.parquet")
    embedding_files.write([embedded], tmp_path / "0.parquet", width=8)
    list_shards([tmp_path / "0.parquet"], tmp_path / "shards.json")
    paths = {name: tmp_path / f"{name}.parquet" for name in (*tables, "splits")}
    paths |= {"inspection": [paths["inspection"]], "shards": tmp_path / "shards.json"}
    return SimpleNamespace(**paths)


def split(study, *, images=None, previous=None, **other):
    dealing = dealt.DEALING | other
    split_images(study.labels, study.groups, images, previous, study.splits, dealing=dealing, dataset="d")
    return io.read(study.splits, Splits)


def test_a_split_is_dealt_adopted_or_taken_over(study):
    dealt_anew = split(study)
    assert {"train", "val", "test", "unseen"} == set(dealt_anew["split"])
    earlier = study.splits.rename(study.splits.with_name("earlier.parquet"))
    adopted = split(study, images=study.images)
    assert set(adopted.select("split", "reason").unique().rows()) == {("train", "adopted")}
    taken_over = split(study, images=study.images, previous=earlier, seed=9)
    assert taken_over["uuid", "split", "group_id"].equals(dealt_anew["uuid", "split", "group_id"])
    assert set(taken_over["reason"]) == {"previous"}


def test_the_audit_is_a_table_and_a_figure(study, tmp_path):
    split(study)
    audit_leaks(study, tmp_path / "leaks.parquet", **AUDIT)
    table = io.read(tmp_path / "leaks.parquet", LeakAudit)
    assert len(table) == 2 * 3 * 1 * 3 * 3  # protocols, levels, ks, splits, populations
    assert io.metadata(tmp_path / "leaks.parquet")["model"] == "lite0"
    plot_leaks(tmp_path / "leaks.parquet", tmp_path / "a.svg", tmp_path / "a.png", model="lite0", k=1)
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")


def test_a_leak_stops_the_audit(study, tmp_path):
    table = split(study)
    torn = table.with_columns(
        split=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("test")).otherwise("split")
    )
    io.write(torn, study.splits, Splits)
    with pytest.raises(CheckError, match="group_id on two sides of the split, the first .* in test"):
        audit_leaks(study, tmp_path / "leaks.parquet", **AUDIT)
    io.write(torn.with_columns(group_id="uuid"), study.splits, Splits)
    with pytest.raises(CheckError, match="sha256 on two sides of the split"):
        audit_leaks(study, tmp_path / "leaks.parquet", **AUDIT)
    assert not (tmp_path / "leaks.parquet").exists()
