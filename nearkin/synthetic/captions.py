"""Captions as a captioning model might write them: some name the species, some do not."""

import numpy as np

from nearkin.synthetic.taxonomy import Species

_OPENINGS = (
    "A photo of {what}", "This image shows {what}", "A close-up of {what}", "Here we see {what}",
    "The picture shows {what}", "A detailed view of {what}",
)  # fmt: skip
_SETTINGS = {
    "Fish": ("swimming over sand", "near a coral reef", "in dim, murky water", "against a blurred reef"),
    "Bird": (
        "perched on a branch",
        "against a soft green background",
        "with its head turned",
        "seen in profile",
    ),
    "Butterfly": (
        "resting on a leaf",
        "with open wings",
        "on a plain background",
        "with clearly marked wings",
    ),
}
_CLOSINGS = (
    "", "", " The background is out of focus.", " Only one animal is visible.",
    " The colours are clear, and the outline is sharp.",
    " The markings, though partly in shade, can be made out.",
)  # fmt: skip


def make_caption(rng: np.random.Generator, species: Species, *, named: bool) -> str:
    """One caption of a picture; `named` says whether it names the species."""
    kinds = [species.name, species.common_name, f"{species.common_name} ({species.name})"]
    what = str(rng.choice(kinds)) if named else species.category.lower()
    article = "an" if what[0] in "AEIOUaeiou" else "a"
    opening, setting, closing = (
        rng.choice(texts) for texts in (_OPENINGS, _SETTINGS[species.category], _CLOSINGS)
    )
    return f"{opening.format(what=f'{article} {what}')} {setting}.{closing}"
