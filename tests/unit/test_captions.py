"""Every kept image gets one usable caption; what was fine stays as it was."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.captions import LONGEST, clean, completed
from nearkin.tables.labels import Captions, Gaps
from tests.unit.deliveries import images_of
from tests.unit.drawn import labels_of

TEMPLATES = ["A photo of {species}.", "{species}, a {category}.", "The family is {family}."]


def complete(captions, species=None, templates=TEMPLATES):
    labels = labels_of(species or ["Aus bus"] * len(captions))
    uuids = labels["uuid"].to_list()
    images = images_of([{"uuid": uuid, "caption": text} for uuid, text in zip(uuids, captions, strict=True)])
    whole, gaps = completed(labels, images, templates=templates)
    Captions.validate(whole), Gaps.validate(gaps)
    return whole, gaps


@pytest.mark.parametrize(
    ("delivered", "mended", "repairs"),
    [
        ("A fish.", "A fish.", []),
        ("  A\r\n fish. \n\n", "A fish.", ["whitespace"]),
        ("<p>Shape &amp; colour.</p>", "Shape & colour.", ["markup"]),
        ("&lt;p&gt;A fish.&lt;/p&gt;", "A fish.", ["markup"]),
        ("A <script>alert(1)</script>fish.", "A fish.", ["markup"]),
        (
            "The fish\u00e2\u20ac\u2122s fin \u00e2\u20ac\u201c fine.",
            "The fish\u2019s fin \u2013 fine.",
            ["mojibake"],
        ),
        ("A\u202e fi\x00sh.", "A fish.", ["invisible"]),
        ("Fins < 5 cm & > 3 cm, the fish\u2019s own.", "Fins < 5 cm & > 3 cm, the fish\u2019s own.", []),
        ("=SUM(A1) of fins", "=SUM(A1) of fins", []),
    ],
)
def test_captions_that_are_mended_or_left(delivered, mended, repairs):
    assert clean(delivered) == (mended, None, repairs)
    assert clean(mended) == (mended, None, [])


@pytest.mark.parametrize(
    ("defect", "texts"),
    {
        "row_missing": [None],
        "empty": ["", " \n", "<p></p>", "&nbsp;", "\u200b"],
        "placeholder": ["nan", "N/A", "none", "None.", "No caption available", "...", "-", "[caption]",
                        "IMG_1.jpg", "https://example.org/a", "1234", "UNKNOWN"],
        "error_text": ["Error generating caption", "Error: 500", "I'm sorry, but I cannot help with that.",
                       "I cannot describe this image.", "As an AI language model, I", "CUDA out of memory",
                       "Traceback (most recent call last):", "RuntimeError: x", "Request timed out",
                       "Failed to load image", "429 Client Error"],
    }.items(),
)  # fmt: skip
def test_captions_that_say_nothing(defect, texts):
    assert {text: clean(text)[1] for text in texts} == dict.fromkeys(texts, defect)


@pytest.mark.parametrize(
    "text", ["None of its fins are dark.", "An unknown fish.", "No fins are visible.", "I see a fish."]
)
def test_prose_is_no_placeholder(text):
    assert clean(text) == (text, None, [])


def test_ten_megabytes_are_cut_and_said():
    whole, gaps = complete(["fin " * 2_500_000])
    assert len(whole["caption"][0]) <= LONGEST
    assert gaps["defect"].to_list() == ["too_long"]
    assert gaps["before"][0].endswith("(10000000 characters)")
    assert len(clean("x" * 10_000_000)[0]) == LONGEST


def test_sources_and_gaps():
    whole, gaps = complete(["A fish.", " A fish.", None, "nan"])
    assert whole["caption_source"].to_list()[:2] == ["delivered", "repaired"]
    assert set(whole["caption_source"][2:]) <= {"template:1", "template:2"}
    assert gaps.select("defect", "before", "action").rows() == [
        ("whitespace", " A fish.", "repaired"),
        ("row_missing", None, "filled"),
        ("placeholder", "nan", "filled"),
    ]
    assert gaps["after"].to_list() == whole["caption"].to_list()[1:]


def test_templates_take_turns_and_only_fitting_ones_are_used():
    whole, _ = complete([None] * 40)
    assert set(whole["caption"]) == {"A photo of Aus bus.", "Aus bus, a fish."}
    genus_only = labels_of(["Aus bus"]).with_columns(species=pl.lit(None, dtype=pl.String))
    images = images_of([{"uuid": genus_only["uuid"][0]}])
    whole, _ = completed(genus_only, images, templates=TEMPLATES)
    assert whole.select("caption", "caption_source").rows() == [("A photo of Aus.", "template:0")]
    with pytest.raises(ValueError, match=r"captions\.templates: 'A \{colour\}' has \['colour'\]"):
        complete([None], templates=["A {colour}"])


def test_a_species_name_is_no_template():
    whole, _ = complete([None], species=["Aus {genus}"], templates=["A {species}."])
    assert whole["caption"].to_list() == ["A Aus {genus}."]


def test_a_caption_of_another_species_is_replaced():
    captions = [
        "A photo of Big Cus (Aus cus).",
        "A Big Cus (Aus cus) rests.",
        "A Big Cus (Aus cus) swims.",
        "Here is a Big Cus.",
        "A Aus bus beside a Aus cus.",
        "A Xus yus.",
    ]
    species = ["Aus bus", "Aus cus", "Aus cus", "Aus bus", "Aus bus", "Aus bus"]
    whole, gaps = complete(captions, species)
    replaced = gaps.filter(defect="other_species")["before"].to_list()
    assert replaced == [captions[0], captions[3]]
    assert whole["caption"].to_list()[4:] == captions[4:]
    assert gaps["evidence"][0] == "it names Aus cus, not Aus bus"


def test_the_first_row_with_a_caption_counts():
    labels = labels_of(["Aus bus"])
    rows = [
        {"uuid": labels["uuid"][0], "row": row, "caption": text}
        for row, text in enumerate([None, " ", "A fish."])
    ]
    whole, gaps = completed(labels, images_of(rows), templates=TEMPLATES)
    assert whole["caption"].to_list() == ["A fish."]
    assert gaps.is_empty()


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80) | st.none())
def test_any_text_becomes_one_line_and_stays_so(text):
    mended, defect, _ = clean(text)
    assert mended == " ".join(mended.split())
    if defect is None:
        assert clean(mended)[:2] == (mended, None)


def test_no_images_no_captions():
    labels, images = labels_of(["Aus bus"]).head(0), images_of([{"caption": "x"}]).head(0)
    whole, gaps = completed(labels, images, templates=TEMPLATES)
    assert whole.is_empty() and gaps.is_empty()
