"""Twenty synthetic deliveries with ten times the usual faults: no row is lost, each change is logged."""

import csv

import polars as pl
import pytest

from nearkin.evaluation import invariants
from nearkin.storage import tables
from nearkin.synthetic.write_delivery import write_delivery
from nearkin.tables.groups import Groups
from nearkin.tables.images import Images
from nearkin.tables.labels import Captions, CurationLog, Labels, Quarantine
from tests.factories.curation import curate

SEEDS = range(101, 121)
SIZE = {"n_species": 18, "largest_species": 20, "image_size": 64, "fault_rate": 0.02}
SPECIMEN = [r"^fish_(\d+)_", r"^([A-Z][A-Za-z]+(?:_[A-Za-z]+)*_\d+)_"]


@pytest.fixture(scope="module", params=SEEDS)
def curation(request, tmp_path_factory):
    """The tables of a synthetic delivery and its truth file, by name."""
    folder = tmp_path_factory.mktemp("synthetic") / "delivery"
    write_delivery(folder, seed=request.param, n_workers=1, **SIZE)
    paths = curate(folder, folder.parent, groups={"specimen": SPECIMEN})
    with open(folder / "truth.csv", encoding="utf-8", newline="") as handle:
        truth = pl.DataFrame(list(csv.DictReader(handle)))
    schemas = {"images": Images, "labels": Labels, "quarantine": Quarantine, "captions": Captions}
    schemas |= {"curation_log": CurationLog, "groups": Groups}
    return {name: tables.read(paths[name], schema) for name, schema in schemas.items()} | {"truth": truth}


def test_every_row_is_kept_or_quarantined_or_merged(curation):
    invariants.check_rows_accounted_for(
        curation["images"], curation["labels"], curation["quarantine"], curation["curation_log"]
    )
    invariants.check_captions(curation["labels"], curation["captions"])


def test_exactly_the_changes_are_in_the_curation_log(curation):
    curation_log, delivered = (
        curation["curation_log"],
        curation["images"].unique("uuid", keep="first", maintain_order=True),
    )
    kept_rows = curation["captions"].join(delivered, on="uuid", suffix="_delivered")
    cleaned_name = pl.coalesce("infraspecies", "species")
    changed = {
        "name": kept_rows.filter(pl.col("raw_name").ne_missing(cleaned_name)),
        "caption": kept_rows.filter(pl.col("caption_delivered").ne_missing(pl.col("caption"))),
        "file": kept_rows.filter(pl.col("listed_name") != pl.col("path").str.split("/").list.last()),
    }
    repairs = curation_log.filter(pl.col("action").is_in(["repaired", "filled"]))
    for field, rows in changed.items():
        assert set(repairs.filter(field=field)["uuid"]) == set(rows["uuid"]), field
    quarantine, quarantined = curation["quarantine"], curation_log.filter(action="quarantined")
    assert sorted(quarantine.select("uuid", "row_index").rows()) == sorted(
        quarantined.select("uuid", "row_index").rows()
    )


def test_clean_rows_are_unchanged(curation):
    clean = curation["truth"].filter(defect="none")
    paths = curation["labels"].join(clean, left_on="path", right_on="file")
    assert len(paths) == len(clean)
    assert (paths["species"] == paths["correct_species"]).all()
    assert (
        curation["curation_log"].join(clean, left_on="path", right_on="file").filter(field="name").is_empty()
    )


def test_faults_are_handled_as_the_truth_file_expects(curation):
    truth = curation["truth"].filter(pl.col("defect") != "none")
    key = pl.coalesce(pl.col("file").replace("", None), "row_key")
    kept_rows = dict(curation["labels"].select("path", "species").iter_rows())
    quarantine = set(curation["quarantine"]["path"])
    group_by_path = dict(curation["groups"].select("path", "group_id").iter_rows())
    errors = []
    for row in truth.with_columns(key=key).iter_rows(named=True):
        species = kept_rows.get(row["key"])
        is_handled = {
            "repaired": species == row["correct_species"],
            "kept": species == row["correct_species"],
            "flagged": species == row["correct_species"],
            "quarantined": row["key"] in quarantine and species is None,
            "grouped": group_by_path.get(row["key"], 0) == group_by_path.get(row["correct_value"], 1),
        }[row["expected_outcome"]]
        errors += [] if is_handled else [(row["defect"], row["key"], row["as_delivered"], species)]
    near_duplicate_errors = [fault for fault in errors if fault[0] == "near_duplicate"]
    assert len(near_duplicate_errors) <= 1  # similarity of images is not certain; all other faults are
    assert [fault for fault in errors if fault not in near_duplicate_errors] == []
