"""Scientific names in the spellings that occur in practice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearkin.labels.parse import DEFECTS, parse_name
from nearkin.labels.parse_in_context import parse_all


@pytest.mark.parametrize(
    ("text", "repairs"),
    [
        ("Papilio indra", ()),
        ("Papilio indra ", ("spaces",)),
        ("Papilio  indra", ("spaces",)),
        ("Papilio\u00a0indra", ("spaces",)),
        ("Papilio_indra", ("underscore",)),
        ("papilio indra", ("case",)),
        ("PAPILIO INDRA", ("case",)),
        ("Papilio INDRA", ("case",)),
        ("papilio_indra", ("underscore", "case")),
        ("Papilio indra Reakirt, 1866", ("authorship",)),
        ("Papilio indra (Reakirt)", ("authorship",)),
        ("Papilio indra (Forssk\u00c3\u00a5l, 1775)", ("mojibake", "authorship")),
        ("<i>Papilio indra</i>", ("markup", "spaces")),
        ('"Papilio indra"', ("punctuation",)),
        ("Papilio indra (male)", ("stage",)),
        ("Papilio (Papilio) indra", ("subgenus",)),
        ("Indra Swallowtail (Papilio indra)", ("gloss",)),
        ("Papilio%20indra", ("escape",)),
        ("pAPILIO iNDRA", ("case",)),
    ],
)
def test_a_species_in_any_spelling(text, repairs):
    name = parse_name(text)
    assert (name.genus, name.species, name.infraspecies, name.defect) == (
        "Papilio",
        "Papilio indra",
        None,
        None,
    )
    assert name.repairs == repairs


@pytest.mark.parametrize(
    "text", ["Papilio indra minori", "Papilio indra subsp. minori", "Papilio indra var. minori"]
)
def test_a_trinomial_is_kept_together_with_its_binomial(text):
    name = parse_name(text)
    assert (name.species, name.infraspecies) == ("Papilio indra", "Papilio indra minori")
    assert name.repairs == ("subspecies",)


@pytest.mark.parametrize(
    ("defect", "texts"),
    {
        "missing": [None, "", " ", "nan", "NA", "N/A", "None", "unknown", "unidentified bird", "-", "&nbsp;"],
        "genus_only": ["Papilio", "PAPILIO", "papilio", "Papilio Linnaeus, 1758"],
        "open_nomenclature": ["Papilio sp.", "Papilio sp", "Papilio spp.", "Papilio sp. 2",
                      "Papilio cf. indra", "Papilio_cf._indra", "Papilio aff. indra", "Papilio indra?",
                      "Papilio indra/zelicaon", "Papilio sp1", "Papilio gr. indra"],
        "hybrid": ["Papilio indra x zelicaon", "Papilio indra \u00d7 zelicaon",
                   "Papilio indra X Papilio zelicaon", "Quercus x rosacea", "Papilio indra hybrid"],
        "dna_barcode": ["BOLD:AAA1234", "Papilio sp. BOLD:AAA1234", "SH1957732.10FU"],
        "multiple_names": ["Papilio indra; Papilio zelicaon", "Papilio indra or Papilio zelicaon"],
        "unparsable": ["=cmd|'/C calc'!A0", "Papilionidae", "Papilionidae sp.", "Lepidoptera",
                       "P. indra", "x",                       "<script>alert(1)</script>"],
    }.items(),
)  # fmt: skip
def test_names_without_a_species(defect, texts):
    assert {text: parse_name(text).defect for text in texts} == dict.fromkeys(texts, defect)
    assert all(parse_name(text).species is None for text in texts)


def test_epithets_with_hyphens_and_diaereses_are_names():
    assert parse_name("Polygonia c-album").species == "Polygonia c-album"
    assert parse_name("Agla\u00efs io").species == "Agla\u00efs io"


def test_title_case_is_a_species_only_if_other_names_confirm_it():
    assert parse_name("Sturnella Neglecta").defect == "genus_only"
    assert parse_all(["Sturnella Neglecta", "Sturnella neglecta"])["Sturnella Neglecta"].repairs == ("case",)
    names_in_same_style = ["Sturnella Neglecta", "Vireo Atricapilla", "Mareca_Strepera"]
    assert [name.species for name in parse_all(names_in_same_style).values()] == [
        "Sturnella neglecta",
        "Vireo atricapilla",
        "Mareca strepera",
    ]


@pytest.mark.parametrize(
    ("text", "repair"),
    [("P. indra", "abbreviated"), ("P.indra", "abbreviated"), ("Papilio-indra", "separator"),
     ("Papilio.indra", "separator"), ("Papilio+indra", "separator")],
)  # fmt: skip
def test_a_known_name_is_recognised_in_other_spellings(text, repair):
    name = parse_all([text, "Papilio indra", "Vireo minor"])[text]
    assert (name.species, name.repairs) == ("Papilio indra", (repair,))
    assert parse_all([text, "Vireo minor"])[text].species is None


def test_an_ambiguous_abbreviation_has_no_species():
    assert parse_all(["P. indra", "Papilio indra", "Pieris indra"])["P. indra"].species is None


def test_lower_case_words_need_a_known_genus():
    names = parse_all(["common blue", "papilio indra", "Papilio zelicaon", "Vireo minor", "Mareca strepera"])
    assert names["common blue"].defect == "unparsable"
    assert names["papilio indra"].species == "Papilio indra"
    parsed_names = parse_all(["papilio indra", "vireo minor", "Mareca strepera"])
    assert parsed_names["vireo minor"].species == "Vireo minor"


@given(st.text(max_size=60))
def test_any_text_is_parsed_without_an_error(text):
    name = parse_name(text)
    assert (name.species is None) == (name.defect in DEFECTS)
    if name.species:
        assert name.species.split(" ")[0] == name.genus
        assert len(name.species.split(" ")) == 2
        assert not set(name.species) & set("<>&=\"'\n\t_;|\\/")


genera = st.sampled_from(["Papilio", "Vireo", "Mareca"])
epithets = st.sampled_from(["indra", "c-album", "atricapilla", "minor"])


@given(
    genera,
    epithets,
    st.none() | epithets,
    st.sampled_from([str.upper, str.lower, str]),
    st.sampled_from("_ "),
)
def test_parsing_a_repaired_name_changes_nothing(genus, epithet, infraspecific, case, space):
    text = space.join(filter(None, [genus, epithet, infraspecific]))
    first = parse_name(case(text))
    second = parse_name(first.infraspecies or first.species)
    assert (
        second[:3]
        == first[:3]
        == (genus, f"{genus} {epithet}", infraspecific and f"{genus} {epithet} {infraspecific}")
    )
    assert set(second.repairs) <= {"subspecies"}
