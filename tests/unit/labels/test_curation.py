"""The curation scripts in sequence: on a small hostile delivery, and scored on the real one if it exists."""

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from nearkin.evaluation import invariants
from nearkin.storage import tables
from nearkin.tables.groups import Groups
from nearkin.tables.images import Images
from nearkin.tables.labels import Captions, CurationLog, Labels, Quarantine
from tests.factories import delivery
from tests.factories.curation import curate

SHARED = Path(__file__).parents[4] / "shared"


def read_tables(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


@pytest.fixture
def hostile_folder(tmp_path):
    names_by_file = [
        ("a.png", "Aus bus"),
        ("--x.png", "Aus bus"),
        ("b.png", "<script>alert(1)</script>"),
        ("c.png", "=cmd|'/C calc'!A0"),
        ("d.png", "Aus bus <b onclick=x()>"),
    ]
    listed_names = [*names_by_file, ("../../../../etc/passwd", "Aus bus"), ("link.png", "Aus bus")]
    captions = [
        (
            "Fish",
            "a.png",
            "",
            "A <script>alert(1)</script>fish " * 400_000,
            "datasets/Fish/chunk_0/a.png",
            "True",
        ),
        ("Fish", "--x.png", "", "=HYPERLINK(1) of a fish", "../../../../etc/hostname", "True"),
    ]
    folder = delivery.write_vlm4bio(tmp_path / "delivery", names_by_file, captions)
    header = ["fileNameAsDelivered", "scientificName"]
    delivery.table(folder / "datasets/Fish/metadata/metadata.csv", header, listed_names)
    (folder / "datasets/Fish/chunk_0/link.png").symlink_to("/etc/passwd")
    return folder


def test_a_hostile_delivery_does_no_harm_and_is_logged(hostile_folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    curate(hostile_folder, out)
    images, labels = tables.read(out / "images.parquet", Images), tables.read(out / "labels.parquet", Labels)
    quarantine, curation_log = (
        tables.read(out / "quarantine.parquet", Quarantine),
        tables.read(out / "curation_log.parquet", CurationLog),
    )
    captions = tables.read(out / "captions.parquet", Captions)
    invariants.check_rows_accounted_for(images, labels, quarantine, curation_log)
    invariants.check_captions(labels, captions)
    names = [Path(path).name for path in labels["path"]]
    assert sorted(names) == ["--x.png", "a.png", "d.png"]
    assert set(labels["species"]) == {"Aus bus"}
    assert Counter(quarantine["reason"]) == {"unparsable": 2, "path_escape": 3}
    assert captions["caption"].str.contains("<").sum() == 0
    assert captions["caption"].str.len_chars().max() <= 2000
    assert {"markup", "too_long"} <= set(curation_log["defect"])
    assert curation_log["before"].str.len_chars().max() < 600
    assert tables.read_metadata(out / "groups.parquet")["dataset"] == "d"


def test_a_specimen_is_one_group_for_all_spellings_of_its_category(tmp_path):
    rows = [
        (f"{number}.png", "Aus bus", category, f"S{number % 4}")
        for number, category in enumerate(["Fish"] * 4 + ["Fish "] * 4 + ["Bird"] * 4)
    ]
    for number, (name, *_) in enumerate(rows):
        delivery.picture(tmp_path / "photos" / name, number)
    delivery.table(tmp_path / "list.csv", ["file", "species", "category", "specimen"], rows)
    table = {"path": tmp_path / "list.csv", "preset": None}
    overrides = {name: name for name in ("file", "species", "category", "specimen")}
    curate(tmp_path / "photos", tmp_path, layout="table", table=table | {"overrides": overrides})
    assert set(tables.read(tmp_path / "labels.parquet", Labels)["category"]) == {"Bird", "Fish"}
    groups = tables.read(tmp_path / "groups.parquet", Groups)
    assert groups["group_id"].unique_counts().to_list() == [3] * 4
    curation_log = tables.read(tmp_path / "curation_log.parquet", CurationLog).filter(field="category")
    assert curation_log.select("before", "after").unique().rows() == [("Fish ", "Fish")]


def test_a_second_run_gives_the_same_bytes(hostile_folder, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        curate(hostile_folder, tmp_path / name)
    expected = read_tables(tmp_path / "first")
    assert read_tables(tmp_path / "second") == expected
    curate(hostile_folder, tmp_path / "first")
    assert read_tables(tmp_path / "first") == expected


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real delivery is not here")
def test_the_real_delivery_is_curated_as_its_truth_file_expects(tmp_path):
    curate(SHARED / "data/specimens", tmp_path, groups={"specimen": ["^fish_(\\d+)_"]})
    tables_by_flag = {"kept": "captions", "quarantined": "quarantine", "groups": "groups"}
    options = [
        part for flag, name in tables_by_flag.items() for part in (f"--{flag}", tmp_path / f"{name}.parquet")
    ]
    command = [
        sys.executable,
        SHARED / "tools/score_repairs.py",
        "--truth",
        SHARED / "data/specimens-truth.csv",
    ]
    details = ["--kept-caption", "caption", "--details", tmp_path / "details.csv"]
    report = subprocess.run([*command, *options, *details], capture_output=True, text=True, check=True).stdout
    with open(tmp_path / "details.csv", encoding="utf-8") as file:
        outcomes = pl.DataFrame(list(csv.DictReader(file)))
    is_expected = pl.col("outcome") == "as expected"
    assert outcomes.select(is_expected.mean()).item() >= 0.98
    assert outcomes.group_by("defect").agg(is_expected.mean())["outcome"].min() >= 0.9
    clean = dict(
        line.strip().rsplit(maxsplit=1) for line in report.split("without a defect\n")[1].splitlines()
    )
    n_unrelated = int(clean.pop("grouped with unrelated files", 0))
    n_clean = int(clean.pop("clean rows"))
    assert clean == {}, "clean rows changed, lost or quarantined"
    assert n_unrelated <= 0.005 * n_clean
