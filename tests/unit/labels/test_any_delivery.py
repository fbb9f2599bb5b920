"""Invariants of the labels of any delivery."""

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearkin.labels.policies import REPAIRABLE
from nearkin.tables.images import Images
from nearkin.tables.labels import CurationLog, Labels, Quarantine
from tests.factories.delivery import images_of, inspection_of
from tests.factories.labels import POLICIES, clean_rows

NAMES = ["Aus bus", "Aus bus", "Aus bus", "aus_bus", "Aus  bus L., 1758", "Aus bos", "Aus", "Aus sp.",
         "Aus bus x cus", "", "nan", None, "Aus cus", "Bus longissimus", "Bus longissimus", "Bus longisimus",
         "<b>Bus</b> longissimus", "Bus longissimus minor"]  # fmt: skip
MATCHES = ["exact", "exact", "exact", "extension", "missing", "unlisted", "outside_folder", "ambiguous"]


@st.composite
def random_deliveries(draw):
    rows = [{"uuid": "sound", "path": "sound.jpg", "raw_name": "Aus bus"}]
    for image in range(draw(st.integers(1, 8))):
        match = draw(st.sampled_from(MATCHES))
        path = None if match in ("missing", "ambiguous") else f"{image}.jpg"
        for row in range(draw(st.integers(1, 3))):
            label, name_in_captions = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES))
            listed_name = None if match == "unlisted" else f"{image}.JPG"
            names = {
                "raw_name": None if match == "unlisted" else label,
                "raw_name_in_captions": name_in_captions,
            }
            file = {"path": path, "listed_name": listed_name, "match_kind": match}
            rows.append({"uuid": f"u{image}", "row_index": row} | file | names)
    inspection_by_path = {f"{image}.jpg": {"sha256": draw(st.sampled_from("abcdefgh"))} for image in range(8)}
    for path in draw(st.lists(st.sampled_from(sorted(inspection_by_path)), max_size=2)):
        inspection_by_path[path] = {"sha256": path, "error": "truncated", "detail": "cut"}
    return images_of(rows), inspection_by_path


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    random_deliveries(),
    st.sets(st.sampled_from(sorted(REPAIRABLE))),
    st.randoms(use_true_random=False),
)
def test_invariants_of_any_delivery(delivery, strict, random):
    images, inspection_by_path = delivery
    policies = POLICIES | dict.fromkeys(strict, "quarantine")
    labels, quarantine, curation_log = clean_rows(images, inspection_by_path, policies)
    (
        Images.validate(images),
        Labels.validate(labels),
        Quarantine.validate(quarantine),
        CurationLog.validate(curation_log),
    )
    merged = curation_log.filter(action="merged")
    assert len(images) == len(labels) + len(quarantine) + len(merged)
    assert not set(labels["uuid"]) & set(quarantine["uuid"])
    removed_rows = [
        *quarantine.select("uuid", "row_index").rows(),
        *merged.select("uuid", "row_index").rows(),
    ]
    assert len(set(removed_rows)) == len(removed_rows)
    # Quarantined rows and changed names are in the log; clean names that are kept are unchanged.
    assert set(quarantine.select("uuid", "row_index", "reason").rows()) == set(
        curation_log.filter(action="quarantined").select("uuid", "row_index", "defect").rows()
    )
    changed_uuids = set(curation_log.filter(field="name")["uuid"])
    for row in labels.iter_rows(named=True):
        assert row["uuid"] in changed_uuids or row["raw_name"] == row["species"]
    # One species per file content.
    sha256 = inspection_of(images, inspection_by_path).select("uuid", "sha256")
    per_content = labels.join(sha256, on="uuid").group_by("sha256").agg(pl.col("species").n_unique())
    assert per_content["species"].max() == 1
    order = list(range(len(images)))
    random.shuffle(order)
    shuffled = clean_rows(images[order], inspection_by_path, policies)
    for table, other, schema in zip(
        (labels, quarantine, curation_log), shuffled, (Labels, Quarantine, CurationLog), strict=True
    ):
        key = schema.primary_key()
        assert table.sort(key).equals(other.sort(key))


@settings(max_examples=30, deadline=None)
@given(random_deliveries())
def test_cleaning_clean_names_changes_nothing(delivery):
    labels, _, _ = clean_rows(*delivery)
    clean = [
        {"uuid": row["uuid"], "path": row["path"], "raw_name": row["infraspecies"] or row["species"]}
        for row in labels.iter_rows(named=True)
    ]
    cleaned_again, quarantine, curation_log = clean_rows(clean, delivery[1])
    assert quarantine.is_empty()
    assert set(curation_log["defect"]) <= {"subspecies"}
    names = ["uuid", "genus", "species", "infraspecies"]
    assert cleaned_again.select(names).sort("uuid").equals(labels.select(names).sort("uuid"))
