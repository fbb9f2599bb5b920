"""Each kind of fault: what it makes of a clean entry, and the truth about it."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from nearkin.synthetic import records
from nearkin.synthetic.captions import make_caption
from nearkin.synthetic.records import Entry
from nearkin.synthetic.taxonomy import Species

SpeciesByNumber = Mapping[int, Species]
Corruption = Callable[[Entry, Any, np.random.Generator, SpeciesByNumber], list[Entry]]
"""What a fault makes of a clean entry, in one of its variants; each kind has variants of its own type."""


def _names_of(entry: Entry) -> tuple[str, str]:
    """The path and the listed name of a clean entry, which has both."""
    return cast(str, entry.path), cast(str, entry.listed)


def _with_name(entry: Entry, defect: str, label: str, outcome: str, note: str = "") -> list[Entry]:
    """A fault in the name, the same in both tables."""
    correct = "" if outcome == "kept" else entry.species.name
    return [
        replace(
            entry,
            labels=(label,),
            raw_name_in_captions=label,
            as_delivered=label,
            defect=defect,
            outcome=outcome,
            correct=correct,
            note=note,
        )
    ]


def _drop_name(
    entry: Entry, variant: tuple[str, str, str], rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    defect, label, kept_in = variant
    if kept_in == "captions":
        [faulty] = _with_name(entry, defect, label, "repaired", "the captions table still has the name")
        return [replace(faulty, raw_name_in_captions=entry.species.name)]
    hint = "" if entry.category == "Fish" else "; the file name still hints at the species"
    [faulty] = _with_name(entry, defect, label, "quarantined", "no table has the name" + hint)
    return [replace(faulty, raw_name_in_captions="", caption=make_caption(rng, entry.species, named=False))]


def _add_spaces(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    name = entry.species.name
    label = {"leading": f" {name}", "trailing": f"{name} ", "double": name.replace(" ", "  ")}[variant]
    return _with_name(entry, "name_spaces", label, "repaired", variant)


def _change_case(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    return _with_name(entry, "name_case", getattr(entry.species.name, variant)(), "repaired", variant)


def _use_underscore(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    return _with_name(entry, "name_underscore", entry.species.name.replace(" ", "_"), "repaired")


def _add_authorship(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    author = rng.choice(["Linnaeus", "Cuvier", "Fabricius", "Bloch", "Swainson"])
    year = rng.integers(1758, 1880)
    return _with_name(entry, "name_authorship", f"{entry.species.name} ({author}, {year})", "repaired")


def _add_subspecies(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    middle = " subsp. " if variant == "subsp." else " "
    label = f"{entry.species.name}{middle}{entry.species.epithet}"
    return _with_name(entry, "name_subspecies", label, "repaired", variant)


def misspell_epithet(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    """The entry with a letter of its epithet lost, doubled, added or replaced."""
    epithet, at = entry.species.epithet, int(rng.integers(2, len(entry.species.epithet) - 2))
    choices = [
        epithet[:at] + epithet[at + 1 :],
        epithet[:at] + epithet[at] + epithet[at:],
        epithet[:at] + "aeiou"[rng.integers(5)] + epithet[at:],
        epithet[:at] + "nrlst"[rng.integers(5)] + epithet[at + 1 :],
    ]
    wrong = [word for word in choices if word != epithet]
    return _with_name(entry, "name_misspelt", f"{entry.species.genus} {rng.choice(wrong)}", "repaired")


def _drop_epithet(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    return _with_name(entry, "name_genus_only", entry.species.genus, "quarantined")


def _leave_open(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    label = f"{entry.species.genus} {variant}" + ("" if variant == "sp." else f" {entry.species.epithet}")
    return _with_name(entry, "name_open", label, "quarantined", variant)


def _name_hybrid(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    other = _choose_other(entry, rng, species)
    sign = "x" if variant == "letter x" else "\N{MULTIPLICATION SIGN}"
    label = f"{entry.species.name} {sign} {other.epithet}"
    return _with_name(entry, "name_hybrid", label, "quarantined", variant)


def _choose_other(entry: Entry, rng: np.random.Generator, species: SpeciesByNumber) -> Species:
    """Another species of the same category, a congener if there is one."""
    others = [
        other for other in species.values() if other.category == entry.category and other != entry.species
    ]
    congeners = [other for other in others if other.genus == entry.species.genus]
    return (congeners or others)[rng.integers(len(congeners or others))]


def _with_truth(
    entry: Entry,
    defect: str,
    outcome: str,
    as_delivered: str = "",
    correct: str = "",
    note: str = "",
    **changes: str | tuple[str, ...] | None,
) -> Entry:
    """The entry with changes to other fields, and with the truth about its fault."""
    truth = {"as_delivered": as_delivered, "correct": correct, "note": note}
    return replace(entry, defect=defect, outcome=outcome, **truth, **changes)


def _change_extension(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    folder, name = _names_of(entry)[0].rsplit("/", 1)
    stem, extension = name.rsplit(".", 1)
    capital, alias = f"{stem}.{extension.upper()}", f"{stem}." + ("jpeg" if extension == "jpg" else "jpg")
    on_disk = capital if variant == "capitals on disk" else name
    listed = {"listed in capitals": capital, "listed under another": alias}.get(variant, name)
    names = {"path": f"{folder}/{on_disk}", "listed": listed}
    return [_with_truth(entry, "extension_mismatch", "repaired", listed, on_disk, variant, **names)]


def _decompose_accents(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    word = str(rng.choice(["récif", "forêt", "cañón"]))
    path, listed = _names_of(entry)
    (path, extension), listed = path.rsplit(".", 1), listed.rsplit(".", 1)[0]
    listed = unicodedata.normalize("NFC", f"{listed}_{word}.{extension}")
    path = unicodedata.normalize("NFD", f"{path}_{word}.{extension}")
    names, on_disk = {"path": path, "listed": listed}, path.rsplit("/", 1)[1]
    note = "NFC in the metadata, NFD on disk"
    return [_with_truth(entry, "name_not_normalised", "repaired", listed, on_disk, note, **names)]


def _drop_rows(entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber) -> list[Entry]:
    rows = {"listed": None, "labels": (), "caption": None}
    return [_with_truth(entry, "unlisted_file", "quarantined", note="in no table", **rows)]


def _add_row_without_picture(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    """A row for a file that is missing, or is no picture, or lies outside the delivery."""
    some = list(species.values())[rng.integers(len(species))]
    new = replace(records.make_record(rng, some, -1, 0, records.new_stem(rng, some)), caption=None)
    if variant == "missing":
        return [_with_truth(new, "missing_file", "quarantined", path=None)]
    if variant == "escape":
        away = str(
            rng.choice(["/etc/passwd", "/etc/hosts", "\\boot.ini", f"/photos/{rng.integers(10**6)}.jpg"])
        )
        separator = "\\" if "\\" in away else "/"
        listed = separator.join([".."] * int(rng.integers(1, 7))) + away
        return [_with_truth(new, "path_escape", "quarantined", listed, path=None, listed=listed)]
    defect, delivered = {
        "empty": ("zero_byte_file", ""), "huge": ("huge_dimensions", ""),
        "page": ("html_as_image", "page"), "plain text": ("html_as_image", "plain text"),
    }[variant]  # fmt: skip
    if variant == "huge":
        side = 30_000 + int(rng.integers(1000))
        path, listed = (text.rsplit(".", 1)[0] + ".png" for text in _names_of(new))
        changes = {"path": path, "listed": listed, "treatment": f"huge {side}"}
        return [_with_truth(new, defect, "quarantined", f"{side} x {side} pixels", **changes)]
    return [_with_truth(new, defect, "quarantined", delivered, treatment=variant)]


def _truncate_file(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    return [_with_truth(entry, "truncated_image", "quarantined", treatment="truncated")]


def use_unusual_mode(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    """The entry with a valid picture in an unusual mode, which must be kept."""
    note = "valid: must be kept"
    return [_with_truth(entry, "unusual_mode", "kept", variant, note=note, treatment=variant)]


def _add_byte_copy(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    original, name = _names_of(entry)
    path, listed = (
        f"{stem}_1.{extension}" for stem, extension in (text.rsplit(".", 1) for text in (original, name))
    )
    changes = {"path": path, "listed": listed, "caption": make_caption(rng, entry.species, named=False)}
    return [entry, _with_truth(entry, "byte_copy", "grouped", listed, original, **changes)]


def _add_near_duplicate(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    stem = records.new_stem(rng, entry.species)
    new = records.make_record(rng, entry.species, entry.specimen, entry.view, stem)
    listed, original = _names_of(new)[1], _names_of(entry)[0]
    truth = _with_truth(new, "near_duplicate", "grouped", listed, original, variant, treatment=variant)
    return [entry, truth]


def _contradict_label(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    other = _choose_other(entry, rng, species)
    alias = records.make_record(rng, other, -1, 0, records.new_stem(rng, other))
    wrong = replace(alias, species=entry.species, specimen=entry.specimen, view=entry.view)
    (path, _), (wrong_path, _) = _names_of(entry), _names_of(wrong)
    defect, outcome = "label_conflict", "quarantined"
    return [
        _with_truth(entry, defect, outcome, entry.species.name, wrong_path, "right of the two labels"),
        _with_truth(wrong, defect, outcome, other.name, path, "wrong of the two labels"),
    ]


def _repeat_row(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    name, note = entry.species.name, "one row is to be left"
    return [_with_truth(entry, "repeated_row", "repaired", name, name, note, labels=entry.labels * 2)]


def _contradict_row(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    names = (entry.species.name, _choose_other(entry, rng, species).name)
    text = make_caption(rng, entry.species, named=False)
    changes = {"labels": names, "raw_name_in_captions": "", "caption": text}
    return [_with_truth(entry, "conflicting_rows", "quarantined", " | ".join(names), names[0], **changes)]


def _spoil_caption(
    entry: Entry, variant: tuple[str, str | None], rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    defect, text = variant
    delivered = text if text and defect == "caption_placeholder" else ""
    return [_with_truth(entry, defect, "flagged", delivered, caption=text)]


def _name_other_species(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    other, right = _choose_other(entry, rng, species), cast(str, entry.caption)
    text = f"A photo of {other.common_name} ({other.name})" + right[right.find(".") :]
    note = f"it names {other.name}"
    return [_with_truth(entry, "caption_other_species", "flagged", text, note=note, caption=text)]


def _garble_caption(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    if variant == "mojibake":
        right = f"{entry.caption} The animal’s shape is easy to see – a fine view."
        wrong = right.encode().decode("cp1252")
    else:
        right = f"{entry.caption} Shape & colour are easy to see."
        wrong = f"<p>{right.replace('&', '&amp;')}</p>"
    return [_with_truth(entry, "caption_garbled", "repaired", wrong, right, variant, caption=wrong)]


def _add_white_space(
    entry: Entry, variant: str, rng: np.random.Generator, species: SpeciesByNumber
) -> list[Entry]:
    right = cast(str, entry.caption)
    words = right.split(" ")
    wrong = "  " + " ".join(words[:3]) + "\r\n" + " ".join(words[3:]) + " \n\n"
    return [_with_truth(entry, "caption_whitespace", "repaired", wrong, right, caption=wrong)]


_NO_NAMES = (("name_blank", " "), ("name_empty", ""), ("name_nan", "nan"), ("name_nan", "NA"))

ADDS_ROW = (_add_row_without_picture,)
"""Corruptions that leave the given entry as it is and add one without a picture."""

NEEDS_OTHER_SPECIES = (_name_hybrid, _contradict_label, _contradict_row, _name_other_species)
"""Corruptions that need another species of the same category."""

CORRUPTIONS: dict[Corruption, Sequence[object]] = {
    _drop_name: [(*kind, kept_in) for kind in _NO_NAMES for kept_in in ("captions", "nowhere")],
    _add_spaces: ["leading", "trailing", "double"],
    _change_case: ["upper", "lower", "title"],
    _use_underscore: [""],
    _add_authorship: [""],
    _add_subspecies: ["plain", "subsp."],
    misspell_epithet: [""],
    _drop_epithet: [""],
    _leave_open: ["sp.", "cf.", "aff."],
    _name_hybrid: ["letter x", "sign"],
    _change_extension: ["capitals on disk", "listed in capitals", "listed under another"],
    _decompose_accents: [""],
    _drop_rows: [""],
    _add_row_without_picture: ["missing", "escape", "empty", "page", "plain text", "huge"],
    _truncate_file: [""],
    use_unusual_mode: ["CMYK", "turned by EXIF", "palette with transparency", "16-bit grey"],
    _add_byte_copy: [""],
    _add_near_duplicate: ["quality 60", "size 90%", "size 90%, quality 60", "3% cut from each side"],
    _contradict_label: [""],
    _repeat_row: [""],
    _contradict_row: [""],
    _spoil_caption: [
        ("caption_row_missing", None), ("caption_empty", ""), ("caption_placeholder", "nan"),
        ("caption_placeholder", "Error generating caption"), ("caption_placeholder", "N/A"),
    ],
    _name_other_species: [""],
    _garble_caption: ["mojibake", "HTML"],
    _add_white_space: [""],
}  # fmt: skip
"""Every kind of fault and its variants. The order decides which pictures get which fault."""
