"""Scientific names as people write them: genus, species, and what was wrong with them."""

import html
import re
from collections.abc import Callable, Container
from typing import NamedTuple, TypeGuard
from unicodedata import normalize
from urllib.parse import unquote

import ftfy
from nameparser import Informal, UnparsableNameError, parse

from nearkin.tables.categories import INVISIBLE

MISSING = {
    *(
        "",
        "nan",
        "na",
        "n/a",
        "n.a",
        "#n/a",
        "<na>",
        "none",
        "null",
        "nil",
        "0",
        "unknown",
        "unknown species",
    ),
    *("unidentified", "undetermined", "unspecified", "undefined", "not identified", "no id", "indet", "tbd"),
    *("missing", "empty", "blank", "no name", "no species", "species", "not available", "to be determined"),
}
"""What people write where there is no name, in lower case and without marks around."""

DEFECTS = (
    "missing",
    "genus_only",
    "open_nomenclature",
    "dna_barcode",
    "hybrid",
    "multiple_names",
    "unparsable",
)
"""Why a name does not give the species; the policy keep holds such an image at its genus."""

ABOVE_GENUS = ("idae", "inae", "oidea", "aceae", "iformes")
ORDERS = {
    *("Coleoptera", "Diptera", "Hemiptera", "Hymenoptera", "Lepidoptera", "Neuroptera", "Orthoptera"),
    *("Dermaptera", "Embioptera", "Mecoptera", "Megaloptera", "Plecoptera", "Psocoptera", "Trichoptera"),
}

CODE = re.compile(r"\b(BOLD:[A-Z]{3}\d{4,5}|SH\d{6,8}\.\d{2}FU)\b")
HYBRID = re.compile(r"\b(hybrid|intergrade)\b", re.I)
MULTIPLE_NAMES = re.compile(
    r"[a-z][;,/|&]\s*[A-Z][a-z]+ [a-z-]{3,}$|[a-z] (?:or|and|vs\.?) [A-Z][a-z]+ [a-z-]{3,}$"
)
NAME_IN_BRACKETS = re.compile(r"[^()]*\(([A-Z][a-z]+ [a-z-]{2,})\)")
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
STAGE = re.compile(r"\s+[(,]?\s*(♂|♀|(adult|juvenile|juv|immature|imm|larva|male|female)\b\.?)\s*\)?$", re.I)
GROUP_WORDS = {"gr", "grp", "group", "complex", "aggregate"}
MARKS = " .?!*_-()[]<>\"'"
QUOTES = " \t\"'`,;:.\u2018\u2019\u201c\u201d"


class Name(NamedTuple):
    """A parsed name: its ranks, why it does not give the species, how it was repaired.

    `defect` is one of DEFECTS, or None where there is a species. `infraspecies` is the whole
    trinomial. `repairs` has a word for each repair.
    """

    genus: str | None = None
    species: str | None = None
    infraspecies: str | None = None
    defect: str | None = None
    repairs: tuple[str, ...] = ()
    detail: str = ""


def parse_name(text: str | None, known: Container[str] = frozenset()) -> Name:
    """The name in a delivered text, which may be None; never an error.

    `known` are binomials in use elsewhere: only they tell `Papilio Indra`, a species in
    wrong case, from `Papilio Linnaeus`, a genus with its author. Source: the GBIF name parser.

    >>> parse_name("PAPILIO_indra Reakirt, 1866").species
    'Papilio indra'
    >>> parse_name("Papilio indra minori")[:3]
    ('Papilio', 'Papilio indra', 'Papilio indra minori')
    >>> [parse_name(text).defect for text in ["Papilio", "Papilio cf. indra", "Aus bus x cus", "nan", "=1"]]
    ['genus_only', 'open_nomenclature', 'hybrid', 'missing', 'unparsable']
    """
    text, repairs = normalise_text(text or "")
    if text.lower().strip(MARKS) in MISSING:
        return Name(defect="missing", detail="no name given")
    for defect, pattern in (("dna_barcode", CODE), ("hybrid", HYBRID), ("multiple_names", MULTIPLE_NAMES)):
        if match := pattern.search(text):
            genus = re.match(r"[A-Z][a-z]+(?= )", text) if defect == "dna_barcode" else None
            return Name(genus and genus[0], defect=defect, detail=f"{match[0].strip()!r} in {text[:80]!r}")
    cased = _fix_case(text, known)
    if cased != text:
        repairs.append("case")
    name = _parse_cased(cased)
    return name._replace(repairs=(*repairs, *name.repairs) if name.species else ())


def is_missing(text: str | None) -> bool:
    """Whether a delivered text stands for no name at all.

    >>> is_missing("nan"), is_missing("unidentified fish"), is_missing("Papilio indra")
    (True, True, False)
    """
    return parse_name(text).defect == "missing"


def normalise_text(text: str) -> tuple[str, list[str]]:
    """The text without markup, mojibake, underscores and stray spaces, and a word for each."""
    steps: list[tuple[str, Callable[[str], str]]] = [
        ("markup", lambda text: html.unescape(TAG.sub(" ", text)) if "<" in text or "&" in text else text),
        ("escape", lambda text: unquote(text) if re.search("%[0-9A-Fa-f]{2}", text) else text),
        ("mojibake", lambda text: text if text.isascii() else normalize("NFC", ftfy.fix_encoding(text))),
        ("underscore", lambda text: text.replace("_", " ")),
        ("spaces", lambda text: " ".join(re.sub(INVISIBLE, "", text).split())),
        ("stage", lambda text: STAGE.sub("", text)),
        ("gloss", lambda text: match[1] if (match := NAME_IN_BRACKETS.fullmatch(text)) else text),
        ("punctuation", _strip_punctuation),
    ]
    repairs = []
    for word, step in steps:
        before, text = text, step(text)
        if text != before:
            repairs.append(word)
    return text, repairs


def _strip_punctuation(text: str) -> str:
    text = text.lstrip(QUOTES)
    if re.search(r"\b(sp|spp|cf|aff|[A-Z])\.$", text):
        return text
    return re.sub(r"\b(spp?)\.?(\d)", r"\1. \2", text).rstrip(QUOTES)


def _fix_case(text: str, known: Container[str]) -> str:
    first, *rest = text.split(" ")
    if not rest or first in ("x", "X", "×"):
        return text.capitalize() if text.isalpha() and (text.isupper() or text.islower()) else text
    if text.isupper():
        has_author = re.search(r"[\d,(]", text)
        rest = [rest[0].lower(), *((word.title() if has_author else word.lower()) for word in rest[1:])]
    elif (len(rest[0]) > 2 and rest[0].isupper()) or (rest[0][:1].islower() and rest[0].isalpha()):
        rest[0] = rest[0].lower()
    first = first.capitalize() if first.isalpha() else first
    if f"{first} {rest[0].lower()}" in known:
        rest[0] = rest[0].lower()
    return " ".join([first, *rest])


def _parse_cased(text: str) -> Name:
    try:
        parsed = parse(text)
    except UnparsableNameError as error:
        kind = str(error.name_type)
        defect = {"FORMULA": "hybrid", "PLACEHOLDER": "missing"}.get(kind, "unparsable")
        return Name(defect=defect, detail=f"{kind.lower()}: {text[:80]}")
    if isinstance(parsed, Informal):
        genus = parsed.taxon if str(parsed.taxon_rank) == "GENUS" else None
        if genus and _is_above_genus(genus):
            return Name(defect="unparsable", detail=f"{genus} is above the rank of genus")
        return Name(
            genus, defect="open_nomenclature", detail=f"{parsed.phrase or 'no species'} after {parsed.taxon}"
        )
    genus, epithet = parsed.genus or parsed.uninomial, parsed.specific_epithet
    if parsed.notho:
        return Name(genus, defect="hybrid", detail=f"hybrid: {text[:80]}")
    if str(parsed.state) != "COMPLETE" or not _is_word(genus) or (epithet and not _is_word(epithet)):
        return Name(defect="unparsable", detail=f"not a scientific name: {text[:80]}")
    if parsed.epithet_qualifier or parsed.doubtful or parsed.phrase or str(parsed.type) == "INFORMAL":
        return Name(genus, defect="open_nomenclature", detail=f"not sure of the species: {text[:80]}")
    if not epithet:
        if _is_above_genus(genus):
            return Name(defect="unparsable", detail=f"{genus} is above the rank of genus")
        return Name(genus, defect="genus_only", detail=f"only the genus {genus}")
    if epithet in GROUP_WORDS:
        return Name(genus, defect="open_nomenclature", detail=f"a group of species: {text[:80]}")
    species = f"{genus} {epithet}"
    below = parsed.infraspecific_epithet
    written = f"{species} {below}" if below else species
    repairs = ["subspecies"] if below else []
    if parsed.combination_authorship.authors or parsed.basionym_authorship.authors or re.search(r"\d", text):
        repairs.append("authorship")
    if parsed.infrageneric_epithet:
        repairs.append("subgenus")
    if not repairs and written != text:
        repairs.append("case" if written.lower() == text.lower() else "qualifier")
    return Name(genus, species, f"{species} {below}" if below else None, repairs=tuple(repairs))


def _is_above_genus(name: str) -> bool:
    return name in ORDERS or name.endswith(ABOVE_GENUS)


def _is_word(word: str | None) -> TypeGuard[str]:
    return bool(word and len(word) > 1 and re.fullmatch(r"[^\W\d_]+(['’-]?[^\W\d_]+)*", word))
