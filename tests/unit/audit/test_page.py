"""The audit: it counts what the tables hold, shows some of it, stays small, and does no harm."""

import base64
import hashlib
import io as bytesio
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nearkin.audit import content as audit
from nearkin.audit import near_duplicates, overview, page, repairs, text_diff, thumbnails
from nearkin.audit.glossary import DEFECT_MEANINGS
from nearkin.figures import rank_abundance, theme
from nearkin.groups.alignment import aligned_similarity
from nearkin.images.decode import PROBLEMS
from nearkin.images.dhash import CROPS, SIDE, transform_view
from nearkin.labels.policies import DEFECTS, REPAIRABLE
from scripts.write_audit import write_audit
from tests.factories import audit_tables
from tests.unit.report.test_page import Page

EVIL = (
    "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    "{{ 7 * 7 }}\u202egpj.exe\n=cmd|'/C calc'!A0"
)
LETTERS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=80)


def content_of(tables, folder):
    lazy = {name: frame.lazy() for name, frame in tables.items() if name != "statistics"}
    return audit.collect(
        dataset="made_up", statistics=tables["statistics"], folder=folder, max_megapixels=1, **lazy
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("delivery")


@pytest.fixture(scope="module")
def tables(folder):
    return audit_tables.curation(folder)


@pytest.fixture(scope="module")
def content(tables, folder):
    return content_of(tables, folder)


@pytest.fixture(scope="module")
def html(content):
    return page.render_audit(content)


def test_the_script_writes_the_same_bytes_again(tables, folder, html, tmp_path):
    inputs = audit_tables.written(tables, tmp_path)
    write_audit(inputs, tmp_path / "audit.html", dataset="made_up", folder=folder, max_megapixels=1)
    assert (tmp_path / "audit.html").read_text(encoding="utf-8") == html
    assert str(folder) not in html


def test_every_delivered_row_is_counted_once(content, html):
    whole = content["outcomes"][-1]
    assert whole == {
        "category": "all",
        "delivered": 11,
        "kept": 6,
        "untouched": 5,
        "repaired": 1,
        "merged": 1,
        "quarantined": 4,
    }
    for row in content["outcomes"]:
        assert row["delivered"] == row["kept"] + row["merged"] + row["quarantined"]
    assert (
        "6 of 11 delivered rows can be used (55 %), 1 of them after a repair; 4 were quarantined"
        in Page(html).text
    )
    assert content["caption_sources"] == [
        {"source": "delivered", "n": 5, "by_category": [2, 3]},
        {"source": "template:1", "n": 1, "by_category": [0, 1]},
    ]


def test_defects_are_counted_by_outcome_and_category_and_have_a_meaning(content):
    counted = {(row["field"], row["defect"], row["action"]): row for row in content["defects"]}
    assert len(counted) == 6
    conflicting = counted["row", "conflicting_rows", "quarantined"]
    assert (conflicting["n"], conflicting["by_category"]) == (2, [0, 2])
    assert conflicting["meaning"] == "rows of one image name different species"
    assert counted["caption", "row_missing", "filled"]["meaning"] == "made up: row_missing"


def test_every_word_whose_evidence_says_less_has_a_meaning():
    words = {*PROBLEMS, *DEFECTS, *REPAIRABLE, "no_name", "conflicting_rows", "label_conflict"}
    assert words - {defect for _, defect in DEFECT_MEANINGS} == {"empty"}, "its evidence is always the same"


def test_quarantined_rows_and_groups_to_review_are_shown(content):
    assert [(row["reason"], row["n"], len(row["rows"])) for row in content["quarantine_reasons"]] == [
        ("conflicting_rows", 2, 0),
        ("missing_file", 1, 1),
        ("not_an_image", 1, 1),
    ]
    n, [twice] = content["rows_that_differ"]
    assert (n, twice["labels"]) == (1, ["Salmo salar", "Salmo trutta"])
    n, [group] = content["disagreeing"]
    assert (n, [one["label"] for one in group["members"]]) == (1, ["Parus major", "Salmo salar"])
    [near] = content["alike"]["near"]
    assert [one["path"] for one in near["members"]] == ["Fish/1.png", "Fish/2.png"]
    assert 0.9 < near["similarity"] <= 1
    assert content["by_rule"][0]["species"] == ["Parus major"]


def test_a_picture_that_cannot_be_shown_says_why(content):
    why = {uuid[7]: picture["why"] for uuid, picture in content["pictures"].items()}
    assert why == {
        "1": None,
        "2": None,
        "4": None,
        "5": None,
        "6": None,
        "7": "not an image",
        "8": "no file opened",
    }


def test_copies_under_two_names_stand_side_by_side(tables, folder):
    uuids = tables["inspection"]["uuid"][6:8].to_list()
    changed = tables | {
        "quarantine": tables["quarantine"].with_columns(reason=pl.lit("label_conflict")),
        "inspection": tables["inspection"].with_columns(
            sha256=pl.when(pl.col("uuid").is_in(uuids)).then(pl.lit("same")).otherwise("sha256")
        ),
    }
    n, [copies] = content_of(changed, folder)["copies_that_differ"]
    assert (n, [one["label"] for one in copies]) == (1, ["Salmo salar", "Salmo trutta", "no name"])


def test_nothing_is_fetched_and_one_script_may_run(html):
    found = Page(html)
    for tag, attrs in found.tags:
        for name in ("src", "href", "srcset", "data", "action"):
            assert re.match(r"data:|#|$", attrs.get(name) or ""), (tag, name, attrs[name])
    [script] = found.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = [attrs["content"] for attrs in found.all("meta") if "http-equiv" in attrs]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert f"script-src 'sha256-{digest}' blob:;" in policy
    assert all(attrs["alt"] for attrs in found.all("img"))
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and all(
        after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)
    )


def evil(tables, text):
    """The tables with a text wherever a delivery may put one; keys and counts stay."""

    def spoilt(frame, *columns):
        return frame.with_columns(
            pl.when(pl.col(name).is_not_null()).then(pl.lit(text) + pl.col(name)).alias(name)
            for name in columns
        )

    names = ["path", "category", "genus", "species"]
    return tables | {
        "images": spoilt(tables["images"], "path", "listed_name", "category", "raw_name"),
        "inspection": spoilt(tables["inspection"], "error", "detail"),
        "labels": spoilt(tables["labels"], *names),
        "captions": spoilt(tables["captions"], *names, "caption", "caption_source"),
        "quarantine": spoilt(tables["quarantine"], "path", "reason", "detail"),
        "curation_log": spoilt(
            tables["curation_log"], "path", "field", "defect", "before", "after", "reason"
        ),
        "groups": spoilt(tables["groups"], "path"),
        "splits": spoilt(tables["splits"].with_columns(evidence=pl.lit("")), "reason", "evidence"),
        "statistics": tables["statistics"].with_columns(
            pl.when(pl.col("category") == "all").then("category").otherwise(pl.lit(text) + pl.col("category"))
        ),
    }


@pytest.mark.parametrize("text", [EVIL, "x" * 100_000])
def test_delivered_text_stays_text_and_short(tables, folder, html, text):
    spoilt = page.render_audit(content_of(evil(tables, text), folder))
    found, plain = Page(spoilt), Page(html)
    assert {tag for tag, _ in found.tags} <= {tag for tag, _ in plain.tags}
    assert len(found.scripts) == 1
    assert {name for _, attrs in found.tags for name in attrs} <= {
        name for _, attrs in plain.tags for name in attrs
    }
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", found.text)
    body = spoilt[spoilt.index("<body") : spoilt.rindex("<script")]
    assert max(map(len, re.split("<[^>]*>", re.sub('data:image[^"]*', "", body)))) < 1000


def test_a_large_audit_is_sampled_evenly_and_says_so(tables, folder):
    rows = [
        audit_tables.gap(uuid, "name", f"kind_{kind}", "noted", f"before {i}", f"after {i}", f"{i}.jpg")
        for kind in range(30)
        for i, uuid in enumerate(f"{number:08d}-0000-5000-8000-000000000000" for number in range(250))
    ]
    curation_log = audit_tables.table("curation_log", rows)
    shown = repairs.list_changes(
        curation_log.lazy(), categories=tables["images"].lazy().select("uuid", "category").unique("uuid")
    )
    counts = pl.DataFrame(shown).group_by("defect").len()["len"]
    assert len(shown) == repairs.MAX_ROWS
    assert counts.max() <= repairs.MAX_PER_DEFECT and counts.max() - counts.min() <= 1
    text = Page(page.render_audit(content_of(tables | {"curation_log": curation_log}, folder))).text
    assert "The table holds 5,000 of 7,500 rows, at most 200 of a kind" in text


def test_many_categories_are_folded():
    names = [f"c{i:02d}" for i in range(30)]
    images = audit_tables.table(
        "images",
        [
            {"uuid": f"{c}{i}", "row_index": 0, "category": c}
            for n, c in enumerate(names)
            for i in range(n + 1)
        ],
    )
    folded, shown = overview.list_categories(images.lazy())
    assert shown == [*names[-11:], "others"]
    assert folded.filter(category="others").collect().height == sum(range(1, 20))


def test_a_category_called_others_is_folded_with_them():
    names = ["others"] * 9 + [f"c{i:02d}" for i in range(30)]
    images = [{"uuid": str(number), "row_index": 0, "category": name} for number, name in enumerate(names)]
    folded, shown = overview.list_categories(audit_tables.table("images", images).lazy())
    assert shown == [*(f"c{i:02d}" for i in range(11)), "others"]
    assert folded.filter(category="others").collect().height == 9 + 19


def test_categories_are_cleaned_or_all_where_there_are_none():
    message = [
        {"uuid": str(i), "row_index": 0, "category": name} for i, name in enumerate(["Fish ", "Fish", None])
    ]
    images = audit_tables.table("images", message).lazy()
    found, names = overview.list_categories(images)
    assert names == ["Fish", ""]
    rows = overview.count_by_category({"n": images}, categories=found, names=names)
    assert rows == [{"category": "Fish", "n": 2}, {"category": "", "n": 1}, {"category": "all", "n": 3}]
    none, names = overview.list_categories(images.with_columns(category=pl.lit(" ")))
    assert overview.count_by_category({"n": images}, categories=none, names=names) == [
        {"category": "all", "n": 3}
    ]


def test_a_thumbnail_is_pixels_and_nothing_else(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "<script>secret</script>"
    drawn = Image.new("RGB", (900, 300), "teal")
    drawn.save(tmp_path / "a.jpg", exif=exif, comment=b"secret", icc_profile=b"secret" * 50)
    (tmp_path / "outside").symlink_to("/etc/hostname")
    paths = {
        "a": ("a.jpg", None),
        "b": ("../a.jpg", None),
        "c": ("outside", None),
        "d": ("a.jpg", "truncated"),
    }
    rows = [(uuid, *told, 1) for uuid, told in paths.items()]
    found = thumbnails.make_thumbnails(rows, tmp_path, max_megapixels=1)
    small = base64.b64decode(found["a"]["source"].partition(",")[2])
    assert b"secret" not in small
    assert not set(Image.open(bytesio.BytesIO(small)).info) & {"exif", "icc_profile", "xmp", "comment"}
    assert Image.open(bytesio.BytesIO(small)).size == (128, 43) == (found["a"]["width"], found["a"]["height"])
    assert [found[uuid]["why"] for uuid in "bcd"] == [*["cannot be opened any more"] * 2, "truncated"]
    refused = thumbnails.make_thumbnails(rows[:1], tmp_path, max_megapixels=0.1)
    assert refused["a"]["why"] == "too many pixels"


def test_pictures_beyond_the_limit_are_left_out(tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        audit_tables.picture(tmp_path / name, seed=1)
    monkeypatch.setattr(thumbnails, "MAX_BYTES", 10)
    found = thumbnails.make_thumbnails(
        [("a", "a.png", None, 2), ("b", "b.png", None, 1)], tmp_path, max_megapixels=1
    )
    assert found["a"]["source"] and found["b"]["why"] == "left out, to keep this page small"


@settings(max_examples=200)
@given(LETTERS, LETTERS)
def test_marks_change_no_text(before, after):
    for text, markup in zip((before, after), text_diff.mark_changes(before, after), strict=True):
        shown = markup.striptags() if text else ""
        assert shown.split() == Page(str(markup)).text.split() if text else True
        assert "".join(Page(str(markup)).text.split()) == "".join(
            text_diff.escape_invisible(text or "nothing", 240).split()
        )


def test_only_what_differs_is_marked():
    def parts(before, after):
        marks = (re.sub(r"</?span[^>]*>", "", str(text)) for text in text_diff.mark_changes(before, after))
        return [re.findall("<(?:del|ins)>(.*?)</", text) for text in marks]

    assert parts("esox lucius", "Esox lucius") == [["e"], ["E"]]
    assert parts(" Esox  lucius", "Esox lucius") == [[" ", " "], []]
    assert parts("Esox lucius (Linnaeus, 1758)", "Esox lucius") == [[" (Linnaeus, 1758)"], []]
    assert parts("Error generating caption", "A photo of Esox lucius.") == [[], []]
    long = ["x" * 400 + middle + "y" * 400 for middle in ("Ã©", "é")]
    assert parts(*long) == [["Ã©"], ["é"]]
    assert max(map(len, text_diff.mark_changes(*long))) < 200


def test_the_similarity_of_a_group_is_that_of_its_most_isolated_image():
    rng = np.random.default_rng(1)
    one, other = (rng.integers(0, 256, (SIDE, SIDE), dtype=np.uint8) for _ in range(2))
    groups = {"a": [one, one[:, ::-1], np.rot90(one, 3)], "b": [one, one, other], "c": [one, other]}
    members = pl.DataFrame(
        [
            {"group_id": name, "uuid": f"{name}{i}", "thumbnail": np.ascontiguousarray(image).tobytes()}
            for name, images in groups.items()
            for i, image in enumerate(images)
        ]
    )
    found = dict(near_duplicates.min_similarity(members.sample(fraction=1, shuffle=True, seed=2)).iter_rows())
    strangers = max(
        float(aligned_similarity(transform_view(x[None], view), y[None], view)[0])
        for x, y in [(one, other), (other, one)]
        for view in CROPS
    )
    assert found["a"] == pytest.approx(1, abs=1e-3)
    assert found["b"] == found["c"] == pytest.approx(strangers, abs=1e-3)
    assert strangers < 0.6


def test_an_empty_audit_is_a_page_too(tables, folder):
    empty = {name: tables[name].clear() for name in ("curation_log", "quarantine", "groups_to_review")}
    alone = {"groups": tables["groups"].with_columns(link_types=pl.lit(""))}
    text = Page(page.render_audit(content_of(tables | empty | alone, folder))).text
    for sentence in (
        "No defect was found.",
        "Nothing needed repair.",
        "No delivered row was quarantined.",
        "No image has conflicting names.",
        "No two kept images look the same.",
        "There is nothing to review.",
    ):
        assert sentence in text


def test_the_line_of_a_long_tail_has_few_points_and_the_same_shape():
    counts = pl.DataFrame({"category": ["Fish"] * 50_000, "n": np.sort(np.arange(50_000) % 40 + 1)[::-1]})
    drawn = rank_abundance.plot_rank_abundance(counts, ["Fish", "Bird"])
    [line] = drawn.axes[0].lines
    assert len(line.get_xdata()) == 80
    assert np.array_equal(np.interp(np.arange(1, 50_001), line.get_xdata(), line.get_ydata()), counts["n"])
    assert theme.render_svg(drawn) == theme.render_svg(
        rank_abundance.plot_rank_abundance(counts, ["Fish", "Bird"])
    )
