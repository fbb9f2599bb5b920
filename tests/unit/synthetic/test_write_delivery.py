"""The synthetic dataset: names, images, layout, faults and the truth file."""

import csv
import hashlib
import io
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nameparser import parse
from PIL import Image

from nearkin.synthetic import encode, inject, scene
from nearkin.synthetic.records import clean_entries
from nearkin.synthetic.taxonomy import CATEGORIES, draw_taxonomy
from nearkin.synthetic.write_delivery import TRUTH_COLUMNS, truth_rows, write_delivery

SMALL = {"seed": 1, "n_species": 6, "largest_species": 5, "image_size": 40}
SPECIMEN = [r"^fish_(\d+)_", r"^([A-Z][A-Za-z]+(?:_[A-Za-z]+)*_\d+)_"]
DEFECTS = """
    byte_copy caption_empty caption_garbled caption_other_species caption_placeholder
    caption_row_missing caption_whitespace conflicting_rows extension_mismatch html_as_image
    huge_dimensions label_conflict missing_file name_authorship name_blank name_case name_empty
    name_genus_only name_hybrid name_misspelt name_nan name_not_normalised name_open name_spaces
    name_subspecies name_underscore near_duplicate path_escape repeated_row truncated_image
    unlisted_file unusual_mode zero_byte_file
"""


@pytest.fixture(scope="module")
def delivery(tmp_path_factory):
    """A small dataset with many faults, and its truth file."""
    folder = tmp_path_factory.mktemp("synthetic") / "delivery"
    write_delivery(
        folder, seed=1, n_species=12, largest_species=12, image_size=32, fault_rate=0.04, n_workers=1
    )
    with open(folder / "truth.csv", encoding="utf-8", newline="") as handle:
        return folder, list(csv.DictReader(handle))


def digest_files(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_shipped_dataset_has_the_documented_size():
    species = draw_taxonomy(1, 48, 40)
    assert len(species) == len({record.name for record in species}) == 48
    assert len({record.genus for record in species}) == 21
    assert {record.category for record in species} == set(CATEGORIES)
    counts = sorted(record.n_images for record in species)
    assert (counts[0], counts[-1]) == (2, 40)
    assert 600 < sum(counts) < 700
    assert np.median(counts) < np.mean(counts)


@given(st.integers(0, 10**6), st.integers(3, 60), st.integers(2, 60))
@settings(max_examples=25, deadline=None)
def test_names_are_binomials_and_specimens_are_in_the_file_names(seed, n_species, largest):
    species = draw_taxonomy(seed, n_species, largest)
    assert len({record.common_name for record in species}) == n_species
    assert all(re.fullmatch("[A-Z][a-z]+ [a-z]+", record.name) for record in species)
    entries = clean_entries(species, seed)
    assert Counter(entry.species.name for entry in entries) == {
        record.name: record.n_images for record in species
    }
    assert len({entry.path for entry in entries}) == len(entries)
    specimens_by_name = {}
    for entry in entries:
        pattern = SPECIMEN[entry.category != "Fish"]
        specimens_by_name.setdefault(re.match(pattern, entry.listed)[1], set()).add(
            (entry.species.number, entry.specimen)
        )
    assert all(len(specimens) == 1 for specimens in specimens_by_name.values())
    assert len(specimens_by_name) == len({(entry.species.number, entry.specimen) for entry in entries})
    assert min(Counter(number for [(number, _)] in specimens_by_name.values()).values()) >= 2


def test_a_name_parser_reads_the_names_as_binomials():
    for species in draw_taxonomy(1, 48, 40):
        name = parse(species.name)
        assert (name.genus, name.specific_epithet) == (species.genus, species.epithet)


def test_a_picture_is_the_same_each_time_and_differs_between_views():
    for species in draw_taxonomy(1, 3, 4):
        first, repeated, other = (
            np.asarray(scene.draw_picture(species, 0, view, seed=1, image_size=64)) for view in (0, 0, 1)
        )
        assert first.dtype == np.uint8 and max(first.shape) == 64
        assert (first == repeated).all()
        assert first.shape != other.shape or (first != other).any()
        assert first.std() > 10


def test_processes_do_not_change_a_byte(tmp_path):
    for folder, n_workers in (("one", 1), ("two", 2)):
        write_delivery(tmp_path / folder, **SMALL, fault_rate=0.1, n_workers=n_workers)
    assert digest_files(tmp_path / "one") == digest_files(tmp_path / "two")
    write_delivery(tmp_path / "other", **SMALL | {"seed": 2}, fault_rate=0.1, n_workers=1)
    assert digest_files(tmp_path / "one").keys() != digest_files(tmp_path / "other").keys()


def test_a_folder_with_files_is_refused_and_unchanged(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear all")
    with pytest.raises(FileExistsError, match="not empty"):
        write_delivery(tmp_path / "mine", **SMALL, fault_rate=0, n_workers=1)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "letter.txt"]


def test_the_layout_is_that_of_vlm4bio(delivery):
    folder, truth = delivery
    tables = {
        "Fish": (folder / "datasets/Fish/metadata/metadata_10k.csv").read_bytes(),
        "Bird": (folder / "datasets/Bird/metadata/bird_metadata_10k.csv").read_bytes(),
        "Butterfly": (folder / "datasets/Butterfly/metadata/metadata.csv").read_bytes(),
    }
    assert tables["Fish"].startswith(b"fileNameAsDelivered,scientificName\n")
    assert tables["Bird"].startswith(b"\xef\xbb\xbffileNameAsDelivered,scientificName\r\n")
    assert tables["Butterfly"].startswith(b'"fileNameAsDelivered","scientificName"\n')
    with open(folder / "vlm4bio_captions.csv", encoding="utf-8", newline="") as handle:
        captions = list(csv.DictReader(handle))
    columns = "category image_name scientific_name caption image_path has_metadata"
    assert " ".join(captions[0]) == columns
    assert all((folder / row["image_path"]).is_file() for row in captions)
    assert list(truth[0]) == list(TRUTH_COLUMNS)
    on_disk = {str(path.relative_to(folder)) for path in folder.glob("datasets/*/chunk_*/*")}
    assert {row["file"] for row in truth if row["file"]} == on_disk


def test_every_kind_of_fault_occurs_at_the_shipped_size():
    entries = inject.inject_faults(clean_entries(draw_taxonomy(1, 48, 40), 1), 0.002, 1)
    assert set(DEFECTS.split()) == {entry.defect for entry in entries} - {"none"}
    assert {entry.treatment for entry in entries if entry.defect == "unusual_mode"} == {
        "CMYK", "turned by EXIF", "palette with transparency", "16-bit grey",
    }  # fmt: skip
    assert 0.05 < sum(entry.defect != "none" for entry in entries) / len(entries) < 0.2


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.002, 0.02, 0.2]))
@settings(max_examples=12, deadline=None)
def test_no_rate_loses_a_picture_or_repeats_a_name(seed, rate):
    clean = clean_entries(draw_taxonomy(seed, 24, 30), seed)
    entries = inject.inject_faults(clean, rate, seed)
    assert {(entry.species, entry.specimen, entry.view) for entry in clean} <= {
        (entry.species, entry.specimen, entry.view) for entry in entries
    }
    for names in (
        [entry.path for entry in entries if entry.path],
        [entry.listed for entry in entries if entry.listed],
    ):
        assert len(set(names)) == len(names)
    assert rate or entries == sorted(clean, key=lambda entry: (entry.category, entry.path))
    untouched = sum(entry.defect == "none" for entry in entries)
    assert untouched >= (1 - inject.MAX_FAULTY_SHARE) * len(clean) - 1
    names = {entry.species.name for entry in clean}
    for row in truth_rows(entries, {}):
        assert row["correct_species"] in names
        assert row["expected_outcome"] in ("kept", "repaired", "flagged", "grouped", "quarantined")
        if row["defect"] in ("name_misspelt", "name_case", "name_spaces", "name_underscore"):
            assert row["as_delivered"] not in names and row["correct_value"] == row["correct_species"]


def test_copies_agree_with_the_truth_file(delivery):
    folder, truth = delivery
    for row in truth:
        first, second = folder / row["file"], folder / row["correct_value"]
        if row["defect"] in ("byte_copy", "label_conflict"):
            assert first.read_bytes() == second.read_bytes()
        if row["defect"] == "near_duplicate":
            assert first.read_bytes() != second.read_bytes()
            small = [
                np.asarray(Image.open(path).convert("L").resize((12, 12)), float) for path in (first, second)
            ]
            assert np.abs(small[0] - small[1]).mean() < 25
    assert {"byte_copy", "label_conflict", "near_duplicate"} <= {row["defect"] for row in truth}


def test_related_views_are_symmetric_and_usable(delivery):
    _, truth = delivery
    related = [row for row in truth if row["defect"] == "related_frames"]
    quarantined = {row["file"] for row in truth if row["expected_outcome"] == "quarantined"}
    assert related
    assert {row["file"] for row in related} == {row["correct_value"] for row in related}
    assert not quarantined & {row["file"] for row in related}


def test_damaged_files_are_damaged_and_unusual_ones_are_readable():
    picture = scene.draw_picture(draw_taxonomy(1, 3, 4)[0], 0, 0, seed=1, image_size=48)

    def open_treated(treatment, path="a.jpg"):
        return Image.open(io.BytesIO(encode.encode(picture, path, treatment)[0]))

    cut, note = encode.encode(picture, "a.jpg", "truncated")
    assert re.fullmatch(rf"{len(cut)} of \d+ bytes", note)
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(cut)).load()
    assert open_treated("CMYK").mode == "CMYK"
    assert open_treated("turned by EXIF").size == picture.size[::-1]
    assert open_treated("palette with transparency", "a.png").info["transparency"] == 0
    assert open_treated("16-bit grey", "a.png").mode == "I;16"
    assert encode.encode_non_picture("empty", "a.jpg") == b""
    assert b"a.jpg" in encode.encode_non_picture("page", "a.jpg")


def test_the_decompression_bomb_is_valid_but_huge():
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(encode.huge_png(30_123)))
    small = Image.open(io.BytesIO(encode.huge_png(600)))  # two repeats and a rest
    assert small.size == (600, 600)
    assert small.getextrema() == (0, 0)
