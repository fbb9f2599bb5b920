"""Each kind of fault: what it makes of a clean entry, and the truth about it."""

import unicodedata
from dataclasses import replace

from nearkin.synthetic.captions import caption
from nearkin.synthetic.records import entry, new_stem


def _named(one, defect, label, outcome, note=""):
    """A fault in the name, the same in both tables."""
    correct = "" if outcome == "kept" else one.species.name
    names = {"labels": (label,), "raw_name_in_captions": label, "as_delivered": label}
    return [replace(one, **names, defect=defect, outcome=outcome, correct=correct, note=note)]


def _no_name(one, variant, rng, species):
    defect, label, place = variant
    if place == "captions":
        [hurt] = _named(one, defect, label, "repaired", "the captions table still has the name")
        return [replace(hurt, raw_name_in_captions=one.species.name)]
    hint = "" if one.category == "Fish" else "; the file name still hints at the species"
    [hurt] = _named(one, defect, label, "quarantined", "no table has the name" + hint)
    return [replace(hurt, raw_name_in_captions="", caption=caption(rng, one.species, named=False))]


def _spaces(one, variant, rng, species):
    name = one.species.name
    label = {"leading": f" {name}", "trailing": f"{name} ", "double": name.replace(" ", "  ")}[variant]
    return _named(one, "name_spaces", label, "repaired", variant)


def _case(one, variant, rng, species):
    return _named(one, "name_case", getattr(one.species.name, variant)(), "repaired", variant)


def _underscore(one, variant, rng, species):
    return _named(one, "name_underscore", one.species.name.replace(" ", "_"), "repaired")


def _authorship(one, variant, rng, species):
    author, year = (
        rng.choice(["Linnaeus", "Cuvier", "Fabricius", "Bloch", "Swainson"]),
        rng.integers(1758, 1880),
    )
    return _named(one, "name_authorship", f"{one.species.name} ({author}, {year})", "repaired")


def _subspecies(one, variant, rng, species):
    middle = " subsp. " if variant == "subsp." else " "
    return _named(
        one, "name_subspecies", f"{one.species.name}{middle}{one.species.epithet}", "repaired", variant
    )


def misspelt(one, variant, rng, species):
    epithet, at = one.species.epithet, int(rng.integers(2, len(one.species.epithet) - 2))
    choices = [
        epithet[:at] + epithet[at + 1 :],
        epithet[:at] + epithet[at] + epithet[at:],
        epithet[:at] + "aeiou"[rng.integers(5)] + epithet[at:],
        epithet[:at] + "nrlst"[rng.integers(5)] + epithet[at + 1 :],
    ]
    wrong = [word for word in choices if word != epithet]
    return _named(one, "name_misspelt", f"{one.species.genus} {rng.choice(wrong)}", "repaired")


def _genus_only(one, variant, rng, species):
    return _named(one, "name_genus_only", one.species.genus, "quarantined")


def _open(one, variant, rng, species):
    label = f"{one.species.genus} {variant}" + ("" if variant == "sp." else f" {one.species.epithet}")
    return _named(one, "name_open", label, "quarantined", variant)


def _hybrid(one, variant, rng, species):
    other = _other(one, rng, species)
    sign = "x" if variant == "letter x" else "\N{MULTIPLICATION SIGN}"
    return _named(one, "name_hybrid", f"{one.species.name} {sign} {other.epithet}", "quarantined", variant)


def _other(one, rng, species):
    """Another species of the same category, a congener if there is one."""
    others = [s for s in species.values() if s.category == one.category and s != one.species]
    near = [s for s in others if s.genus == one.species.genus]
    return (near or others)[rng.integers(len(near or others))]


def _truth(one, defect, outcome, as_delivered="", correct="", note="", **changes):
    return replace(
        one, defect=defect, outcome=outcome, as_delivered=as_delivered, correct=correct, note=note, **changes
    )


def _extension(one, variant, rng, species):
    folder, name = one.path.rsplit("/", 1)
    stem, extension = name.rsplit(".", 1)
    capital, alias = f"{stem}.{extension.upper()}", f"{stem}." + ("jpeg" if extension == "jpg" else "jpg")
    on_disk = capital if variant == "capitals on disk" else name
    listed = {"listed in capitals": capital, "listed under another": alias}.get(variant, name)
    return [
        _truth(
            one,
            "extension_mismatch",
            "repaired",
            listed,
            on_disk,
            variant,
            path=f"{folder}/{on_disk}",
            listed=listed,
        )
    ]


def _decomposed(one, variant, rng, species):
    word = str(rng.choice(["récif", "forêt", "cañón"]))
    (path, extension), listed = one.path.rsplit(".", 1), one.listed.rsplit(".", 1)[0]
    listed = unicodedata.normalize("NFC", f"{listed}_{word}.{extension}")
    path = unicodedata.normalize("NFD", f"{path}_{word}.{extension}")
    note = "NFC in the metadata, NFD on disk"
    return [
        _truth(
            one,
            "name_not_normalised",
            "repaired",
            listed,
            path.rsplit("/", 1)[1],
            note,
            path=path,
            listed=listed,
        )
    ]


def _unlisted(one, variant, rng, species):
    return [
        _truth(one, "unlisted_file", "quarantined", note="in no table", listed=None, labels=(), caption=None)
    ]


def _without_picture(one, variant, rng, species):
    """A row for a file that is missing, or is no picture, or lies outside the delivery."""
    some = list(species.values())[rng.integers(len(species))]
    new = replace(entry(rng, some, -1, 0, new_stem(rng, some)), caption=None)
    if variant == "missing":
        return [_truth(new, "missing_file", "quarantined", path=None)]
    if variant == "escape":
        away = str(
            rng.choice(["/etc/passwd", "/etc/hosts", "\\boot.ini", f"/photos/{rng.integers(10**6)}.jpg"])
        )
        separator = "\\" if "\\" in away else "/"
        listed = separator.join([".."] * int(rng.integers(1, 7))) + away
        return [_truth(new, "path_escape", "quarantined", listed, path=None, listed=listed)]
    defect, delivered = {
        "empty": ("zero_byte_file", ""), "huge": ("huge_dimensions", ""),
        "page": ("html_as_image", "page"), "plain text": ("html_as_image", "plain text"),
    }[variant]  # fmt: skip
    if variant == "huge":
        side = 30_000 + int(rng.integers(1000))
        path, listed = (text.rsplit(".", 1)[0] + ".png" for text in (new.path, new.listed))
        size = f"{side} x {side} pixels"
        return [_truth(new, defect, "quarantined", size, path=path, listed=listed, treatment=f"huge {side}")]
    return [_truth(new, defect, "quarantined", delivered, treatment=variant)]


def _truncated(one, variant, rng, species):
    return [_truth(one, "truncated_image", "quarantined", treatment="truncated")]


def unusual(one, variant, rng, species):
    return [_truth(one, "unusual_mode", "kept", variant, note="valid: must be kept", treatment=variant)]


def _byte_copy(one, variant, rng, species):
    path, listed = (
        f"{stem}_1.{extension}"
        for stem, extension in (text.rsplit(".", 1) for text in (one.path, one.listed))
    )
    text = caption(rng, one.species, named=False)
    return [
        one,
        _truth(one, "byte_copy", "grouped", listed, one.path, path=path, listed=listed, caption=text),
    ]


def _near_duplicate(one, variant, rng, species):
    new = entry(rng, one.species, one.specimen, one.view, new_stem(rng, one.species))
    return [one, _truth(new, "near_duplicate", "grouped", new.listed, one.path, variant, treatment=variant)]


def _label_conflict(one, variant, rng, species):
    other = _other(one, rng, species)
    alias = entry(rng, other, -1, 0, new_stem(rng, other))
    wrong = replace(alias, species=one.species, specimen=one.specimen, view=one.view)
    return [
        _truth(one, "label_conflict", "quarantined", one.species.name, wrong.path, "right of the two labels"),
        _truth(wrong, "label_conflict", "quarantined", other.name, one.path, "wrong of the two labels"),
    ]


def _repeated(one, variant, rng, species):
    name = one.species.name
    return [
        _truth(one, "repeated_row", "repaired", name, name, "one row is to be left", labels=one.labels * 2)
    ]


def _conflicting(one, variant, rng, species):
    names = (one.species.name, _other(one, rng, species).name)
    text = caption(rng, one.species, named=False)
    return [
        _truth(
            one,
            "conflicting_rows",
            "quarantined",
            " | ".join(names),
            names[0],
            labels=names,
            raw_name_in_captions="",
            caption=text,
        )
    ]


def _no_caption(one, variant, rng, species):
    defect, text = variant
    note_value = text if defect == "caption_placeholder" else ""
    return [_truth(one, defect, "flagged", note_value, caption=text)]


def _other_caption(one, variant, rng, species):
    other = _other(one, rng, species)
    text = f"A photo of {other.common_name} ({other.name})" + one.caption[one.caption.find(".") :]
    return [
        _truth(one, "caption_other_species", "flagged", text, note=f"it names {other.name}", caption=text)
    ]


def _garbled(one, variant, rng, species):
    if variant == "mojibake":
        right = f"{one.caption} The animal’s shape is easy to see – a fine view."
        wrong = right.encode().decode("cp1252")
    else:
        right = f"{one.caption} Shape & colour are easy to see."
        wrong = f"<p>{right.replace('&', '&amp;')}</p>"
    return [_truth(one, "caption_garbled", "repaired", wrong, right, variant, caption=wrong)]


def _white_space(one, variant, rng, species):
    words = one.caption.split(" ")
    wrong = "  " + " ".join(words[:3]) + "\r\n" + " ".join(words[3:]) + " \n\n"
    return [_truth(one, "caption_whitespace", "repaired", wrong, one.caption, caption=wrong)]


_NO_NAMES = (("name_blank", " "), ("name_empty", ""), ("name_nan", "nan"), ("name_nan", "NA"))


OF_NO_PICTURE = (_without_picture,)


OF_TWO_SPECIES = (_hybrid, _label_conflict, _conflicting, _other_caption)


KINDS = {  # what does it, and in which variants
    _no_name: [(*kind, place) for kind in _NO_NAMES for place in ("captions", "nowhere")],
    _spaces: ["leading", "trailing", "double"],
    _case: ["upper", "lower", "title"],
    _underscore: [""],
    _authorship: [""],
    _subspecies: ["plain", "subsp."],
    misspelt: [""],
    _genus_only: [""],
    _open: ["sp.", "cf.", "aff."],
    _hybrid: ["letter x", "sign"],
    _extension: ["capitals on disk", "listed in capitals", "listed under another"],
    _decomposed: [""],
    _unlisted: [""],
    _without_picture: ["missing", "escape", "empty", "page", "plain text", "huge"],
    _truncated: [""],
    unusual: ["CMYK", "turned by EXIF", "palette with transparency", "16-bit grey"],
    _byte_copy: [""],
    _near_duplicate: ["quality 60", "size 90%", "size 90%, quality 60", "3% cut from each side"],
    _label_conflict: [""],
    _repeated: [""],
    _conflicting: [""],
    _no_caption: [
        ("caption_row_missing", None), ("caption_empty", ""), ("caption_placeholder", "nan"),
        ("caption_placeholder", "Error generating caption"), ("caption_placeholder", "N/A"),
    ],
    _other_caption: [""],
    _garbled: ["mojibake", "HTML"],
    _white_space: [""],
}  # fmt: skip
