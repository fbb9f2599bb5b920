"""The names of a whole delivery: what one text leaves open, the others decide."""

import re
from collections import Counter

from nearkin.labels.parse import Name, normalise_text, parse_name


def parse_all(texts):
    """The names in the distinct texts, by text.

    What one text leaves open the others decide. A species in wrong case, with another sign
    for the space or with its genus abbreviated is known by the others; where most names of
    two words are written In Title Case, that is the delivery's habit, and all are taken as
    species. Words in small letters are a name if another name has their genus, or if that is
    the habit: `common blue` is none.
    """
    names = {text: parse_name(text) for text in texts}
    titled = [text for text in names if re.fullmatch(r"[A-Z][a-z]+[ _][A-Z][a-z-]+", (text or "").strip())]
    known = {name.species for name in names.values() if name.species}
    if len(titled) > len(known):
        known |= {normalise_text(text)[0].capitalize() for text in titled}
    doubtful = [text for text, name in names.items() if name.defect in ("genus_only", "unparsable", "hybrid")]
    abbreviated = Counter(f"{name[0]}. {name.split(' ', 1)[1]}" for name in known)
    whole = {f"{name[0]}. {name.split(' ', 1)[1]}": name for name in sorted(known)}
    whole = {short: name for short, name in whole.items() if abbreviated[short] == 1}
    names |= {text: _with_others(text, names[text], known, whole) for text in doubtful}
    return names | _doubted(names)


def _with_others(text, alone, known, whole):
    """The name in a doubtful text, if the `known` names tell it; otherwise what it is `alone`."""
    name = parse_name(text, known)
    if name.species:
        return name
    plain = normalise_text(text)[0]
    short = re.sub(r"\. *", ". ", plain)
    if short in whole:
        return parse_name(whole[short])._replace(repairs=("abbreviated",))
    spaced = parse_name(re.sub(r"[-.+]+", " ", plain), known)
    told = " " not in plain and spaced.species in known
    return spaced._replace(repairs=("separator", *spaced.repairs)) if told else alone


def _doubted(names):
    """The texts in small letters whose genus no other name has, as no names."""
    species = [text for text, name in names.items() if name.species]
    small = {text for text in species if not text[0].isupper() and normalise_text(text)[0][0].islower()}
    if 2 * len(small) > len(species):
        return {}
    genera = {name.genus for text, name in names.items() if text not in small}
    doubted = [text for text in small if names[text].genus not in genera]
    detail = "in small letters, and no other name has the genus {}"
    return {text: Name(defect="unparsable", detail=detail.format(names[text].genus)) for text in doubted}
