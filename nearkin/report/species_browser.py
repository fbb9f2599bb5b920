"""What the page shows when a species is opened: its numbers, queries with neighbours, confusions.

All of it is data for the page's script: lists and dicts that become JSON.
"""

from base64 import b64encode
from collections import Counter
from pathlib import Path

import polars as pl

from nearkin.html.visible_text import escape_invisible
from nearkin.report.headline_tables import TITLES
from nearkin.vocabulary import ALL, PROTOCOLS

MAX_INLINE_BYTES = 18_000_000
"""Of all thumbnails in base64: with figures and all, the page stays below 25 MB. More lie beside it."""

THUMBNAIL_FOLDER = "report_thumbnails"
"""The folder beside the page where they lie then."""

MAX_PREDICTED = 5
"""Species that a species is most often taken for."""

KEY = ["category", "species"]
PROTOCOL = pl.col("protocol").cast(pl.Enum(PROTOCOLS))


def collect_entries(rows, *, recalls, examples, mistaken, labels, thumbnails):
    """`(look_up, pictures)`: what the `rows` of the species table open, and all thumbnails.

    `recalls`, `examples` and `mistaken` are by model; `labels` and `thumbnails` lazy. `look_up`
    is a dict of models, titles of protocols, images, entries and the folder beside the page; the
    place of an entry is that of `entry_index`. An image is its name, path, width and height; at its
    place in `pictures` is its JPEG, or None if it has no thumbnail.
    """
    places = entry_index(rows)
    keys = pl.DataFrame(list(places), schema=dict.fromkeys(KEY, pl.String), orient="row")
    keys = keys.with_row_index("entry")
    shown = {model: frame.join(keys, on=KEY) for model, frame in examples.items()}
    images, pictures = _list_images(shown, labels, thumbnails)
    entries = [
        {
            "species": escape_invisible(species, 80),
            "category": escape_invisible(category, 40),
            "n_train": None,
            "numbers": [],
            "queries": [],
            "taken": [],
        }
        for category, species in places
    ]
    for row in rows:
        entries[places[row["category"], row["species"]]]["n_train"] = row["n_train"]
    _add_numbers(entries, recalls, keys)
    _add_queries(entries, shown, images)
    _add_predicted(entries, mistaken, keys, places)
    listed = images.select("name", "path", "width", "height").rows()
    protocols = {protocol: title for protocol, (title, _) in TITLES.items()}
    look_up = {"models": list(recalls), "protocols": protocols, "images": listed, "entries": entries}
    return look_up | {"beside": THUMBNAIL_FOLDER}, pictures


def entry_index(rows):
    """The place of each (category, species) of the species table among the entries."""
    keys = dict.fromkeys((row["category"], row["species"]) for row in rows)
    return {key: place for place, key in enumerate(keys)}


def count_most_queries(entries):
    """How many queries of a protocol any entry shows."""
    counted = [Counter(query["protocol"] for query in entry["queries"]) for entry in entries]
    return max((n for counts in counted for n in counts.values()), default=0)


def encode_jpegs(pictures):
    """The JPEGs as the page holds them, in base64; None if they are too many and must lie beside it."""
    if sum(4 * len(jpeg) for jpeg in pictures if jpeg) > 3 * MAX_INLINE_BYTES:
        return None
    return [b64encode(jpeg).decode("ascii") if jpeg else None for jpeg in pictures]


def write_external_jpegs(inside, pictures, folder):
    """Write the JPEGs into a folder beside the page, which stays empty if they are inside the page."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for place, jpeg in enumerate(pictures if inside is None else []):
        if jpeg:
            Path(folder, f"{place}.jpg").write_bytes(jpeg)


def _list_images(shown, labels, thumbnails):
    """All images that are shown, sorted: (uuid, name, path, width, height, image), and their JPEGs."""
    uuids = [frame.select(uuid=name) for frame in shown.values() for name in ("uuid", "neighbour")]
    wanted = pl.concat([pl.DataFrame(schema={"uuid": pl.String}), *uuids]).unique()
    names = labels.select("uuid", "path", name=pl.coalesce("species", "genus"))
    found = wanted.lazy().join(names, on="uuid", how="left")
    found = found.join(thumbnails.select("uuid", "jpeg", "width", "height"), on="uuid", how="left")
    found = found.collect().sort("uuid").with_row_index("image")
    texts = pl.col("name", "path").map_elements(escape_invisible, return_dtype=pl.String)
    return found.with_columns(texts).drop("jpeg"), found["jpeg"].to_list()


def _add_numbers(entries, recalls, keys):
    """Of each protocol and number its values by model, with intervals: (value, low, high) or None."""
    parts = []
    for place, (_, recall) in enumerate(recalls.items()):
        found = recall.filter(
            pl.col("metric").is_in(["recall", "map_at_r"]),
            pl.col("label") != ALL,
            level="species",
            average="per_label",
            query_subset="all",
        )
        found = found.rename({"label": "species"}).join(keys, on=KEY)
        columns = [
            "entry",
            "protocol",
            "metric",
            "k",
            "n_queries",
            "n_unreachable",
            "value",
            "ci_low",
            "ci_high",
        ]
        parts.append(found.select(*columns, place=pl.lit(place)))
    by = ["entry", "protocol", "metric", "k"]
    found = pl.concat(parts).sort("entry", PROTOCOL, pl.col("metric") != "recall", "k", "place")
    for (entry, protocol, metric, k), rows in found.group_by(by, maintain_order=True):
        values = [None] * len(recalls)
        for place, *value in rows.select("place", "value", "ci_low", "ci_high").iter_rows():
            values[place] = None if value[0] is None else [_round(one) for one in value]
        entries[entry]["numbers"].append(
            {
                "protocol": protocol,
                "metric": metric,
                "k": k,
                "n": rows["n_queries"].max(),
                "unreachable": rows["n_unreachable"].max(),
                "values": values,
            }
        )


def _add_queries(entries, shown, images):
    """Of each query its image and, by model, its neighbours: (image, similarity, right)."""
    numbers = images.select("uuid", "image")
    parts = [
        frame.join(numbers, on="uuid")
        .join(numbers.rename({"uuid": "neighbour", "image": "found"}), on="neighbour")
        .select("entry", "protocol", "image", "rank", "found", "similarity", "correct", place=pl.lit(place))
        for place, frame in enumerate(shown.values())
    ]
    found = pl.concat(parts).sort("entry", PROTOCOL, "image", "place", "rank")
    for (entry, protocol, image), rows in found.group_by(["entry", "protocol", "image"], maintain_order=True):
        models = [[] for _ in shown]
        for place, *neighbour in rows.select("place", "found", "similarity", "correct").iter_rows():
            models[place].append([neighbour[0], _round(neighbour[1]), int(neighbour[2])])
        entries[entry]["queries"].append({"protocol": protocol, "image": image, "models": models})


def _add_predicted(entries, mistaken, keys, places):
    """Of each protocol, by model, the species it is most often taken for: (name, entry or None, n)."""
    order = ["n", "predicted", "predicted_category"]
    for place, frame in enumerate(mistaken.values()):
        found = frame.join(keys, on=KEY)
        found = found.sort("entry", "protocol", *order, descending=[False, False, True, False, False])
        found = found.filter(pl.int_range(pl.len()).over("entry", "protocol") < MAX_PREDICTED)
        columns = ["entry", "protocol", "predicted_category", "predicted", "n", "n_queries"]
        for entry, protocol, category, name, n, n_queries in found.select(columns).iter_rows():
            taken = entries[entry]["taken"]
            known = next((one for one in taken if one["protocol"] == protocol), None)
            if known is None:
                known = {"protocol": protocol, "n": n_queries, "models": [[] for _ in mistaken]}
                taken.append(known)
            known["models"][place].append([escape_invisible(name, 80), places.get((category, name)), n])
    for entry in entries:
        entry["taken"].sort(key=lambda one: PROTOCOLS.index(one["protocol"]))


def _round(value):
    return None if value is None else round(value, 3)
