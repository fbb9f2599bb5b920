"""Contact sheets show the correct species and queries and are reproducible, whatever the names."""

import io

import polars as pl
import pytest
from PIL import Image

from nearkin.gallery import contact_sheet, sheet_selection
from nearkin.tables.gallery import SHEETS, ContactSheetEntries
from tests.factories import gallery, results

BASE, TRAINED = "untrained", "lite0"


@pytest.fixture(scope="module")
def study():
    return results.study(16, bootstrap_samples=20)


@pytest.fixture(scope="module")
def neighbours(study):
    """The neighbours of both models, lazy."""
    return {
        model: gallery.neighbours(study["labels"], study["splits"], skill=skill, seed=seed).lazy()
        for seed, (model, skill) in enumerate({BASE: 0.3, TRAINED: 0.7}.items())
    }


def select(study, neighbours, differences=None):
    labels = study["labels"].lazy()
    confusions = gallery.count_all_confusions(neighbours[TRAINED], study["labels"])
    differences = study["differences"][BASE, TRAINED] if differences is None else differences
    rows = sheet_selection.select_entries(
        differences, confusions, base=neighbours[BASE], trained=neighbours[TRAINED], labels=labels
    )
    return ContactSheetEntries.validate(rows)


@pytest.fixture(scope="module")
def rows(study, neighbours):
    return select(study, neighbours)


def list_species(rows, sheet):
    return rows.filter(sheet=sheet).sort("position")["species"].unique(maintain_order=True).to_list()


def test_species_are_sorted_by_number_then_by_name(study, rows):
    ranked = study["differences"][BASE, TRAINED].filter(
        pl.col("label") != "all",
        pl.col("enough_queries"),
        protocol="leave_one_out",
        level="species",
        metric="recall",
        k=1,
    )
    by_name = sorted(ranked.select("trained", "diff_pp", "label").rows(), key=lambda row: row[2])
    assert list_species(rows, "best") == [row[2] for row in sorted(by_name, key=lambda row: -row[0])][:4]
    assert list_species(rows, "worst") == [row[2] for row in sorted(by_name, key=lambda row: row[0])][:4]
    improved = [row for row in by_name if row[1] > 0]
    assert (
        list_species(rows, "most_improved")
        == [row[2] for row in sorted(improved, key=lambda row: -row[1])][:4]
    )


def test_models_share_queries_and_disagreements_come_first(rows):
    for _, subject in rows.group_by("sheet", "position"):
        assert (
            subject.filter(model="base")["query"]
            .unique()
            .sort()
            .equals(subject.filter(model="trained")["query"].unique().sort())
        )
        assert subject.group_by("query", "model").agg("rank")["rank"].list.len().unique().to_list() == [5]
        assert subject["query"].n_unique() <= sheet_selection.QUERIES_PER_SUBJECT[subject["sheet"][0]]


def test_a_confusion_shows_queries_nearest_to_the_other_species(rows):
    first = rows.filter(sheet="confusions", model="trained", rank=1)
    assert (
        len(first) and (first["neighbour_label"] == first["predicted"]).all() and not first["correct"].any()
    )


def test_the_order_of_rows_changes_nothing(study, neighbours, rows):
    shuffled = {
        name: frame.collect().sample(fraction=1, shuffle=True, seed=1).lazy()
        for name, frame in neighbours.items()
    }
    key = ContactSheetEntries.primary_key()
    assert select(study, shuffled).sort(key).equals(rows.sort(key))


def draw(rows, study, sheet):
    pictures = dict(gallery.thumbnails(study["labels"]).select("uuid", "jpeg").iter_rows())
    return contact_sheet.draw_contact_sheet(
        rows.filter(sheet=sheet), pictures, sheet=sheet, base=BASE, trained=TRAINED
    )


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_sheet_is_the_same_bytes_each_time(study, rows, tmp_path, sheet):
    for name in ("one.png", "two.png"):
        contact_sheet.save_contact_sheet(
            draw(rows.sample(fraction=1, shuffle=True), study, sheet), tmp_path / name
        )
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with Image.open(io.BytesIO((tmp_path / "one.png").read_bytes())) as image:
        assert image.width == contact_sheet.WIDTH and not image.info


def test_a_sheet_is_drawn_without_ranked_species(study, neighbours):
    unranked = study["differences"][BASE, TRAINED].with_columns(enough_queries=pl.lit(False))
    rows = select(study, neighbours, unranked)
    assert set(rows["sheet"]) == {"confusions"}
    assert draw(rows, study, "worst").height < 200


def test_names_of_any_length_and_missing_pictures_are_drawn(rows):
    name = pl.lit("\N{RIGHT-TO-LEFT OVERRIDE}" + "x" * 500 + " \n" + "y" * 500)
    odd = rows.filter(sheet="best").with_columns(species=name, name=name)
    image = contact_sheet.draw_contact_sheet(odd, {}, sheet="best", base="b" * 200, trained="t" * 200)
    assert image.width == contact_sheet.WIDTH
