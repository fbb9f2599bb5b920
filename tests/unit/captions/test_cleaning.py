"""Captions are repaired if the repair is certain, or marked as unusable; all others are unchanged."""

from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nearkin.captions.cleaning import MAX_CHARS, SAFE_NON_ASCII, clean, clean_distinct, is_clean_expr
from nearkin.captions.error_patterns import ERROR_PHRASES
from nearkin.captions.markup import strip_markup, unescape_code
from nearkin.captions.quality import FILLER

REPAIRS = [
    ("  A\r\n fish. \n\n", "A fish.", ["whitespace"]),
    ("A fish.\u00a0 It\u2028swims.", "A fish. It swims.", ["whitespace"]),
    ("<p>Shape &amp; colour.</p>", "Shape & colour.", ["markup"]),
    ("&lt;p&gt;A fish.&lt;/p&gt;", "A fish.", ["markup"]),
    ("Shape &amp;amp;#38;amp; colour&#x2e;", "Shape & colour.", ["markup"]),
    ("A <script>alert(1)</script>fish.", "A fish.", ["markup"]),
    ("A fish.<style>p {colour: red}", "A fish.", ["markup"]),
    ("A <i>Papilio</i>, host.<br/>It flies.", "A Papilio, host. It flies.", ["markup"]),
    ("A <img src=x onerror=alert(1)> fish <!-- 7 -->", "A fish", ["markup"]),
    ("<|startoftext|>A fish.</s>", "A fish.", ["markup"]),
    ("## A **red** _Papilio machaon_ [here](https://x.org)", "A red Papilio machaon here", ["markup"]),
    ("The fish\u00e2\u20ac\u2122s fin \u00e2\u20ac\u201c", "The fish\u2019s fin \u2013", ["mojibake"]),
    ("The fish\u00c3\u00a2\u00e2\u201a\u00ac\u00e2\u201e\u00a2s fin", "The fish\u2019s fin", ["mojibake"]),
    (r"A fish\u2019s fin, \"red\"", 'A fish\u2019s fin, "red"', ["escapes"]),
    (r"\u201cA fish\u201d \ud83d\udc1f", "\u201cA fish\u201d \U0001f41f", ["escapes"]),
    (r"A fish.\nIt swims.", "A fish. It swims.", ["escapes", "whitespace"]),
    ("\ufeffA\u202e fi\x00s\u00adh.", "A fish.", ["invisible"]),
]


@pytest.mark.parametrize(("delivered", "repaired", "repairs"), REPAIRS)
def test_captions_are_repaired(delivered, repaired, repairs):
    assert clean(delivered) == (repaired, None, repairs)
    assert clean(repaired) == (repaired, None, [])


EXAMPLES = yaml.safe_load((Path(__file__).parents[1] / "data" / "captions.yaml").read_text(encoding="utf-8"))
CLEAN, UNUSABLE = EXAMPLES["clean"], EXAMPLES["unusable"]


@pytest.mark.parametrize("text", CLEAN)
def test_clean_captions_are_unchanged(text):
    assert clean(text) == (text, None, [])


@pytest.mark.parametrize(("defect", "texts"), UNUSABLE.items())
def test_unusable_captions_have_a_defect(defect, texts):
    assert {text: clean(text)[1] for text in texts} == dict.fromkeys(texts, defect)


TEXTS = st.one_of(
    st.text(max_size=80),
    st.text(
        alphabet="aZ01 .,'\"!?()/%+=@$^-_{}[]<>&*#\\\u2019\u2013\u00e9\u00c2\u00c0\u00d7\u200b", max_size=40
    ),
    st.lists(
        st.sampled_from(
            [*ERROR_PHRASES, *sorted(FILLER), *CLEAN, *sum(UNUSABLE.values(), []), *" .:;-'\u2019\u00e91"]
        )
    ).map(" ".join),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, max_size=20))
@example([*CLEAN, *sum(UNUSABLE.values(), []), *(delivered for delivered, _, _ in REPAIRS)])
def test_the_bulk_function_equals_the_single_function(texts):
    frame = pl.DataFrame({"before": texts}, schema={"before": pl.String})
    clean_texts = frame.filter(is_clean_expr(pl.col("before")))["before"]
    assert [clean(text) for text in clean_texts] == [(text, None, []) for text in clean_texts]
    bulk = {
        before: (text, defect, repairs)
        for before, text, defect, repairs in clean_distinct(frame["before"]).iter_rows()
    }
    assert bulk == {text: clean(text) for text in texts if text not in set(clean_texts)}


def test_most_captions_are_recognised_as_clean_in_bulk():
    texts = pl.Series([text for text in CLEAN if text.isascii() and not set(text) & set("<>&*_\\")])
    assert texts.to_frame("text").select(is_clean_expr(pl.col("text")).mean()).item() > 0.9


def test_single_letters_and_quotes_are_no_mojibake():
    frame = pl.DataFrame({"text": [chr(code) for code in range(0x80, 0x2100)]})
    letters = frame.filter(pl.col("text").str.contains(f"[{SAFE_NON_ASCII}]"))["text"]
    assert len(letters) > 60
    for text in (
        form.format(letter) for letter in letters for form in ("fi{}sh", "A {} fish", "{}fish", "Fish.{}")
    ):
        assert clean(text) == (text, None, [])


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_any_text_becomes_one_line_that_is_stable(text):
    repaired, defect, _ = clean(text)
    if defect is None:
        assert repaired == " ".join(repaired.split())
        assert clean(repaired) == (repaired, None, [])


UNITS = [
    *("<", "&amp;", " ", "(((", "<a ", "<script", "<!--", "&lt;", "*", "**a", "[a](", "\u00e2\u20ac\u2122"),
    *("error ", "i cannot ", "sorry, ", "as an ", "http:(", ".jpg", "<a =", "a1 ", "no image ", "fin "),
]


@pytest.mark.parametrize("unit", UNITS)
def test_ten_megabytes_are_truncated_before_cleaning(unit):
    text = unit * (10_000_000 // len(unit))
    repaired, defect, repairs = clean(text)
    assert "too_long" in repairs
    assert defect or 0 < len(repaired) <= MAX_CHARS


@pytest.mark.parametrize(("depth", "defect"), [(9, None), (18, None), (19, "hostile_markup")])
def test_nested_markup_is_removed_at_most_ten_times(depth, defect):
    """Each pass removes two of the tags, and the tenth must find none."""
    assert clean("A fish" + "<i" * depth + ">" * depth) == ("A fish", defect, ["markup"])


def test_captions_are_truncated_at_a_word_after_2000_characters():
    words = "A" + " fish" * 500
    assert clean(words[:2000]) == (words[:2000], None, [])
    assert clean(words[:2001]) == (words[:1996], None, ["too_long"])
    assert clean("b" * 2001) == ("b" * 2000, None, ["too_long"])


def test_text_beyond_ten_times_the_limit_is_ignored():
    assert clean("b" * 19_998 + "  ")[2] == ["whitespace", "too_long"]
    assert clean("b" * 19_999 + "  ")[2] == ["too_long"]
    assert clean("  " + "b" * 20_000)[2] == ["too_long"]
    assert clean("<p>" + "b" * 20_000 + "</p>")[0] == "b" * 2000


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ("<p></p>", "empty"),
        ("<!-- none -->", "placeholder"),
        ("<!-- a fish -->", "empty"),
        ("<br>", "empty"),
        ("<img>", "placeholder"),
        ("<!-- no -->", "empty"),
        (" " * 2000 + "<!-- none -->", "empty"),
        (" " * 1990 + "<!-- none -->", "placeholder"),
    ],
)
def test_a_text_of_only_markup_is_empty_or_a_placeholder(text, defect):
    assert clean(text)[:2] == ("", defect)


def test_the_size_of_chunks_changes_nothing(monkeypatch):
    texts = pl.Series([delivered for delivered, _, _ in REPAIRS])
    cleaned = clean_distinct(texts)
    monkeypatch.setattr("nearkin.captions.cleaning.CHUNK_TEXTS", 3)
    assert clean_distinct(texts).equals(cleaned)
    assert cleaned["before"].to_list() == sorted(set(texts)) and len(cleaned) > 6
    assert clean_distinct(pl.Series(["A fish."])).is_empty()


@pytest.mark.parametrize(
    ("text", "is_clean"),
    [
        ("A" * 2000, True),
        ("A" * 2001, False),
        ("A fish.", True),
        ("A  fish.", False),
        ("A fi\u00e4sh.", True),
        ("A f\u00e4\u00e4sh.", False),
        ("No image", False),
        (None, False),
    ],
)
def test_texts_that_are_certainly_clean(text, is_clean):
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    assert frame.select(is_clean_expr(pl.col("text"))).item() is is_clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"C:\new fish\x.jpg a", r"C:\new fish\x.jpg a"),
        (r"\\server\new fish", r"\\server\new fish"),
        (r"A\nfish", r"A\nfish"),
        (r"A fish\nswims", "A fish\nswims"),
        (r"a \x41\'s \t\r\"", "a A's \t\r\""),
        (r"a \textbf and \times", r"a \textbf and \times"),
        (r"a \ud83d\udc1f \u00e9", "a \U0001f41f \u00e9"),
        (r"a \ud83d", "a \ufffd"),
        (r"a \\ / \/", "a \\ / /"),
    ],
)
def test_escapes_are_decoded_unless_they_are_paths(text, expected):
    assert unescape_code(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b", "a < b"),
        ("<b>a</b> <p>c</p>d", "a c d"),
        ("<p> a </p>\n<p></p>", "a \n"),
        ("a&amp;amp;b &#65; &nope;", "a&b A &nope;"),
        ("a<SCRIPT>x\ny</Script>b", "a b"),
        ("# a", "a"),
        ("**a** _b_ `c`", "a b c"),
    ],
)
def test_markup_is_removed(text, expected):
    assert strip_markup(text) == expected


def test_text_within_ten_times_the_limit_is_cleaned():
    assert clean("<i>" * 6500 + "A fish." + " " * 1000)[0] == "A fish."
    assert clean("<tt>" * 5200 + "A fish.")[:2] == ("", "empty")


def test_duplicate_texts_are_one_row():
    assert len(clean_distinct(pl.Series(["A  fish."] * 2))) == 1
