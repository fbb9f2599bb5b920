"""The columns that a table provides: presets, overrides of a config, and errors."""

import pytest

from nearkin.sources.column_mapping import PRESETS, as_list, has_stray_braces, list_columns, resolve_columns
from nearkin.tables.images import Images

FIELDS = {"file", "species"} | set(Images.column_names())


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_have_known_fields_and_name_the_file(preset):
    fields = PRESETS[preset]
    assert set(fields) <= FIELDS and "file" in fields
    assert not any(has_stray_braces(text) for columns in fields.values() for text in as_list(columns))


def test_a_preset_uses_the_columns_that_the_table_has():
    header = ["gbifID", "identifier", "genus", "specificEpithet", "catalogNumber"]
    assert resolve_columns("t.csv", header, preset="darwin_core", overrides={}) == {
        "genus": ["genus"],
        "file": ["identifier"],
        "species": ["{genus} {specificEpithet}"],
        "specimen": ["catalogNumber"],
    }


def test_overrides_replace_or_remove_columns_of_a_preset():
    header = ["processid", "order", "genus", "name"]
    overrides = {"species": ["name", "{genus} sp."], "category": []}
    columns = resolve_columns("t.csv", header, preset="bioscan_5m", overrides=overrides)
    assert columns["file"] == ["{processid}.jpg"] and columns["species"] == ["name", "{genus} sp."]
    assert "category" not in columns and columns["order"] == ["order"]


def test_the_older_tree_of_life_has_epithets_for_species():
    header = ["treeoflife_id", "genus", "species", "common_name"]
    assert resolve_columns("t.csv", header, preset="darwin_core", overrides={})["species"] == [
        "{genus} {species}"
    ]
    assert resolve_columns("t.csv", header[1:] + ["uuid"], preset="darwin_core", overrides={})["species"] == [
        "species"
    ]


@pytest.mark.parametrize(
    ("overrides", "message"),
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
def test_missing_columns_are_named_with_the_existing_ones(overrides, message):
    with pytest.raises(ValueError, match=message):
        resolve_columns("t.csv", ["image", "name"], preset="vlm4bio", overrides=overrides)


def test_braces():
    assert list_columns("{a b}_{dwc:genus!}.jpg") == ["a b", "dwc:genus!"]
    assert list_columns("plain") == ["plain"]
    assert [has_stray_braces(text) for text in ["{a}", "a", "{a", "a}", "{}", "{{a}}"]] == [
        *(False, False),
        *(True, True, True, True),
    ]
