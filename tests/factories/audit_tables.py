"""The finished tables of a small synthetic curation, with images, for tests of the audit."""

from types import SimpleNamespace

import polars as pl
from PIL import Image

from nearkin.images.dhash import make_thumbnail
from nearkin.splits import statistics
from nearkin.storage import tables
from nearkin.tables import dataset_statistics as sizes
from nearkin.tables import groups, images, labels, splits
from tests.factories.delivery import picture

SCHEMAS = {
    "images": images.Images,
    "inspection": images.Inspection,
    "labels": labels.Labels,
    "captions": labels.Captions,
    "quarantine": labels.Quarantine,
    "curation_log": labels.CurationLog,
    "groups": groups.Groups,
    "groups_to_review": groups.GroupsToReview,
    "splits": splits.Splits,
    "statistics": sizes.Statistics,
}
SPECIES = ["Esox lucius", "Esox lucius", "Esox lucius", "Parus major", "Parus major", "Salmo salar"]


def table(name, rows):
    """A table of dicts, sorted by its key; missing values are null."""
    types = {column: declared.dtype for column, declared in SCHEMAS[name].columns().items()}
    rows = [{column: row.get(column) for column in types} for row in rows]
    return pl.DataFrame(rows, schema=types).sort(SCHEMAS[name].primary_key())


def curation(folder):
    """Tables by name. Eleven rows: six kept (one of them repaired), one merged, four quarantined.

    Images 0 to 5 are kept; 1 and 2 are near duplicates, 4 and 5 are one group with two species; 6 has
    two conflicting names; 7 is an HTML page; 8 is missing.
    """
    paths = [f"Fish/{i}.png" if i < 3 or i > 4 else f"Bird/{i}.png" for i in range(8)]
    for i, path in enumerate(paths[:7]):
        picture(folder / path, seed=min(i, 1) if i < 3 else i, size=(48, 40 - i))
    (folder / paths[7]).write_text("<!doctype html>")
    category = [path.split("/")[0] for path in paths]
    uuid = [f"{i:08d}-0000-5000-8000-000000000000" for i in range(9)]
    image_rows = [
        {
            "uuid": uuid[i],
            "row_index": 0,
            "path": paths[i],
            "listed_name": paths[i],
            "match_kind": "exact",
            "category": category[i],
        }
        for i in range(8)
    ]
    image_rows += [
        image_rows[0] | {"row_index": 1},
        image_rows[6] | {"row_index": 1, "raw_name": "Salmo trutta"},
        {
            "uuid": uuid[8],
            "row_index": 0,
            "listed_name": "8.png",
            "match_kind": "missing",
            "category": "Fish",
        },
    ]
    image_rows[6]["raw_name"] = "Salmo salar"
    inspection_rows = [{"uuid": uuid[i], "path": paths[i], "n_bytes": 9, "sha256": str(i)} for i in range(8)]
    for row in inspection_rows[:7]:
        row["thumbnail"] = make_thumbnail(Image.open(folder / row["path"]).convert("L"))
    inspection_rows[7] |= {"error": "not_an_image", "detail": "begins with '<!doctype html>'"}
    label_rows = [
        {
            "uuid": uuid[i],
            "path": paths[i],
            "category": category[i],
            "genus": SPECIES[i].split()[0],
            "species": SPECIES[i],
            "caption": f"A photo of {SPECIES[i]}.",
            "caption_source": "template:1" if i == 5 else "delivered",
        }
        for i in range(6)
    ]
    first_in_group = {1: 1, 2: 1, 4: 4, 5: 4}
    group_rows = [
        {
            "uuid": uuid[i],
            "path": paths[i],
            "group_id": uuid[first_in_group.get(i, i)],
            "link_types": {1: "near_duplicate", 4: "specimen"}.get(first_in_group.get(i), ""),
        }
        for i in range(6)
    ]
    review_row = {"group_id": uuid[4], "reason": "mixed_species", "n_images": 2, "n_species": 2}
    split_names = ["train", "test", "test", "train", "val", "val"]
    split_rows = [
        {"uuid": uuid[i], "split": split_names[i], "group_id": group_rows[i]["group_id"], "reason": None}
        for i in range(6)
    ]
    split_rows[3]["reason"] = "too_few_groups"
    rows_of = {
        "images": image_rows,
        "inspection": inspection_rows,
        "labels": label_rows,
        "captions": label_rows,
        "quarantine": [
            _make_quarantine_row(
                uuid[6], 0, paths[6], "conflicting_rows", "its rows say Salmo salar | Salmo trutta"
            ),
            _make_quarantine_row(
                uuid[6], 1, paths[6], "conflicting_rows", "its rows say Salmo salar | Salmo trutta"
            ),
            _make_quarantine_row(uuid[7], 0, paths[7], "not_an_image", "begins with '<!doctype html>'"),
            _make_quarantine_row(uuid[8], 0, "8.png", "missing_file", "listed, but no such file"),
        ],
        "curation_log": [
            gap(uuid[5], "name", "spaces", "repaired", " Salmo  salar", "Salmo salar", paths[5]),
            gap(uuid[5], "caption", "row_missing", "filled", None, "A photo of Salmo salar.", paths[5]),
            gap(uuid[0], "row", "repeated_row", "merged", "Esox lucius", None, paths[0], row=1),
            gap(uuid[6], "row", "conflicting_rows", "quarantined", "Salmo salar", None, paths[6]),
            gap(uuid[6], "row", "conflicting_rows", "quarantined", "Salmo trutta", None, paths[6], row=1),
            gap(uuid[7], "file", "not_an_image", "quarantined", None, None, paths[7]),
            gap(uuid[8], "file", "missing_file", "quarantined", None, None, "8.png"),
        ],
        "groups": group_rows,
        "groups_to_review": [review_row | {"species": ["Parus major", "Salmo salar"], "uuids": uuid[4:6]}],
        "splits": split_rows,
    }
    frames = {name: table(name, rows) for name, rows in rows_of.items()}
    return frames | {"statistics": statistics.describe_dataset(frames["labels"], frames["splits"])}


def gap(uuid, field, defect, action, before, after, path, *, row=0):
    return {
        "uuid": uuid,
        "row_index": row,
        "field": field,
        "defect": defect,
        "path": path,
        "before": before,
        "after": after,
        "action": action,
        "reason": f"made up: {defect}",
    }


def _make_quarantine_row(uuid, row, path, reason, detail):
    return {"uuid": uuid, "row_index": row, "path": path, "reason": reason, "detail": detail}


def written(frames, out):
    """The paths of tables, by name, written below `out`."""
    for name, frame in frames.items():
        tables.write(frame, out / f"{name}.parquet", SCHEMAS[name])
    paths = {name: out / f"{name}.parquet" for name in frames}
    return SimpleNamespace(**(paths | {"inspection": [paths["inspection"]]}))
