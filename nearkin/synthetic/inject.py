"""The faults of a real delivery, put into a clean one, with the truth about each."""

from collections.abc import Sequence

import numpy as np

from nearkin.synthetic.corruptions import (
    ADDS_ROW,
    CORRUPTIONS,
    NEEDS_OTHER_SPECIES,
    Corruption,
    SpeciesByNumber,
    misspell_epithet,
    use_unusual_mode,
)
from nearkin.synthetic.records import Entry

MAX_FAULTY_SHARE = 0.65
"""Share of the pictures that may take part in a fault, whatever the rate."""


def inject_faults(entries: Sequence[Entry], fault_rate: float, seed: int) -> list[Entry]:
    """The entries of a delivery with faults.

    Each variant of each kind of fault hits `fault_rate` of the pictures, rounded up or down
    at random; above a rate of about 0.013 there are too few pictures and all kinds get equally
    less. Pictures get one fault at most. Misspellings hit the larger species only, whose
    right name stays in the majority.
    """
    rng = np.random.default_rng([seed, 7])
    species = {entry.species.number: entry.species for entry in entries}
    categories = [each.category for each in species.values()]
    planned = [
        (corrupt, variant)
        for corrupt, variants in CORRUPTIONS.items()
        for variant in variants
        for _ in range(int(fault_rate * len(entries) + rng.random()))
    ]
    planned = [planned[i] for i in rng.permutation(len(planned))]
    clean = [entries[i] for i in rng.permutation(len(entries))]
    min_clean = len(entries) * (1 - MAX_FAULTY_SHARE)
    faulty: list[Entry] = []
    taken = {name for entry in entries for name in (entry.path, entry.listed)}
    for corrupt, variant in planned:
        if corrupt in ADDS_ROW:
            faulty += _corrupt_with_free_names(taken, corrupt, entries[0], variant, rng, species)
        elif len(clean) > min_clean:
            suitable = (
                i for i, entry in enumerate(clean) if _is_suitable(entry, corrupt, variant, categories)
            )
            index = next(suitable, None)
            if index is not None:
                faulty += _corrupt_with_free_names(taken, corrupt, clean.pop(index), variant, rng, species)
    return sorted(
        faulty + clean, key=lambda entry: (entry.category, entry.path or entry.listed, entry.treatment)
    )


def _corrupt_with_free_names(
    taken: set[str | None],
    corrupt: Corruption,
    entry: Entry,
    variant: object,
    rng: np.random.Generator,
    species: SpeciesByNumber,
) -> list[Entry]:
    """What the fault makes of an entry, under file names that are not taken yet; adds them to `taken`."""
    for _ in range(1000):
        new = corrupt(entry, variant, rng, species)
        names = {name for other in new for name in (other.path, other.listed) if name}
        names -= {entry.path, entry.listed}
        if not names & taken:
            taken |= names
            return new
    raise ValueError(f"no free file name for {corrupt.__name__.strip('_')} {variant!r}: lower fault_rate")


def list_relations(entries: Sequence[Entry]) -> list[tuple[Entry, str]]:
    """(entry, path of another view) for each usable file whose specimen has several."""
    groups: dict[tuple[int, int], list[tuple[Entry, str]]] = {}
    for entry in entries:
        if entry.path and entry.outcome in ("kept", "repaired", "flagged"):
            groups.setdefault((entry.species.number, entry.specimen), []).append((entry, entry.path))
    return [
        (entry, group[(index + 1) % len(group)][1])
        for group in groups.values()
        if len(group) > 1
        for index, (entry, _) in enumerate(group)
    ]


def _is_suitable(entry: Entry, corrupt: Corruption, variant: object, categories: Sequence[str]) -> bool:
    if corrupt in NEEDS_OTHER_SPECIES:
        return categories.count(entry.category) > 1
    if corrupt is misspell_epithet:
        return entry.species.n_images >= 6
    if corrupt is use_unusual_mode:  # JPEG for CMYK and EXIF, PNG for the others
        return (entry.category == "Fish") == (variant in ("palette with transparency", "16-bit grey"))
    return True
