"""Each delivered row is kept, quarantined with a reason, or merged; nothing else changes."""

import polars as pl
import pytest

from nearkin.labels.clean import clean_labels
from tests.factories.delivery import images_of, inspection_of
from tests.factories.labels import LIMITS, POLICIES, clean_rows


def make_rows(*labels):
    return [{"raw_name": label} for label in labels]


def reasons_by_path(quarantine):
    return dict(quarantine.select("path", "reason").iter_rows())


def test_a_clean_row_is_kept_without_a_log_entry():
    labels, quarantine, curation_log = clean_rows(make_rows("Aus bus"))
    assert labels.select("path", "genus", "species", "infraspecies", "raw_name").rows() == [
        ("0.jpg", "Aus", "Aus bus", None, "Aus bus")
    ]
    assert quarantine.is_empty() and curation_log.is_empty()


def test_every_repair_has_a_log_entry():
    labels, _, curation_log = clean_rows(make_rows("aus_bus minor L., 1758"))
    assert labels.select("species", "infraspecies", "raw_name").rows() == [
        ("Aus bus", "Aus bus minor", "aus_bus minor L., 1758")
    ]
    assert set(curation_log["defect"]) == {"underscore", "case", "subspecies", "authorship"}
    assert set(curation_log["action"]) == {"repaired"}
    assert curation_log.select("before", "after").unique().rows() == [
        ("aus_bus minor L., 1758", "Aus bus minor")
    ]


def test_a_missing_name_comes_only_from_the_captions_table():
    rows = [
        {"raw_name": "nan", "raw_name_in_captions": "Aus_bus"},
        {"raw_name": " ", "raw_name_in_captions": ""},
        {"path": "Aus_bus_7.jpg", "raw_name": None},
        {"raw_name": "", "raw_name_in_captions": "Aus sp."},
    ]
    labels, quarantine, curation_log = clean_rows(rows)
    assert labels["species"].to_list() == ["Aus bus"]
    assert set(curation_log.filter(path="0.jpg")["defect"]) == {"missing", "underscore"}
    assert reasons_by_path(quarantine) == {
        "1.jpg": "no_name",
        "Aus_bus_7.jpg": "no_name",
        "3.jpg": "open_nomenclature",
    }
    assert "hints at Aus bus" in quarantine.filter(path="Aus_bus_7.jpg")["detail"].item()


def test_faulty_files_are_quarantined_before_names():
    rows = [
        {"raw_name": "Aus bus"},
        {"path": None, "listed_name": "gone.jpg", "match_kind": "missing", "raw_name": "Aus sp."},
        {"path": None, "listed_name": "../x", "match_kind": "outside_folder", "raw_name": "Aus bus"},
        {"path": "link.jpg", "match_kind": "outside_folder"},
        {"path": "new.jpg", "listed_name": None, "match_kind": "unlisted"},
        {"path": "cut.jpg", "raw_name": "Aus bus"},
        {"path": None, "listed_name": "two.jpg", "match_kind": "ambiguous", "raw_name": "Aus bus"},
        {"path": None, "listed_name": "Fish", "match_kind": "linked_folder"},
        {"path": None, "listed_name": "Bird", "match_kind": "repeated_folder"},
        {"path": None, "listed_name": "pipe.jpg", "match_kind": "not_a_file"},
    ]
    labels, quarantine, curation_log = clean_rows(rows, {"cut.jpg": {"error": "truncated", "detail": "half"}})
    assert labels["path"].to_list() == ["0.jpg"]
    assert reasons_by_path(quarantine) == {
        "gone.jpg": "missing_file",
        "../x": "path_escape",
        "link.jpg": "path_escape",
        "new.jpg": "unlisted_file",
        "cut.jpg": "truncated",
        "two.jpg": "ambiguous_file",
        "Fish": "linked_folder",
        "Bird": "repeated_folder",
        "pipe.jpg": "not_a_file",
    }
    assert set(curation_log["field"]) == {"file"}


def test_inexact_file_matches_are_in_the_curation_log():
    rows = [{"raw_name": "Aus bus", "listed_name": "0.JPG", "match_kind": "extension"}]
    _, _, curation_log = clean_rows(rows)
    assert curation_log.select("defect", "before", "after").rows() == [
        ("extension_mismatch", "0.JPG", "0.jpg")
    ]


def test_repeated_rows_are_merged_and_conflicting_ones_quarantined():
    same = {"path": "same.jpg", "uuid": "same"}
    other = {"path": "other.jpg", "uuid": "other"}
    rows = [
        same | {"row_index": 0, "raw_name": "Aus bus"},
        same | {"row_index": 1, "raw_name": "aus bus"},
        same | {"row_index": 2, "raw_name": ""},
        other | {"row_index": 0, "raw_name": "Aus bus"},
        other | {"row_index": 1, "raw_name": "Aus cus"},
        other | {"row_index": 2, "raw_name": None},
    ]
    labels, quarantine, curation_log = clean_rows(rows)
    assert labels["path"].to_list() == ["same.jpg"]
    assert curation_log.filter(action="merged").select("path", "row_index").sort("row_index").rows() == [
        ("same.jpg", 1),
        ("same.jpg", 2),
    ]
    by_row = quarantine.sort("row_index").select("reason", "detail").rows()
    assert by_row[0] == by_row[1] == ("conflicting_rows", "its rows say Aus bus | Aus cus")
    assert len(by_row) == 3


def test_a_genus_against_a_species_is_a_conflict():
    rows = [
        {"uuid": "u", "path": "a.jpg", "row_index": i, "raw_name": name}
        for i, name in enumerate(["Aus bus", "Aus"])
    ]
    _, quarantine, _ = clean_rows([*rows, {"raw_name": "Aus bus", "path": "b.jpg"}])
    assert quarantine["reason"].to_list() == ["conflicting_rows"] * 2


@pytest.mark.parametrize(
    ("policy", "other"),
    [("formatting", "aus_bus"), ("subspecies", "Aus bus minor"), ("file_mismatch", "Aus bus")],
)
@pytest.mark.parametrize("faulty", [0, 1])
def test_the_rows_of_an_image_are_quarantined_together(policy, other, faulty):
    names, matches = ["Aus bus"] * 3, ["exact"] * 3
    names[faulty] = other
    matches[faulty] = "case" if policy == "file_mismatch" else "exact"
    rows = [
        {
            "uuid": "u",
            "path": "a.jpg",
            "row_index": row,
            "raw_name": name,
            "match_kind": match,
            "listed_name": f"{row}.jpg",
        }
        for row, (name, match) in enumerate(zip(names, matches, strict=True))
    ]
    rows.append({"uuid": "u", "path": "a.jpg", "row_index": 3, "raw_name": ""})
    labels, quarantine, curation_log = clean_rows(
        [*rows, {"raw_name": "Aus bus", "path": "b.jpg"}], policies=POLICIES | {policy: "quarantine"}
    )
    assert labels["path"].to_list() == ["b.jpg"]
    reasons_by_row = dict(quarantine.select("row_index", "reason").iter_rows())
    assert reasons_by_row == dict.fromkeys(range(3), policy) | {3: "no_name"}
    details = quarantine.filter(pl.col("row_index") != faulty, reason=policy)["detail"]
    assert all(detail.startswith(f"row {faulty} of this image: ") for detail in details)
    assert set(curation_log["action"]) == {"quarantined"}


def test_the_same_bytes_under_two_species_are_all_quarantined():
    rows = make_rows("Aus bus", "Aus cus", "Aus bus", "AUS DUS", "Aus dus")
    same = {path: {"sha256": "x"} for path in ("0.jpg", "1.jpg", "2.jpg")}
    labels, quarantine, _ = clean_rows(rows, same | {path: {"sha256": "y"} for path in ("3.jpg", "4.jpg")})
    assert reasons_by_path(quarantine) == dict.fromkeys(["0.jpg", "1.jpg", "2.jpg"], "label_conflict")
    assert labels["path"].to_list() == ["3.jpg", "4.jpg"]


def test_categories_are_cleaned_and_the_change_is_recorded():
    categories = ["Fish", "Fish ", "Se\u0301a", "S\u00e9a", " ", None]
    labels, _, curation_log = clean_rows(
        [{"raw_name": "Aus bus", "category": category} for category in categories]
    )
    kept = labels.sort("path").select("category").to_series().to_list()
    assert kept == ["Fish", "Fish", "S\u00e9a", "S\u00e9a", "", ""]
    assert curation_log.sort("path").select(
        "path", "field", "defect", "action", "before", "after"
    ).rows() == [
        ("1.jpg", "category", "spaces", "repaired", "Fish ", "Fish"),
        ("2.jpg", "category", "spaces", "repaired", "Se\u0301a", "S\u00e9a"),
    ]


def test_a_delivered_rank_called_all_is_null():
    labels, _, _ = clean_rows([{"raw_name": "Aus bus", "order": "all", "family": "Aidae"}])
    assert labels.select("order", "family").rows() == [(None, "Aidae")]


def test_misspelt_epithets_within_a_category():
    labels, _, curation_log = clean_rows(
        [
            *make_rows(*["Aus fasciatus"] * 3, "Aus fascatus"),
            {"raw_name": "Aus fasciatus x", "category": "Bird"},
        ]
    )
    assert set(labels["species"]) == {"Aus fasciatus"}
    misspelling = curation_log.filter(defect="misspelling").row(0, named=True)
    assert (misspelling["before"], misspelling["after"]) == ("Aus fascatus", "Aus fasciatus")
    assert misspelling["reason"] == "1 off Aus fasciatus, which names 3 images"
    other_category = [*make_rows(*["Aus fasciatus"] * 3), {"raw_name": "Aus fascatus", "category": "Bird"}]
    assert "Aus fascatus" in clean_rows(other_category)[0]["species"]
    confirmed = [
        *make_rows(*["Aus fasciatus"] * 3),
        {"raw_name": "Aus fascatus", "path": "Aus_fascatus_1.jpg"},
    ]
    assert "Aus fascatus" in clean_rows(confirmed)[0]["species"]


def test_a_misspelt_trinomial_keeps_its_third_word():
    labels, _, _ = clean_rows(make_rows(*["Aus fasciatus"] * 3, "Aus fascatus minor"))
    assert labels["infraspecies"].drop_nulls().to_list() == ["Aus fasciatus minor"]


@pytest.fixture
def taxonomy(tmp_path):
    path = tmp_path / "names.csv"
    rows = [
        "scientificName,acceptedNameUsage,class,family,vernacularName",
        "Aus bus,,Aves,Aidae,great bus",
        "Aus vetus,Aus bus,,,",
        "Aus albifrons,,Aves,Aidae,",
        "Aus duo,Cus cus,,,",
        "Aus duo,Dus dus,,,",
    ]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_a_taxonomy_gives_accepted_names_ranks_and_spelling(taxonomy):
    rows = make_rows("Aus bus", "Aus vetus minor", "Aus albifonts", "Aus duo", "Aus novus")
    labels, quarantine, curation_log = clean_rows(rows, taxonomy_path=taxonomy)
    assert quarantine.is_empty()
    name_rows = labels.sort("path").select("species", "infraspecies", "class", "family", "common_name").rows()
    assert name_rows == [
        ("Aus bus", None, "Aves", "Aidae", "great bus"),
        ("Aus bus", "Aus bus minor", "Aves", "Aidae", "great bus"),
        ("Aus albifrons", None, "Aves", "Aidae", None),
        ("Aus duo", None, None, None, None),
        ("Aus novus", None, None, None, None),
    ]
    changes = curation_log.filter(pl.col("defect") != "subspecies").iter_rows(named=True)
    audit = {row["path"]: (row["defect"], row["action"], row["after"]) for row in changes}
    assert audit == {
        "1.jpg": ("synonym", "repaired", "Aus bus"),
        "2.jpg": ("misspelling", "repaired", "Aus albifrons"),
        "3.jpg": ("ambiguous_synonym", "noted", "Aus duo"),
        "4.jpg": ("not_in_taxonomy", "noted", "Aus novus"),
    }


@pytest.mark.parametrize(
    ("policy", "label", "reason"),
    [
        ("formatting", "aus_bus", "formatting"),
        ("subspecies", "Aus bus minor", "subspecies"),
        ("misspelling", "Aus albifonts", "misspelling"),
        ("synonym", "Aus vetus", "synonym"),
        ("not_in_taxonomy", "Aus novus", "not_in_taxonomy"),
        ("genus_only", "Aus", "genus_only"),
        ("multiple_names", "Aus bus; Aus albifrons", "multiple_names"),
    ],
)
def test_each_defect_has_a_policy(taxonomy, policy, label, reason):
    rows = make_rows("Aus bus", label)
    labels, quarantine, curation_log = clean_rows(
        rows, policies=POLICIES | {policy: "quarantine"}, taxonomy_path=taxonomy
    )
    assert labels["path"].to_list() == ["0.jpg"]
    assert reasons_by_path(quarantine) == {"1.jpg": reason}
    assert curation_log.select("path", "defect", "action").rows() == [("1.jpg", reason, "quarantined")]
    with pytest.raises(ValueError, match=rf"{policy}: 1 row, the first .* of 1\.jpg"):
        clean_rows(rows, policies=POLICIES | {policy: "stop"}, taxonomy_path=taxonomy)


def test_the_policy_keep_leaves_names_as_written(taxonomy):
    policies = POLICIES | {"misspelling": "keep", "synonym": "keep"}
    labels, _, curation_log = clean_rows(
        make_rows("Aus albifonts", "Aus vetus"), policies=policies, taxonomy_path=taxonomy
    )
    assert sorted(labels["species"]) == ["Aus albifonts", "Aus vetus"]
    assert set(curation_log["action"]) == {"noted"}
    assert {"misspelling", "synonym"} <= set(curation_log["defect"])


def test_the_policy_can_exclude_names_of_the_captions_table():
    rows = [{"raw_name": "Aus bus"}, {"raw_name": "", "raw_name_in_captions": "Aus bus"}]
    _, quarantine, _ = clean_rows(rows, policies=POLICIES | {"missing": "quarantine"})
    assert reasons_by_path(quarantine) == {"1.jpg": "no_name"}


def test_other_spellings_of_a_file_name_have_a_policy():
    rows = [
        {"raw_name": "Aus bus"},
        {"raw_name": "Aus bus", "listed_name": "1.JPG", "match_kind": "extension"},
    ]
    _, quarantine, _ = clean_rows(rows, policies=POLICIES | {"file_mismatch": "quarantine"})
    assert reasons_by_path(quarantine) == {"1.jpg": "file_mismatch"}
    assert quarantine["detail"].item() == "listed as 1.JPG"


def test_dna_barcodes_are_kept_on_request_if_the_genus_is_known():
    rows = [
        {"raw_name": "Aus bus"},
        {"raw_name": "Aus sp. BOLD:AAA1234"},
        {"raw_name": "BOLD:AAB1234", "genus": "Cus"},
        {"raw_name": "BOLD:AAC1234"},
    ]
    assert set(reasons_by_path(clean_rows(rows)[1]).values()) == {"dna_barcode"}
    labels, quarantine, curation_log = clean_rows(rows, policies=POLICIES | {"dna_barcode": "keep"})
    assert labels.sort("path").select("genus", "species").rows() == [
        ("Aus", "Aus bus"),
        ("Aus", "Aus BOLD:AAA1234"),
        ("Cus", "Cus BOLD:AAB1234"),
    ]
    assert reasons_by_path(quarantine) == {"3.jpg": "dna_barcode"}
    assert curation_log.filter(action="noted")["defect"].to_list() == ["dna_barcode", "dna_barcode"]


def test_a_delivered_genus_and_ranks_are_the_fallback():
    rows = [{"raw_name": "Aus bus", "family": " Aidae "}, {"raw_name": None, "genus": "Aus", "order": ""}]
    labels, _, _ = clean_rows(rows, policies=POLICIES | {"genus_only": "keep"})
    assert labels.sort("path").select("genus", "species", "order", "family").rows() == [
        ("Aus", "Aus bus", None, "Aidae"),
        ("Aus", None, None, None),
    ]


def test_policies():
    rows = make_rows("Aus bus", "Aus", "Aus cf. cus")
    policies = POLICIES | {"genus_only": "keep", "open_nomenclature": "keep"}
    labels, quarantine, curation_log = clean_rows(rows, policies=policies)
    assert labels.select("genus", "species").rows() == [("Aus", "Aus bus"), ("Aus", None), ("Aus", None)]
    assert quarantine.is_empty()
    assert curation_log.select("defect", "action").rows() == [
        ("genus_only", "noted"),
        ("open_nomenclature", "noted"),
    ]
    with pytest.raises(ValueError, match=r"genus_only: 1 row, the first 'Aus' of 1\.jpg.*labels\.policies"):
        clean_rows(rows, policies=POLICIES | {"genus_only": "stop"})


def test_different_names_are_noted_and_the_metadata_wins():
    labels, _, curation_log = clean_rows([{"raw_name": "Aus bus", "raw_name_in_captions": "Aus cus"}])
    assert labels["species"].to_list() == ["Aus bus"]
    assert curation_log.select("defect", "action", "before", "after").rows() == [
        ("names_disagree", "noted", "Aus cus", "Aus bus")
    ]


def test_errors_name_the_cause():
    with pytest.raises(ValueError, match=r"none of 2 images can be read; the first: 0\.jpg: empty: 0 bytes"):
        clean_rows(
            make_rows("Aus bus", "Aus bus"),
            dict.fromkeys(["0.jpg", "1.jpg"], {"error": "empty", "detail": "0 bytes"}),
        )
    with pytest.raises(ValueError, match="no image is left: 2 no_name, 1 genus_only"):
        clean_rows(make_rows("", None, "Aus"))
    images = images_of(make_rows("Aus bus", "Aus bus"))
    first_inspection = inspection_of(images).head(1)
    with pytest.raises(ValueError, match=r"1\.jpg: not inspected"):
        clean_labels(images, first_inspection, policies=POLICIES, spelling_limits=LIMITS)
