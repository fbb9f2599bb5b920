"""The names of a whole delivery: what one text leaves open, the others decide."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Set

from nearkin.labels.parse import Name, normalise_text, parse_name


def parse_all(texts: Iterable[str]) -> dict[str, Name]:
    """The names in the distinct texts, by text.

    What one text leaves open the others decide. A species in wrong case, with another sign for the
    space or with its genus abbreviated is recognised if another text has it. If most names of two
    words are in Title Case, that is the delivery's habit, and all are taken as species. Words in
    lower case are a name if another name has their genus, or if that is the habit: `common blue` is
    none.
    """
    names = {text: parse_name(text) for text in texts}
    titled = [text for text in names if re.fullmatch(r"[A-Z][a-z]+[ _][A-Z][a-z-]+", text.strip())]
    known = {name.species for name in names.values() if name.species}
    if len(titled) > len(known):
        known |= {normalise_text(text)[0].capitalize() for text in titled}
    doubtful = [text for text, name in names.items() if name.defect in ("genus_only", "unparsable", "hybrid")]
    n_names = Counter(f"{name[0]}. {name.split(' ', 1)[1]}" for name in known)
    by_abbreviation = {f"{name[0]}. {name.split(' ', 1)[1]}": name for name in sorted(known)}
    by_abbreviation = {short: name for short, name in by_abbreviation.items() if n_names[short] == 1}
    names |= {text: _parse_in_context(text, names[text], known, by_abbreviation) for text in doubtful}
    return names | _reject_unknown_lower_case(names)


def _parse_in_context(text: str, alone: Name, known: Set[str], by_abbreviation: Mapping[str, str]) -> Name:
    """The name in a doubtful text, if the `known` names decide it; otherwise what it is `alone`."""
    name = parse_name(text, known)
    if name.species:
        return name
    plain = normalise_text(text)[0]
    short = re.sub(r"\. *", ". ", plain)
    if short in by_abbreviation:
        return parse_name(by_abbreviation[short])._replace(repairs=("abbreviated",))
    spaced = parse_name(re.sub(r"[-.+]+", " ", plain), known)
    is_known = " " not in plain and spaced.species in known
    return spaced._replace(repairs=("separator", *spaced.repairs)) if is_known else alone


def _reject_unknown_lower_case(names: Mapping[str, Name]) -> dict[str, Name]:
    """The texts in lower case whose genus no other name has, as unparsable."""
    species = [text for text, name in names.items() if name.species]
    lower = {text for text in species if not text[0].isupper() and normalise_text(text)[0][0].islower()}
    if 2 * len(lower) > len(species):
        return {}
    genera = {name.genus for text, name in names.items() if text not in lower}
    unknown = [text for text in lower if names[text].genus not in genera]
    detail = "in small letters, and no other name has the genus {}"
    return {text: Name(defect="unparsable", detail=detail.format(names[text].genus)) for text in unknown}
