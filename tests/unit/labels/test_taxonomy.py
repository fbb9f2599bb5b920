"""Synonyms and higher ranks from small tables in standard formats."""

import pytest

from nearkin.labels import taxonomy

TERMS = (
    "taxonID acceptedNameUsageID scientificName canonicalName taxonRank taxonomicStatus kingdom order family"
)
DARWIN_CORE = """\
1;;Aus bus L.;Aus bus;species;accepted;Animalia;Passeriformes;Aidae
2;1;Aus vetus "Smith, 1900;Aus vetus;species;synonym;Animalia;Passeriformes;Aidae
3;1;Aus duo Lee;Aus duo;species;homotypic synonym;Animalia;;Aidae
4;7;Aus duo Kim;Aus duo;species;synonym;Animalia;;Aidae
5;1;Aus bus minor;Aus bus minor;subspecies;synonym;Animalia;;Aidae
6;;Aus wrong;Aus wrong;species;misapplied;Animalia;;
7;;Cus cus Kim;Cus cus;species;accepted;Animalia;Passeriformes;Cidae
8;;Dus dus;Dus dus;species;accepted;Plantae;;
9;;Aus homo;Aus homo;species;accepted;Animalia;;Aidae
10;;Aus homo;Aus homo;species;accepted;Plantae;;Aaceae
"""
DARWIN_CORE = (TERMS.replace(" ", ";") + "\n" + DARWIN_CORE).replace(";", "\t")

COLDP = """\
\ufeffcol:ID\tcol:parentID\tcol:status\tcol:rank\tcol:scientificName
k\t\taccepted\tkingdom\tAnimalia
o\tk\taccepted\torder\tLepidoptera
f\to\taccepted\tfamily\tAidae
g\tf\taccepted\tgenus\tAus
s\tg\taccepted\tspecies\tAus (Subaus) bus
y\ts\tsynonym\tspecies\tAus vetus
"""


@pytest.fixture
def write_table(tmp_path):
    def write(text, name="Taxon.tsv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def rows_by_name(frame):
    return {row["name"]: row for row in frame.iter_rows(named=True)}


def test_synonyms_and_ranks_in_darwin_core(write_table):
    rows = rows_by_name(taxonomy.read_taxonomy(write_table(DARWIN_CORE), {"Aus"}))
    assert set(rows) == {"Aus bus", "Aus vetus", "Aus duo", "Aus homo"}
    assert rows["Aus bus"]["accepted"] == rows["Aus vetus"]["accepted"] == "Aus bus"
    assert rows["Aus vetus"]["order"] == "Passeriformes"
    assert rows["Aus duo"]["accepted"] is None
    assert rows["Aus duo"]["others"] == "Aus bus | Cus cus"


def test_homonyms_keep_the_ranks_that_they_share(write_table):
    homonym = rows_by_name(taxonomy.read_taxonomy(write_table(DARWIN_CORE), {"Aus"}))["Aus homo"]
    assert (homonym["accepted"], homonym["kingdom"], homonym["family"]) == ("Aus homo", None, None)


def test_coldp_with_parents_instead_of_columns(write_table):
    rows = rows_by_name(taxonomy.read_taxonomy(write_table(COLDP, "NameUsage.tsv"), {"Aus"}))
    assert rows["Aus vetus"]["accepted"] == "Aus bus"
    for name in ("Aus bus", "Aus vetus"):
        assert [rows[name][rank] for rank in ("kingdom", "phylum", "order", "family")] == [
            "Animalia",
            None,
            "Lepidoptera",
            "Aidae",
        ]


def test_a_plain_csv_of_names(write_table):
    text = "scientificName,acceptedNameUsage,family,vernacularName\n"
    text += '"Aus bus (L., 1758)",,Aidae,"bus, great"\nAus vetus,Aus bus L.,,\n'
    rows = rows_by_name(taxonomy.read_taxonomy(write_table(text, "names.csv"), {"Aus"}))
    assert (rows["Aus bus"]["common_name"], rows["Aus bus"]["family"]) == ("bus, great", "Aidae")
    assert rows["Aus vetus"]["accepted"] == "Aus bus"


def test_a_common_name_may_be_in_the_column_common(write_table):
    rows = rows_by_name(
        taxonomy.read_taxonomy(
            write_table("scientificName,common\nAus bus,great bus\n", "names.csv"), {"Aus"}
        )
    )
    assert rows["Aus bus"]["common_name"] == "great bus"


def test_cyclic_parents_end(write_table):
    lines = ["ID parentID rank scientificName", "a b genus Aus", "b a family Aidae", "s a species Aus_bus"]
    text = "\n".join(lines).replace(" ", "\t").replace("_", " ")
    assert taxonomy.read_taxonomy(write_table(text), {"Aus"})["family"].to_list() == ["Aidae"]


def test_a_file_without_a_taxonomy_is_named(write_table, tmp_path):
    with pytest.raises(ValueError, match=r"Taxon\.tsv: no column scientificName.*this has a, b"):
        taxonomy.read_taxonomy(write_table("a\tb\n1\t2\n"), {"Aus"})
    with pytest.raises(ValueError, match=r"none\.tsv: cannot be read"):
        taxonomy.read_taxonomy(tmp_path / "none.tsv", {"Aus"})
