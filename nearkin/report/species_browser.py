"""What the page shows when a species is opened: its numbers, queries with neighbours, confusions.

All of it is data for the page's script: lists, tuples and dicts that become JSON.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import polars as pl

from nearkin.evaluation.confusions import select_errors
from nearkin.html.visible_text import escape_invisible
from nearkin.report.headline_tables import TITLES
from nearkin.report.species import SpeciesRow
from nearkin.vocabulary import ALL, PROTOCOLS

MAX_INLINE_BYTES = 18_000_000
"""Of all thumbnails in base64: with figures and all, the page stays below 25 MB. More become files."""

THUMBNAIL_FOLDER = "report_thumbnails"
"""The folder of these files, next to the page."""

MAX_PREDICTED = 5
"""Species that a species is most often taken for."""

KEY = ["category", "species"]
PROTOCOL = pl.col("protocol").cast(pl.Enum(PROTOCOLS))


class EntryNumber(TypedDict):
    """A number of a species: by model (value, low, high), None without a value; low and high may be None."""

    protocol: str
    metric: str
    k: int
    n: int  # queries
    unreachable: int
    values: list[tuple[float | None, ...] | None]


class EntryQuery(TypedDict):
    """A query of a species: its image and, by model, its neighbours (image, similarity, 1 if correct)."""

    protocol: str
    image: int
    models: list[list[tuple[int, float | None, int]]]


class EntryPredictions(TypedDict):
    """By model, the species that a species is most often taken for: (name, entry or None, queries)."""

    protocol: str
    n: int  # queries of the species
    models: list[list[tuple[str, int | None, int]]]


class Entry(TypedDict):
    """What a species of the table opens."""

    species: str
    category: str
    n_train: int | None
    numbers: list[EntryNumber]
    queries: list[EntryQuery]
    taken: list[EntryPredictions]


class LookUp(TypedDict):
    """The data of the page's script; its keys are known to `species_browser.js.j2`."""

    models: list[str]
    protocols: dict[str, str]  # their titles
    images: list[tuple[str | None, str | None, int | None, int | None]]  # name, path, width, height
    entries: list[Entry]
    folder: str  # THUMBNAIL_FOLDER


def collect_entries(
    rows: Sequence[SpeciesRow],
    *,
    recalls: Mapping[str, pl.DataFrame],
    examples: Mapping[str, pl.DataFrame],
    confusions: Mapping[str, pl.DataFrame],
    labels: pl.LazyFrame,
    thumbnails: pl.LazyFrame,
) -> tuple[LookUp, list[bytes | None]]:
    """`(look_up, jpegs)`: what the `rows` of the species table open, and all thumbnails.

    `recalls`, `examples` and `confusions` are by model. Entries have the order of `entry_index`. `jpegs`
    are in the order of the images; those without a thumbnail have None.
    """
    index = entry_index(rows)
    keys = pl.DataFrame(list(index), schema=dict.fromkeys(KEY, pl.String), orient="row")
    keys = keys.with_row_index("entry")
    shown = {model: frame.join(keys, on=KEY) for model, frame in examples.items()}
    images, jpegs = _list_images(shown, labels, thumbnails)
    entries: list[Entry] = [
        {
            "species": escape_invisible(species, 80),
            "category": escape_invisible(category, 40),
            "n_train": None,
            "numbers": [],
            "queries": [],
            "taken": [],
        }
        for category, species in index
    ]
    for row in rows:
        entries[index[row["category"], row["species"]]]["n_train"] = row["n_train"]
    _add_numbers(entries, recalls, keys)
    _add_queries(entries, shown, images)
    _add_predictions(entries, confusions, keys, index)
    look_up: LookUp = {
        "models": list(recalls),
        "protocols": {protocol: title for protocol, (title, _) in TITLES.items()},
        "images": images.select("name", "path", "width", "height").rows(),
        "entries": entries,
        "folder": THUMBNAIL_FOLDER,
    }
    return look_up, jpegs


def entry_index(rows: Iterable[SpeciesRow]) -> dict[tuple[str, str], int]:
    """The index of each (category, species) of the species table among the entries."""
    keys = dict.fromkeys((row["category"], row["species"]) for row in rows)
    return {key: i for i, key in enumerate(keys)}


def count_most_queries(entries: Iterable[Entry]) -> int:
    """The most queries that any entry shows of a protocol."""
    counters = [Counter(query["protocol"] for query in entry["queries"]) for entry in entries]
    return max((n for counter in counters for n in counter.values()), default=0)


def encode_jpegs(jpegs: Sequence[bytes | None]) -> list[str | None] | None:
    """The JPEGs as the page holds them, in base64; None if they are too many and must become files."""
    if sum(4 * len(jpeg) for jpeg in jpegs if jpeg) > 3 * MAX_INLINE_BYTES:
        return None
    return [b64encode(jpeg).decode("ascii") if jpeg else None for jpeg in jpegs]


def write_external_jpegs(
    inline: Sequence[str | None] | None, jpegs: Sequence[bytes | None], folder: str | Path
) -> None:
    """Write the JPEGs into a folder next to the page, which stays empty if they are `inline` in the page."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for i, jpeg in enumerate(jpegs if inline is None else []):
        if jpeg:
            Path(folder, f"{i}.jpg").write_bytes(jpeg)


def _list_images(
    shown: Mapping[str, pl.DataFrame], labels: pl.LazyFrame, thumbnails: pl.LazyFrame
) -> tuple[pl.DataFrame, list[bytes | None]]:
    """All images that are shown, sorted: (uuid, name, path, width, height, image), and their JPEGs."""
    uuids = [frame.select(uuid=name) for frame in shown.values() for name in ("query", "neighbour")]
    distinct = pl.concat([pl.DataFrame(schema={"uuid": pl.String}), *uuids]).unique()
    names = labels.select("uuid", "path", name=pl.coalesce("species", "genus"))
    images = distinct.lazy().join(names, on="uuid", how="left")
    images = images.join(thumbnails.select("uuid", "jpeg", "width", "height"), on="uuid", how="left")
    images = images.collect().sort("uuid").with_row_index("image")
    texts = pl.col("name", "path").map_elements(escape_invisible, return_dtype=pl.String)
    return images.with_columns(texts).drop("jpeg"), images["jpeg"].to_list()


def _add_numbers(entries: Sequence[Entry], recalls: Mapping[str, pl.DataFrame], keys: pl.DataFrame) -> None:
    """Add the numbers of each protocol, with intervals, by model."""
    parts = []
    for position, recall in enumerate(recalls.values()):
        numbers = recall.filter(
            pl.col("metric").is_in(["recall", "map_at_r"]),
            pl.col("label") != ALL,
            level="species",
            average="per_label",
            query_subset="all",
        )
        numbers = numbers.rename({"label": "species"}).join(keys, on=KEY)
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
        parts.append(numbers.select(*columns, model=pl.lit(position)))
    by = ["entry", "protocol", "metric", "k"]
    numbers = pl.concat(parts).sort("entry", PROTOCOL, pl.col("metric") != "recall", "k", "model")
    for (entry, protocol, metric, k), rows in numbers.group_by(by, maintain_order=True):
        values: list[tuple[float | None, ...] | None] = [None] * len(recalls)
        for position, value, *ends in rows.select("model", "value", "ci_low", "ci_high").iter_rows():
            if value is not None:
                values[position] = tuple(_round(number) for number in (value, *ends))
        entries[entry]["numbers"].append(
            {
                "protocol": protocol,
                "metric": metric,
                "k": k,
                "n": max(rows["n_queries"]),
                "unreachable": max(rows["n_unreachable"]),
                "values": values,
            }
        )


def _add_queries(entries: Sequence[Entry], shown: Mapping[str, pl.DataFrame], images: pl.DataFrame) -> None:
    """Add the queries of each protocol with their neighbours, by model."""
    query_images = images.select("image", query="uuid")
    found_images = images.select(neighbour="uuid", found="image")
    columns = ["entry", "protocol", "image", "rank", "found", "similarity", "correct"]
    parts = [
        frame.join(query_images, on="query")
        .join(found_images, on="neighbour")
        .select(*columns, model=pl.lit(position))
        for position, frame in enumerate(shown.values())
    ]
    neighbours = pl.concat(parts).sort("entry", PROTOCOL, "image", "model", "rank")
    by = ["entry", "protocol", "image"]
    for (entry, protocol, image), rows in neighbours.group_by(by, maintain_order=True):
        models = [[] for _ in shown]
        for position, found, similarity, is_correct in rows.select("model", *columns[4:]).iter_rows():
            models[position].append((found, _round(similarity), int(is_correct)))
        entries[entry]["queries"].append({"protocol": protocol, "image": image, "models": models})


def _add_predictions(
    entries: Sequence[Entry],
    confusions: Mapping[str, pl.DataFrame],
    keys: pl.DataFrame,
    index: Mapping[tuple[str, str], int],
) -> None:
    """Add the species that each species is most often taken for, by protocol and model."""
    order = ["n", "predicted", "predicted_category"]
    for position, frame in enumerate(confusions.values()):
        wrong = select_errors(frame, level="species")
        predictions = wrong.join(keys, left_on=["category", "label"], right_on=KEY)
        predictions = predictions.sort(
            "entry", "protocol", *order, descending=[False, False, True, False, False]
        )
        predictions = predictions.filter(pl.int_range(pl.len()).over("entry", "protocol") < MAX_PREDICTED)
        columns = ["entry", "protocol", "predicted_category", "predicted", "n", "n_queries"]
        for entry, protocol, category, name, n, n_queries in predictions.select(columns).iter_rows():
            taken = entries[entry]["taken"]
            block = next((block for block in taken if block["protocol"] == protocol), None)
            if block is None:
                block = EntryPredictions(protocol=protocol, n=n_queries, models=[[] for _ in confusions])
                taken.append(block)
            block["models"][position].append((escape_invisible(name, 80), index.get((category, name)), n))
    for entry in entries:
        entry["taken"].sort(key=lambda block: PROTOCOLS.index(block["protocol"]))


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
