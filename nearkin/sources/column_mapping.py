"""Which columns of a table say what, for the layout `table`: presets, and what a config puts in their place.

What says something is a column, a text with {columns} in braces, or a list of those of
which the first that is not blank counts.
"""

import difflib
import re

# Not from nearkin.tables: a config is also checked where there are no libraries for tables.
OWN_RANKS = {rank: rank for rank in ("kingdom", "phylum", "class", "order", "family", "genus")}

PRESETS = {
    "vlm4bio": {
        "file": ["fileNameAsDelivered", "image_path", "image_name"],
        "category": "category",
        "species": ["scientificName", "scientific_name"],
        "caption": "caption",
    },
    # https://github.com/bioscan-ml/BIOSCAN-5M: images/<package>/<split>/[<chunk>/]<processid>.jpg.
    # Most specimens have no name but a cluster of barcodes; see labels.policies.code.
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
"""TreeOfLife-10M, known by its treeoflife_id, has only the epithet as its species."""


def as_list(said):
    """What a config says of a field, as a list."""
    return [said] if isinstance(said, str) else said


def split_template(text):
    """A text split into literals and columns by turns, a literal first.

    >>> split_template("{genus} {specificEpithet}")
    ['', 'genus', ' ', 'specificEpithet', '']
    >>> split_template("scientificName")
    ['', 'scientificName', '']
    """
    return re.split(r"\{([^{}]*)\}", text) if "{" in text or "}" in text else ["", text, ""]


def list_columns(text):
    """The columns that a text takes its value from."""
    return split_template(text)[1::2]


def has_stray_braces(text):
    """Whether a text has braces that hold no column."""
    literals = split_template(text)[::2]
    return any("{" in literal or "}" in literal for literal in literals) or "" in list_columns(text)


def resolve_columns(path, has, *, preset, own):
    """For each field that a table with the columns `has` can fill, the texts that can, best first.

    `own` replaces fields of the preset, which may be None. What only the preset asks for may
    be absent; a column that `own` names and the table lacks is an error, and so is a table
    that tells of no file. Raises ValueError naming the table at `path`, the column, the
    nearest one, and all that there are.
    """
    fields = dict(PRESETS[preset]) if preset else {}
    if preset == "darwin_core" and "treeoflife_id" in has:
        fields |= EPITHETS
    found = {}
    for field, said in (fields | own).items():
        absent = [name for text in as_list(said) for name in list_columns(text) if name not in has]
        if field in own and absent:
            near = difflib.get_close_matches(absent[0], has, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(
                f"{path}: no column {absent[0]!r}, which source.columns.{field} names; "
                f"{hint}it has {', '.join(has) or 'none'}"
            )
        found[field] = [text for text in as_list(said) if not set(list_columns(text)) & set(absent)]
    if not found.get("file"):
        known = ", ".join(as_list(fields.get("file", []))) or "nothing"
        raise ValueError(
            f"{path}: no column names the image files: preset {preset} knows {known}, and it has "
            f"{', '.join(has) or 'none'}; say which one does in source.columns.file"
        )
    return {field: alternatives for field, alternatives in found.items() if alternatives}
