"""Reads the content of figures, for tests."""

from matplotlib.collections import PathCollection


def texts(figure):
    """All texts."""
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def points_at(axis):
    """The values of the points drawn at each position, by the label under it."""
    values_at = {round(position): [] for position in axis.get_xticks()}
    for collection in axis.collections:
        if isinstance(collection, PathCollection):
            for position, value in collection.get_offsets():
                values_at[round(position)].append(float(value))
    labels = [label.get_text() for label in axis.get_xticklabels()]
    return dict(zip(labels, values_at.values(), strict=True))


def scattered(axis):
    """The positions of all scattered points, sorted."""
    collections = [collection for collection in axis.collections if isinstance(collection, PathCollection)]
    return sorted((float(x), float(y)) for collection in collections for x, y in collection.get_offsets())
