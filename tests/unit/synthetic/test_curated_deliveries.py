"""Twenty drawn deliveries with ten times the usual faults: nothing is lost, every change is in the audit."""

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
def curated(request, tmp_path_factory):
    """The tables of a drawn delivery, and the truth about it."""
    folder = tmp_path_factory.mktemp("museum") / "delivery"
    write_delivery(folder, seed=request.param, n_workers=1, **SIZE)
    paths = curate(folder, folder.parent, groups={"specimen": SPECIMEN})
    with open(folder / "truth.csv", encoding="utf-8", newline="") as handle:
        truth = pl.DataFrame(list(csv.DictReader(handle)))
    schemas = {"images": Images, "labels": Labels, "quarantine": Quarantine, "captions": Captions}
    schemas |= {"curation_log": CurationLog, "groups": Groups}
    return {name: tables.read(paths[name], schema) for name, schema in schemas.items()} | {"truth": truth}


def test_every_row_is_kept_or_quarantined_or_merged(curated):
    invariants.check_rows_accounted_for(
        curated["images"], curated["labels"], curated["quarantine"], curated["curation_log"]
    )
    invariants.check_captions(curated["labels"], curated["captions"])


def test_what_changed_and_nothing_else_is_in_the_audit(curated):
    curation_log, delivered = (
        curated["curation_log"],
        curated["images"].unique("uuid", keep="first", maintain_order=True),
    )
    kept = curated["captions"].join(delivered, on="uuid", suffix="_delivered")
    written = pl.coalesce("infraspecies", "species")
    changed = {
        "name": kept.filter(pl.col("raw_name").ne_missing(written)),
        "caption": kept.filter(pl.col("caption_delivered").ne_missing(pl.col("caption"))),
        "file": kept.filter(pl.col("listed_name") != pl.col("path").str.split("/").list.last()),
    }
    done = curation_log.filter(pl.col("action").is_in(["repaired", "filled"]))
    for field, rows in changed.items():
        assert set(done.filter(field=field)["uuid"]) == set(rows["uuid"]), field
    aside, quarantined = curated["quarantine"], curation_log.filter(action="quarantined")
    assert sorted(aside.select("uuid", "row_index").rows()) == sorted(
        quarantined.select("uuid", "row_index").rows()
    )


def test_clean_rows_stay_as_they_are(curated):
    clean = curated["truth"].filter(defect="none")
    paths = curated["labels"].join(clean, left_on="path", right_on="file")
    assert len(paths) == len(clean)
    assert (paths["species"] == paths["correct_species"]).all()
    assert (
        curated["curation_log"].join(clean, left_on="path", right_on="file").filter(field="name").is_empty()
    )


def test_faults_are_handled_as_the_truth_says(curated):
    truth = curated["truth"].filter(pl.col("defect") != "none")
    key = pl.coalesce(pl.col("file").replace("", None), "row_key")
    kept = dict(curated["labels"].select("path", "species").iter_rows())
    aside = set(curated["quarantine"]["path"])
    group = dict(curated["groups"].select("path", "group_id").iter_rows())
    wrong = []
    for row in truth.with_columns(key=key).iter_rows(named=True):
        here = kept.get(row["key"])
        handled = {
            "repaired": here == row["correct_species"],
            "kept": here == row["correct_species"],
            "flagged": here == row["correct_species"],
            "quarantined": row["key"] in aside and here is None,
            "grouped": group.get(row["key"], 0) == group.get(row["correct_value"], 1),
        }[row["expected_outcome"]]
        wrong += [] if handled else [(row["defect"], row["key"], row["as_delivered"], here)]
    by_looks = [fault for fault in wrong if fault[0] == "near_duplicate"]
    assert len(by_looks) <= 1  # looks can deceive; what can be read can not
    assert [fault for fault in wrong if fault not in by_looks] == []
