"""Which columns of a table count: presets, what a config puts in their place, and what cannot be."""

import pytest

from nearkin.sources.column_mapping import PRESETS, as_list, has_stray_braces, list_columns, resolve_columns
from nearkin.tables.images import Images

FIELDS = {"file", "species"} | set(Images.column_names())


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_of_known_fields_and_name_the_file(preset):
    fields = PRESETS[preset]
    assert set(fields) <= FIELDS and "file" in fields
    assert not any(has_stray_braces(text) for message in fields.values() for text in as_list(message))


def test_of_a_preset_counts_what_the_table_has():
    has = ["gbifID", "identifier", "genus", "specificEpithet", "catalogNumber"]
    assert resolve_columns("t.csv", has, preset="darwin_core", overrides={}) == {
        "genus": ["genus"],
        "file": ["identifier"],
        "species": ["{genus} {specificEpithet}"],
        "specimen": ["catalogNumber"],
    }


def test_own_columns_replace_single_ones_of_a_preset_or_leave_them_out():
    has = ["processid", "order", "genus", "name"]
    own = {"species": ["name", "{genus} sp."], "category": []}
    found = resolve_columns("t.csv", has, preset="bioscan_5m", overrides=own)
    assert found["file"] == ["{processid}.jpg"] and found["species"] == ["name", "{genus} sp."]
    assert "category" not in found and found["order"] == ["order"]


def test_the_older_tree_of_life_has_epithets_for_species():
    has = ["treeoflife_id", "genus", "species", "common_name"]
    assert resolve_columns("t.csv", has, preset="darwin_core", overrides={})["species"] == [
        "{genus} {species}"
    ]
    assert resolve_columns("t.csv", has[1:] + ["uuid"], preset="darwin_core", overrides={})["species"] == [
        "species"
    ]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            {"species": "nmae"},
            r"t\.csv: no column 'nmae', which source\.columns\.species names; did you mean 'name'",
        ),
        ({"file": ["image", "{id}_{view}.jpg"]}, r"no column 'id', which source\.columns\.file names"),
        ({"file": []}, "no column names the image files"),
        ({}, r"preset vlm4bio knows fileNameAsDelivered, image_path, image_name, and it has image, name"),
    ],
)
def test_what_is_missing_is_named_with_what_there_is(own, message):
    with pytest.raises(ValueError, match=message):
        resolve_columns("t.csv", ["image", "name"], preset="vlm4bio", overrides=own)


def test_braces():
    assert list_columns("{a b}_{dwc:genus!}.jpg") == ["a b", "dwc:genus!"]
    assert list_columns("plain") == ["plain"]
    assert [has_stray_braces(text) for text in ["{a}", "a", "{a", "a}", "{}", "{{a}}"]] == [
        *(False, False),
        *(True, True, True, True),
    ]
