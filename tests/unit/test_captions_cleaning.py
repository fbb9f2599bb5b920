"""Captions are mended where that is certain, told useless where they are, and otherwise left alone."""

from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nearkin.captions.cleaning import LONGEST, SINGLE, clean, cleaned, is_sound
from nearkin.captions.messages import PHRASES
from nearkin.captions.unusable import FILLER

MENDED = [
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


@pytest.mark.parametrize(("delivered", "mended", "repairs"), MENDED)
def test_captions_that_are_mended(delivered, mended, repairs):
    assert clean(delivered) == (mended, None, repairs)
    assert clean(mended) == (mended, None, [])


KNOWN = yaml.safe_load((Path(__file__).parent / "data" / "captions.yaml").read_text(encoding="utf-8"))
LEFT, USELESS = KNOWN["left"], KNOWN["useless"]


@pytest.mark.parametrize("text", LEFT)
def test_captions_that_are_left_alone(text):
    assert clean(text) == (text, None, [])


@pytest.mark.parametrize(("defect", "texts"), USELESS.items())
def test_captions_that_say_nothing(defect, texts):
    assert {text: clean(text)[1] for text in texts} == dict.fromkeys(texts, defect)


TEXTS = st.one_of(
    st.text(max_size=80),
    st.text(
        alphabet="aZ01 .,'\"!?()/%+=@$^-_{}[]<>&*#\\\u2019\u2013\u00e9\u00c2\u00c0\u00d7\u200b", max_size=40
    ),
    st.lists(
        st.sampled_from(
            [*PHRASES, *sorted(FILLER), *LEFT, *sum(USELESS.values(), []), *" .:;-'\u2019\u00e91"]
        )
    ).map(" ".join),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, max_size=20))
@example([*LEFT, *sum(USELESS.values(), []), *(delivered for delivered, _, _ in MENDED)])
def test_in_bulk_as_one_by_one(texts):
    frame = pl.DataFrame({"before": texts}, schema={"before": pl.String})
    sound = frame.filter(is_sound(pl.col("before")))["before"]
    assert [clean(text) for text in sound] == [(text, None, []) for text in sound]
    bulk = {
        before: (text, defect, repairs)
        for before, text, defect, repairs in cleaned(frame["before"]).iter_rows()
    }
    assert bulk == {text: clean(text) for text in texts if text not in set(sound)}


def test_most_captions_need_no_look_one_by_one():
    texts = pl.Series([text for text in LEFT if text.isascii() and not set(text) & set("<>&*_\\")])
    assert texts.to_frame("text").select(is_sound(pl.col("text")).mean()).item() > 0.9


def test_single_letters_and_quotes_are_no_mojibake():
    frame = pl.DataFrame({"text": [chr(code) for code in range(0x80, 0x2100)]})
    single = frame.filter(pl.col("text").str.contains(f"[{SINGLE}]"))["text"]
    assert len(single) > 60
    for text in (
        form.format(letter) for letter in single for form in ("fi{}sh", "A {} fish", "{}fish", "Fish.{}")
    ):
        assert clean(text) == (text, None, [])


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_any_text_becomes_one_line_and_stays_so(text):
    mended, defect, _ = clean(text)
    if defect is None:
        assert mended == " ".join(mended.split())
        assert clean(mended) == (mended, None, [])


UNITS = [
    *("<", "&amp;", " ", "(((", "<a ", "<script", "<!--", "&lt;", "*", "**a", "[a](", "\u00e2\u20ac\u2122"),
    *("error ", "i cannot ", "sorry, ", "as an ", "http:(", ".jpg", "<a =", "a1 ", "no image ", "fin "),
]


@pytest.mark.parametrize("unit", UNITS)
def test_ten_megabytes_are_cut_before_the_work(unit):
    text = unit * (10_000_000 // len(unit))
    mended, defect, repairs = clean(text)
    assert "too_long" in repairs
    assert defect or 0 < len(mended) <= LONGEST
