"""The faults of a real delivery, put into a clean one, with the truth about each."""

import numpy as np

from nearkin.synthetic.corruptions import KINDS, OF_NO_PICTURE, OF_TWO_SPECIES, misspelt, unusual

MOST = 0.65  # share of the pictures that may take part in a fault, whatever the rate


def with_faults(entries, fault_rate, seed):
    """The entries of a delivery with faults, and related views marked in `related`.

    Each variant of each kind of fault hits `fault_rate` of the pictures, rounded up or down
    by chance; above a rate of about 0.013 the pictures run short and all kinds get equally
    less. Pictures get one fault at most. Misspellings hit the larger species only, whose
    right name stays in the majority.
    """
    rng = np.random.default_rng([seed, 7])
    species = {one.species.number: one.species for one in entries}
    categories = [one.category for one in species.values()]
    wanted = [
        (hurt, variant)
        for hurt, variants in KINDS.items()
        for variant in variants
        for _ in range(int(fault_rate * len(entries) + rng.random()))
    ]
    wanted = [wanted[i] for i in rng.permutation(len(wanted))]
    free = [entries[i] for i in rng.permutation(len(entries))]
    enough = len(entries) * (1 - MOST)
    result, taken = [], {name for one in entries for name in (one.path, one.listed)}
    for hurt, variant in wanted:
        if hurt in OF_NO_PICTURE:
            result += _fresh(taken, hurt, entries[0], variant, rng, species)
        elif len(free) > enough:
            at = next((i for i, one in enumerate(free) if _suits(one, hurt, variant, categories)), None)
            if at is not None:
                result += _fresh(taken, hurt, free.pop(at), variant, rng, species)
    return sorted(result + free, key=lambda one: (one.category, one.path or one.listed, one.treatment))


def _fresh(taken, hurt, one, variant, rng, species):
    """What the fault makes of an entry, under file names that are not taken yet."""
    for _ in range(1000):
        new = hurt(one, variant, rng, species)
        names = {name for other in new for name in (other.path, other.listed) if name} - {
            one.path,
            one.listed,
        }
        if not names & taken:
            taken |= names
            return new
    raise ValueError(f"no free file name for {hurt.__name__.strip('_')} {variant!r}: lower fault_rate")


def related(entries):
    """(entry, path of another view) for each usable file whose specimen has several."""
    groups = {}
    for one in entries:
        if one.path and one.outcome in ("kept", "repaired", "flagged"):
            groups.setdefault((one.species.number, one.specimen), []).append(one)
    return [
        (one, group[(place + 1) % len(group)].path)
        for group in groups.values()
        if len(group) > 1
        for place, one in enumerate(group)
    ]


def _suits(one, hurt, variant, categories):
    if hurt in OF_TWO_SPECIES:
        return categories.count(one.category) > 1
    if hurt is misspelt:
        return one.species.n_images >= 6
    if hurt is unusual:  # JPEG for CMYK and EXIF, PNG for the others
        return (one.category == "Fish") == (variant in ("palette with transparency", "16-bit grey"))
    return True
