"""Captions as a captioning model might write them: some name the species, some do not."""

_OPENINGS = (
    "A photo of {what}", "This image shows {what}", "A close-up of {what}", "Here we see {what}",
    "The picture shows {what}", "A detailed view of {what}",
)  # fmt: skip
_PLACES = {
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


def caption(rng, species, *, named):
    """One caption of a picture; `named` says whether it gives the species away."""
    kinds = [species.name, species.common_name, f"{species.common_name} ({species.name})"]
    what = str(rng.choice(kinds)) if named else species.category.lower()
    article = "an" if what[0] in "AEIOUaeiou" else "a"
    opening, place, closing = (
        rng.choice(texts) for texts in (_OPENINGS, _PLACES[species.category], _CLOSINGS)
    )
    return f"{opening.format(what=f'{article} {what}')} {place}.{closing}"
