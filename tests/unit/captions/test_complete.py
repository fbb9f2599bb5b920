"""Each kept image gets one usable caption; clean captions are unchanged."""

import polars as pl
import pytest

from nearkin.captions import complete
from nearkin.captions.cleaning import MAX_CHARS
from nearkin.captions.complete import complete_captions
from nearkin.tables.labels import Captions, CurationLog
from tests.factories.delivery import images_of
from tests.factories.random_study import labels_of

PRIORITY = ["delivered", "sidecar", "tables", "template"]


def complete_texts(captions, sidecars=None, tables=(), *, species=None, priority=PRIORITY):
    """Captions and CurationLog in the order of `captions`; `tables` are lists of captions."""
    labels = labels_of(species or ["Aus bus"] * len(captions))
    labels = labels.with_columns(common_name=pl.lit(None, dtype=pl.String))
    uuids = labels["uuid"].to_list()
    texts = zip(uuids, captions, sidecars or [None] * len(captions), strict=True)
    images = images_of(
        [{"uuid": uuid, "caption": text, "sidecar_caption": sidecar} for uuid, text, sidecar in texts]
    )
    caption_tables = [
        pl.DataFrame({"image": uuids, "caption": texts}, schema_overrides={"caption": pl.String})
        for texts in tables
    ]
    result, curation_log = complete_captions(
        labels, images, caption_tables, priority=priority, templates=["A photo of {species}."]
    )
    Captions.validate(result), CurationLog.validate(curation_log)
    order = labels.select("uuid").with_row_index()
    return result, curation_log.join(order, on="uuid").sort("index", "field", "defect")


def changes_of(curation_log):
    return curation_log.select("field", "defect", "action", "before", "after").rows()


def test_clean_captions_are_unchanged_and_not_logged():
    captions = ["A fish.", "Fins <5 cm & more, the fish\u2019s own.", "An \u9c7c."]
    result, curation_log = complete_texts(captions, sidecars=["nan"] * 3)
    assert result["caption"].to_list() == captions
    assert set(result["caption_source"]) == {"delivered"}
    assert curation_log.is_empty()


def test_a_repaired_caption_keeps_its_source():
    result, curation_log = complete_texts(["<p>A fish</p>\r\n"])
    assert result.select("caption", "caption_source").row(0) == ("A fish", "delivered")
    assert changes_of(curation_log) == [
        ("caption", "markup", "repaired", "<p>A fish</p>\r\n", "A fish"),
        ("caption", "whitespace", "repaired", "<p>A fish</p>\r\n", "A fish"),
    ]


def test_the_first_usable_source_wins_and_each_that_failed_is_logged():
    result, curation_log = complete_texts(["nan"], ["TODO\n"], [["<p></p>"], ["A  fish"]])
    assert result.select("caption", "caption_source").row(0) == ("A fish", "table:2")
    assert changes_of(curation_log) == [
        ("caption", "placeholder", "filled", "nan", "A fish"),
        ("sidecar", "placeholder", "filled", "TODO", "A fish"),
        ("table:1", "empty", "filled", "<p></p>", "A fish"),
        ("table:2", "whitespace", "repaired", "A  fish", "A fish"),
    ]


@pytest.mark.parametrize(
    ("priority", "source"),
    [
        (["sidecar", "delivered", "template"], "sidecar"),
        (["tables", "sidecar", "template"], "table:1"),
        (["template"], "template:1"),
    ],
)
def test_the_user_orders_the_sources(priority, source):
    result, curation_log = complete_texts(
        ["A fish."], ["A red fish.\r\n"], [["A blue fish."]], priority=priority
    )
    assert result["caption_source"].item() == source
    assert curation_log.is_empty()


def test_a_missing_caption_is_logged_for_the_first_source_with_captions():
    _, curation_log = complete_texts(["A fish.", None], [None, "A red fish."])
    assert changes_of(curation_log) == [("caption", "missing", "filled", None, "A red fish.")]
    _, curation_log = complete_texts([None, None], ["A fish.", None], [[None, "A red fish."]])
    assert changes_of(curation_log) == [("sidecar", "missing", "filled", None, "A red fish.")]
    result, curation_log = complete_texts([None])
    assert changes_of(curation_log) == [("caption", "missing", "filled", None, "A photo of Aus bus.")]


def test_captions_of_another_species_are_unusable_from_any_source():
    species = ["Aus bus", "Aus cus"]
    result, curation_log = complete_texts(
        ["An Aus cus.", "A fish."], ["Here: aus_cus", None], [["A. cus", None]], species=species
    )
    assert result["caption"].to_list() == ["A photo of Aus bus.", "A fish."]
    assert curation_log["field"].to_list() == ["caption", "sidecar", "table:1"]
    assert curation_log.select("defect", "reason").unique().row(0) == (
        "other_species",
        "it names Aus cus, not Aus bus",
    )


def test_lost_characters_are_logged():
    result, curation_log = complete_texts(["The fish\ufffds fin."])
    assert result["caption"].item() == "The fish\ufffds fin."
    assert curation_log.select("defect", "action").row(0) == ("lost_characters", "noted")


def test_ten_megabytes_are_truncated_and_logged():
    result, curation_log = complete_texts(["fin " * 2_500_000])
    assert len(result["caption"][0]) <= MAX_CHARS
    assert curation_log["defect"].to_list() == ["too_long"]
    assert curation_log["before"][0].endswith("(10000000 characters)")


def test_of_several_rows_the_first_usable_caption_is_used():
    labels = labels_of(["Aus bus"]).with_columns(common_name=pl.lit(None, dtype=pl.String))
    uuid = labels["uuid"][0]
    rows = [
        {"uuid": uuid, "row_index": row, "caption": text}
        for row, text in enumerate([None, " ", "nan", "A fish."])
    ]
    for images in (images_of(rows), images_of(rows[::-1])):
        result, curation_log = complete_captions(
            labels, images, [], priority=PRIORITY, templates=["{species}"]
        )
        assert result["caption"].to_list() == ["A fish."]
        assert curation_log.is_empty()
        result, curation_log = complete_captions(
            labels, images.filter(pl.col("row_index") < 3), [], priority=PRIORITY, templates=["{species}"]
        )
        assert curation_log.select("row_index", "defect").rows() == [(2, "placeholder")]


def test_the_order_of_rows_and_the_size_of_chunks_change_nothing(monkeypatch):
    labels = labels_of(["Aus bus", "Aus cus"] * 10).with_columns(common_name=pl.lit(None, dtype=pl.String))
    texts = ["A fish.", "An Aus cus.", None, "nan", "<p>A fish</p>"] * 4
    uuids_and_texts = zip(labels["uuid"], texts, strict=True)
    images = images_of([{"uuid": uuid, "caption": text} for uuid, text in uuids_and_texts])
    results = []
    for step in (1, -1):
        monkeypatch.setattr(complete, "CHUNK_ROWS", 3 if step < 0 else 100)
        frames = complete_captions(
            labels[::step], images[::step], [], priority=PRIORITY, templates=["{species}", "{genus}"]
        )
        results.append([frames[0].sort("uuid"), frames[1].sort("uuid", "defect")])
    assert all(table.equals(other) for table, other in zip(*results, strict=True))


def test_a_second_run_changes_nothing():
    captions = ["<p>A fish</p>", "nan", None, "An Aus cus.", "A  fish\ufffd", "A fish."]
    species = ["Aus bus"] * 5 + ["Aus cus"]
    first, _ = complete_texts(captions, species=species)
    second, curation_log = complete_texts(first["caption"].to_list(), species=species)
    assert second["caption"].to_list() == first["caption"].to_list()
    assert curation_log["action"].to_list() == ["noted"]


def test_no_images_no_captions():
    labels = labels_of(["Aus bus"]).with_columns(common_name=pl.lit(None, dtype=pl.String)).head(0)
    result, curation_log = complete_captions(
        labels, images_of([]), [], priority=PRIORITY, templates=["{species}"]
    )
    assert result.is_empty() and curation_log.is_empty()
