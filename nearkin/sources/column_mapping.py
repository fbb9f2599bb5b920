"""Which columns of a table fill which fields, for the layout `table`: presets and overrides by a config.

The source of a field is a column, a text with {columns} in braces, or a list of these, of
which the first that is not blank counts.
"""

import difflib
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from nearkin.vocabulary import RANKS

OWN_RANKS: dict[str, str | list[str]] = {rank: rank for rank in RANKS if rank != "species"}

PRESETS: dict[str, dict[str, str | list[str]]] = {
    "vlm4bio": {
        "file": ["fileNameAsDelivered", "image_path", "image_name"],
        "category": "category",
        "species": ["scientificName", "scientific_name"],
        "caption": "caption",
    },
    # https://github.com/bioscan-ml/BIOSCAN-5M: images/<package>/<split>/[<chunk>/]<processid>.jpg.
    # Most specimens have no name but a cluster of barcodes; see labels.policies.dna_barcode.
    "bioscan_5m": OWN_RANKS
    | {
        "file": "{processid}.jpg",
        "category": ["order", "class"],
        "species": ["species", "dna_bin"],
        "specimen": "sampleid",
        "split": "split",
    },
    # https://dwc.tdwg.org/terms as GBIF delivers them, and the catalogues of TreeOfLife-200M.
    "darwin_core": OWN_RANKS
    | {
        "file": ["associatedMedia", "accessURI", "{treeoflife_id}.jpg", "{uuid}.jpg", "identifier"],
        "category": ["class", "phylum", "kingdom"],
        "species": [
            *("scientificName", "scientific_name"),
            *("{genus} {specificEpithet} {infraspecificEpithet}", "{genus} {specificEpithet}", "species"),
        ],
        "genus": ["genus", "genericName"],
        "common_name": ["vernacularName", "common_name", "common"],
        "caption": ["caption", "description"],
        "specimen": [
            "organismID",
            "{institutionCode} {collectionCode} {catalogNumber}",
            "{institutionCode} {catalogNumber}",
            "catalogNumber",
        ],
        "split": "split",
    },
    "nearkin": OWN_RANKS
    | {
        "file": "path",
        "category": "category",
        "species": ["infraspecies", "species"],
        "common_name": "common_name",
        "caption": "caption",
    },
}

EPITHETS = {"species": "{genus} {species}"}
"""TreeOfLife-10M, recognised by its treeoflife_id, has only the epithet as its species."""


def as_list(texts: str | list[str]) -> list[str]:
    """The sources of a field as a list."""
    return [texts] if isinstance(texts, str) else texts


def split_template(text: str) -> list[str]:
    """A text split into alternating literals and columns, a literal first.

    >>> split_template("{genus} {specificEpithet}")
    ['', 'genus', ' ', 'specificEpithet', '']
    >>> split_template("scientificName")
    ['', 'scientificName', '']
    """
    return re.split(r"\{([^{}]*)\}", text) if "{" in text or "}" in text else ["", text, ""]


def list_columns(text: str) -> list[str]:
    """The columns that a text takes its value from."""
    return split_template(text)[1::2]


def has_stray_braces(text: str) -> bool:
    """Whether a text has braces that hold no column."""
    literals = split_template(text)[::2]
    return any("{" in literal or "}" in literal for literal in literals) or "" in list_columns(text)


def resolve_columns(
    path: str | Path,
    has: Collection[str],
    *,
    preset: str | None,
    overrides: Mapping[str, str | list[str]],
) -> dict[str, list[str]]:
    """For each field that a table with the columns `has` can fill, its sources, best first.

    `overrides` replaces fields of the preset, which may be None. Columns that only the preset names may
    be absent; a column that `overrides` names and the table lacks is an error, and so is a table
    without a column for files. Raises ValueError naming the table at `path`, the column, the
    nearest one, and all columns of the table.
    """
    fields = dict(PRESETS[preset]) if preset else {}
    if preset == "darwin_core" and "treeoflife_id" in has:
        fields |= EPITHETS
    sources: dict[str, list[str]] = {}
    for field, texts in {**fields, **overrides}.items():
        absent = [name for text in as_list(texts) for name in list_columns(text) if name not in has]
        if field in overrides and absent:
            similar = difflib.get_close_matches(absent[0], has, n=1)
            hint = f"did you mean {similar[0]!r}? " if similar else ""
            raise ValueError(
                f"{path}: no column {absent[0]!r}, which source.columns.{field} names; "
                f"{hint}it has {', '.join(has) or 'none'}"
            )
        sources[field] = [text for text in as_list(texts) if not set(list_columns(text)) & set(absent)]
    if not sources.get("file"):
        known = ", ".join(as_list(fields.get("file", []))) or "nothing"
        raise ValueError(
            f"{path}: no column names the image files: preset {preset} knows {known}, and it has "
            f"{', '.join(has) or 'none'}; say which one does in source.columns.file"
        )
    return {field: alternatives for field, alternatives in sources.items() if alternatives}
