"""What holds for the labels of any delivery."""

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearkin.labels.policies import REPAIRABLE
from nearkin.tables.images import Images
from nearkin.tables.labels import CurationLog, Labels, Quarantine
from tests.factories.delivery import images_of, inspection_of
from tests.factories.labels import POLICIES, repair

NAMES = ["Aus bus", "Aus bus", "Aus bus", "aus_bus", "Aus  bus L., 1758", "Aus bos", "Aus", "Aus sp.",
         "Aus bus x cus", "", "nan", None, "Aus cus", "Bus longissimus", "Bus longissimus", "Bus longisimus",
         "<b>Bus</b> longissimus", "Bus longissimus minor"]  # fmt: skip
MATCHES = ["exact", "exact", "exact", "extension", "missing", "unlisted", "outside_folder", "ambiguous"]


@st.composite
def deliveries_of_any_kind(draw):
    rows = [{"uuid": "sound", "path": "sound.jpg", "raw_name": "Aus bus"}]
    for image in range(draw(st.integers(1, 8))):
        match = draw(st.sampled_from(MATCHES))
        path = None if match in ("missing", "ambiguous") else f"{image}.jpg"
        for row in range(draw(st.integers(1, 3))):
            label, told = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES))
            listed = None if match == "unlisted" else f"{image}.JPG"
            names = {"raw_name": None if match == "unlisted" else label, "raw_name_in_captions": told}
            file = {"path": path, "listed_name": listed, "match_kind": match}
            rows.append({"uuid": f"u{image}", "row_index": row} | file | names)
    bytes_of = {f"{image}.jpg": {"sha256": draw(st.sampled_from("abcdefgh"))} for image in range(8)}
    for path in draw(st.lists(st.sampled_from(sorted(bytes_of)), max_size=2)):
        bytes_of[path] = {"sha256": path, "error": "truncated", "detail": "cut"}
    return images_of(rows), bytes_of


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    deliveries_of_any_kind(),
    st.sets(st.sampled_from(sorted(REPAIRABLE))),
    st.randoms(use_true_random=False),
)
def test_invariants_of_any_delivery(delivery, strict, shuffler):
    images, bytes_of = delivery
    policies = POLICIES | dict.fromkeys(strict, "quarantine")
    labels, quarantine, curation_log = repair(images, bytes_of, policies)
    (
        Images.validate(images),
        Labels.validate(labels),
        Quarantine.validate(quarantine),
        CurationLog.validate(curation_log),
    )
    merged = curation_log.filter(action="merged")
    assert len(images) == len(labels) + len(quarantine) + len(merged)
    assert not set(labels["uuid"]) & set(quarantine["uuid"])
    placed = [*quarantine.select("uuid", "row_index").rows(), *merged.select("uuid", "row_index").rows()]
    assert len(set(placed)) == len(placed)
    # Quarantined rows and changed names are in the log; a clean name that is kept is as it was.
    assert set(quarantine.select("uuid", "row_index", "reason").rows()) == set(
        curation_log.filter(action="quarantined").select("uuid", "row_index", "defect").rows()
    )
    touched = set(curation_log.filter(field="name")["uuid"])
    for row in labels.iter_rows(named=True):
        assert row["uuid"] in touched or row["raw_name"] == row["species"]
    # One name per content.
    sha256 = inspection_of(images, bytes_of).select("uuid", "sha256")
    per_content = labels.join(sha256, on="uuid").group_by("sha256").agg(pl.col("species").n_unique())
    assert per_content["species"].max() == 1
    order = list(range(len(images)))
    shuffler.shuffle(order)
    again = repair(images[order], bytes_of, policies)
    for table, other, schema in zip(
        (labels, quarantine, curation_log), again, (Labels, Quarantine, CurationLog), strict=True
    ):
        key = schema.primary_key()
        assert table.sort(key).equals(other.sort(key))


@settings(max_examples=30, deadline=None)
@given(deliveries_of_any_kind())
def test_repairing_repaired_names_changes_nothing(delivery):
    labels, _, _ = repair(*delivery)
    clean = [
        {"uuid": row["uuid"], "path": row["path"], "raw_name": row["infraspecies"] or row["species"]}
        for row in labels.iter_rows(named=True)
    ]
    again, quarantine, curation_log = repair(clean, delivery[1])
    assert quarantine.is_empty()
    assert set(curation_log["defect"]) <= {"subspecies"}
    names = ["uuid", "genus", "species", "infraspecies"]
    assert again.select(names).sort("uuid").equals(labels.select(names).sort("uuid"))
