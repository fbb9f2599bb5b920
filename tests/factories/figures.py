"""What is to be seen in a figure, for tests."""

from matplotlib.collections import PathCollection


def texts(figure):
    """All texts."""
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def points_at(axis):
    """The values of the points drawn at each position, by the label under it."""
    drawn = {round(place): [] for place in axis.get_xticks()}
    for collection in axis.collections:
        if isinstance(collection, PathCollection):
            for place, value in collection.get_offsets():
                drawn[round(place)].append(float(value))
    labels = [label.get_text() for label in axis.get_xticklabels()]
    return dict(zip(labels, drawn.values(), strict=True))


def scattered(axis):
    """The places of all scattered points, sorted."""
    found = [mark for mark in axis.collections if isinstance(mark, PathCollection)]
    return sorted((float(x), float(y)) for mark in found for x, y in mark.get_offsets())
