"""The audit page: it counts all rows, shows a sample, stays small, and runs no delivered text."""

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
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=80)


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
    total = content["outcomes"][-1]
    assert total == {
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


def test_defects_are_counted_and_explained(content):
    defects = {(row["field"], row["defect"], row["action"]): row for row in content["defects"]}
    assert len(defects) == 6
    conflicting = defects["row", "conflicting_rows", "quarantined"]
    assert (conflicting["n"], conflicting["by_category"]) == (2, [0, 2])
    assert conflicting["meaning"] == "rows of one image name different species"
    assert defects["caption", "row_missing", "filled"]["meaning"] == "made up: row_missing"


def test_every_defect_without_clear_evidence_is_explained():
    words = {*PROBLEMS, *DEFECTS, *REPAIRABLE, "no_name", "conflicting_rows", "label_conflict"}
    assert words - {defect for _, defect in DEFECT_MEANINGS} == {"empty"}, "its evidence is always the same"


def test_quarantined_rows_and_groups_to_review_are_shown(content):
    assert [(row["reason"], row["n"], len(row["rows"])) for row in content["quarantine_reasons"]] == [
        ("conflicting_rows", 2, 0),
        ("missing_file", 1, 1),
        ("not_an_image", 1, 1),
    ]
    n, [image] = content["rows_that_differ"]
    assert (n, image["labels"]) == (1, ["Salmo salar", "Salmo trutta"])
    n, [group] = content["disagreeing"]
    assert (n, [member["label"] for member in group["members"]]) == (1, ["Parus major", "Salmo salar"])
    [near] = content["alike"]["near"]
    assert [member["path"] for member in near["members"]] == ["Fish/1.png", "Fish/2.png"]
    assert 0.9 < near["similarity"] <= 1
    assert content["by_rule"][0]["species"] == ["Parus major"]


def test_a_picture_that_cannot_be_shown_has_a_reason(content):
    problems = {uuid[7]: picture["why"] for uuid, picture in content["pictures"].items()}
    assert problems == {
        "1": None,
        "2": None,
        "4": None,
        "5": None,
        "6": None,
        "7": "not an image",
        "8": "no file opened",
    }


def test_copies_with_two_names_are_shown_together(tables, folder):
    uuids = tables["inspection"]["uuid"][6:8].to_list()
    changed = tables | {
        "quarantine": tables["quarantine"].with_columns(reason=pl.lit("label_conflict")),
        "inspection": tables["inspection"].with_columns(
            sha256=pl.when(pl.col("uuid").is_in(uuids)).then(pl.lit("same")).otherwise("sha256")
        ),
    }
    n, [copies] = content_of(changed, folder)["copies_that_differ"]
    assert (n, [copy["label"] for copy in copies]) == (1, ["Salmo salar", "Salmo trutta", "no name"])


def test_nothing_is_fetched_and_one_script_may_run(html):
    parsed = Page(html)
    for tag, attrs in parsed.tags:
        for name in ("src", "href", "srcset", "data", "action"):
            assert re.match(r"data:|#|$", attrs.get(name) or ""), (tag, name, attrs[name])
    [script] = parsed.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = [attrs["content"] for attrs in parsed.all("meta") if "http-equiv" in attrs]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert f"script-src 'sha256-{digest}' blob:;" in policy
    assert all(attrs["alt"] for attrs in parsed.all("img"))
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and all(
        after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)
    )


def evil(tables, text):
    """The tables with a text in every delivered column; keys and counts stay."""

    def prepend_text(frame, *columns):
        return frame.with_columns(
            pl.when(pl.col(name).is_not_null()).then(pl.lit(text) + pl.col(name)).alias(name)
            for name in columns
        )

    names = ["path", "category", "genus", "species"]
    return tables | {
        "images": prepend_text(tables["images"], "path", "listed_name", "category", "raw_name"),
        "inspection": prepend_text(tables["inspection"], "error", "detail"),
        "labels": prepend_text(tables["labels"], *names),
        "captions": prepend_text(tables["captions"], *names, "caption", "caption_source"),
        "quarantine": prepend_text(tables["quarantine"], "path", "reason", "detail"),
        "curation_log": prepend_text(
            tables["curation_log"], "path", "field", "defect", "before", "after", "reason"
        ),
        "groups": prepend_text(tables["groups"], "path"),
        "splits": prepend_text(tables["splits"].with_columns(evidence=pl.lit("")), "reason", "evidence"),
        "statistics": tables["statistics"].with_columns(
            pl.when(pl.col("category") == "all").then("category").otherwise(pl.lit(text) + pl.col("category"))
        ),
    }


@pytest.mark.parametrize("text", [EVIL, "x" * 100_000])
def test_delivered_text_is_escaped_and_shortened(tables, folder, html, text):
    evil_html = page.render_audit(content_of(evil(tables, text), folder))
    parsed, plain = Page(evil_html), Page(html)
    assert {tag for tag, _ in parsed.tags} <= {tag for tag, _ in plain.tags}
    assert len(parsed.scripts) == 1
    assert {name for _, attrs in parsed.tags for name in attrs} <= {
        name for _, attrs in plain.tags for name in attrs
    }
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", parsed.text)
    body = evil_html[evil_html.index("<body") : evil_html.rindex("<script")]
    assert max(map(len, re.split("<[^>]*>", re.sub('data:image[^"]*', "", body)))) < 1000


def test_a_large_audit_is_sampled_evenly_with_a_note(tables, folder):
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


def test_categories_are_cleaned_and_optional():
    rows_of_images = [
        {"uuid": str(i), "row_index": 0, "category": name} for i, name in enumerate(["Fish ", "Fish", None])
    ]
    images = audit_tables.table("images", rows_of_images).lazy()
    categories, names = overview.list_categories(images)
    assert names == ["Fish", ""]
    rows = overview.count_by_category({"n": images}, categories=categories, names=names)
    assert rows == [{"category": "Fish", "n": 2}, {"category": "", "n": 1}, {"category": "all", "n": 3}]
    no_categories, names = overview.list_categories(images.with_columns(category=pl.lit(" ")))
    assert overview.count_by_category({"n": images}, categories=no_categories, names=names) == [
        {"category": "all", "n": 3}
    ]


def test_a_thumbnail_holds_only_pixels(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "<script>secret</script>"
    original = Image.new("RGB", (900, 300), "teal")
    original.save(tmp_path / "a.jpg", exif=exif, comment=b"secret", icc_profile=b"secret" * 50)
    (tmp_path / "outside").symlink_to("/etc/hostname")
    paths = {
        "a": ("a.jpg", None),
        "b": ("../a.jpg", None),
        "c": ("outside", None),
        "d": ("a.jpg", "truncated"),
    }
    rows = [(uuid, *path_and_error, 1) for uuid, path_and_error in paths.items()]
    pictures = thumbnails.make_thumbnails(rows, tmp_path, max_megapixels=1)
    jpeg = base64.b64decode(pictures["a"]["source"].partition(",")[2])
    assert b"secret" not in jpeg
    assert not set(Image.open(bytesio.BytesIO(jpeg)).info) & {"exif", "icc_profile", "xmp", "comment"}
    assert (
        Image.open(bytesio.BytesIO(jpeg)).size
        == (128, 43)
        == (pictures["a"]["width"], pictures["a"]["height"])
    )
    assert [pictures[uuid]["why"] for uuid in "bcd"] == [*["cannot be opened any more"] * 2, "truncated"]
    refused = thumbnails.make_thumbnails(rows[:1], tmp_path, max_megapixels=0.1)
    assert refused["a"]["why"] == "too many pixels"


def test_pictures_beyond_the_limit_are_omitted(tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        audit_tables.picture(tmp_path / name, seed=1)
    monkeypatch.setattr(thumbnails, "MAX_BYTES", 10)
    pictures = thumbnails.make_thumbnails(
        [("a", "a.png", None, 2), ("b", "b.png", None, 1)], tmp_path, max_megapixels=1
    )
    assert pictures["a"]["source"] and pictures["b"]["why"] == "left out, to keep this page small"


@settings(max_examples=200)
@given(TEXTS, TEXTS)
def test_marked_changes_keep_the_text(before, after):
    for text, markup in zip((before, after), text_diff.mark_changes(before, after), strict=True):
        shown = markup.striptags() if text else ""
        assert shown.split() == Page(str(markup)).text.split() if text else True
        assert "".join(Page(str(markup)).text.split()) == "".join(
            text_diff.escape_invisible(text or "nothing", 240).split()
        )


def test_only_differences_are_marked():
    def list_marks(before, after):
        marks = (re.sub(r"</?span[^>]*>", "", str(text)) for text in text_diff.mark_changes(before, after))
        return [re.findall("<(?:del|ins)>(.*?)</", text) for text in marks]

    assert list_marks("esox lucius", "Esox lucius") == [["e"], ["E"]]
    assert list_marks(" Esox  lucius", "Esox lucius") == [[" ", " "], []]
    assert list_marks("Esox lucius (Linnaeus, 1758)", "Esox lucius") == [[" (Linnaeus, 1758)"], []]
    assert list_marks("Error generating caption", "A photo of Esox lucius.") == [[], []]
    long_texts = ["x" * 400 + middle + "y" * 400 for middle in ("Ã©", "é")]
    assert list_marks(*long_texts) == [["Ã©"], ["é"]]
    assert max(map(len, text_diff.mark_changes(*long_texts))) < 200


def test_a_group_has_the_similarity_of_its_most_isolated_image():
    rng = np.random.default_rng(1)
    first, second = (rng.integers(0, 256, (SIDE, SIDE), dtype=np.uint8) for _ in range(2))
    groups = {
        "a": [first, first[:, ::-1], np.rot90(first, 3)],
        "b": [first, first, second],
        "c": [first, second],
    }
    members = pl.DataFrame(
        [
            {"group_id": name, "uuid": f"{name}{i}", "thumbnail": np.ascontiguousarray(image).tobytes()}
            for name, images in groups.items()
            for i, image in enumerate(images)
        ]
    )
    similarities = dict(
        near_duplicates.min_similarity(members.sample(fraction=1, shuffle=True, seed=2)).iter_rows()
    )
    unrelated = max(
        float(aligned_similarity(transform_view(x[None], view), y[None], view)[0])
        for x, y in [(first, second), (second, first)]
        for view in CROPS
    )
    assert similarities["a"] == pytest.approx(1, abs=1e-3)
    assert similarities["b"] == similarities["c"] == pytest.approx(unrelated, abs=1e-3)
    assert unrelated < 0.6


def test_an_empty_audit_has_a_page(tables, folder):
    empty = {name: tables[name].clear() for name in ("curation_log", "quarantine", "groups_to_review")}
    unlinked = {"groups": tables["groups"].with_columns(link_types=pl.lit(""))}
    text = Page(page.render_audit(content_of(tables | empty | unlinked, folder))).text
    for sentence in (
        "No defect was found.",
        "Nothing needed repair.",
        "No delivered row was quarantined.",
        "No image has conflicting names.",
        "No two kept images look the same.",
        "There is nothing to review.",
    ):
        assert sentence in text


def test_the_line_of_a_long_tail_is_simplified_exactly():
    counts = pl.DataFrame({"category": ["Fish"] * 50_000, "n": np.sort(np.arange(50_000) % 40 + 1)[::-1]})
    figure = rank_abundance.plot_rank_abundance(counts, ["Fish", "Bird"])
    [line] = figure.axes[0].lines
    assert len(line.get_xdata()) == 80
    assert np.array_equal(np.interp(np.arange(1, 50_001), line.get_xdata(), line.get_ydata()), counts["n"])
    assert theme.render_svg(figure) == theme.render_svg(
        rank_abundance.plot_rank_abundance(counts, ["Fish", "Bird"])
    )
