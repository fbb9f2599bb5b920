"""A drawn museum as a folder with the layout of VLM4Bio, and the truth about its faults."""

import csv
import logging
import multiprocessing
import shutil
from pathlib import Path

import numpy as np
from tqdm import tqdm

from nearkin.synthetic import inject, scene
from nearkin.synthetic.encode import encode, without_picture
from nearkin.synthetic.records import clean_entries
from nearkin.synthetic.taxonomy import taxonomy

logger = logging.getLogger(__name__)

TABLES = {  # file name and how the category's people write their CSV
    "Fish": ("metadata_10k.csv", {"encoding": "utf-8", "lineterminator": "\n", "quoting": csv.QUOTE_MINIMAL}),
    "Bird": (
        "bird_metadata_10k.csv",
        {"encoding": "utf-8-sig", "lineterminator": "\r\n", "quoting": csv.QUOTE_MINIMAL},
    ),
    "Butterfly": ("metadata.csv", {"encoding": "utf-8", "lineterminator": "\n", "quoting": csv.QUOTE_ALL}),
}
COLUMNS = ("fileNameAsDelivered", "scientificName")
CAPTION_COLUMNS = ("category", "image_name", "scientific_name", "caption", "image_path", "has_metadata")
TRUTH_COLUMNS = (
    "category", "file", "row_key", "defect", "as_delivered", "correct_value", "correct_species",
    "expected_outcome", "note",
)  # fmt: skip


def write_museum(folder, *, seed, n_species, largest_species, image_size, fault_rate, n_workers):
    """Draw a museum into a new folder, which appears when it is whole.

    `image_size` is the longer side in pixels, `fault_rate` the share of the pictures that get
    each variant of fault. The bytes depend on all arguments but `n_workers`. `truth.csv`
    says of every row what is right; nothing in the layout points to it. Raises
    FileExistsError if the folder is there and not empty.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: remove it or draw the museum elsewhere")
    species = taxonomy(seed, n_species, largest_species)
    entries = inject.with_faults(clean_entries(species, seed), fault_rate, seed)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for path in {one.path.rsplit("/", 1)[0] for one in entries if one.path}:
        (part / path).mkdir(parents=True, exist_ok=True)
    jobs = [(part, one, seed, image_size) for one in entries if one.path]
    notes = dict(
        tqdm(_in_processes(_write_file, jobs, n_workers), total=len(jobs), desc="draw", disable=None)
    )
    _write_tables(part, entries, seed)
    _write_csv(part / "truth.csv", TRUTH_COLUMNS, truth_rows(entries, notes))
    if folder.exists():
        folder.rmdir()
    part.rename(folder)
    n_genera = len({one.genus for one in species})
    counts = {"images drawn": len(jobs)}
    logger.info(
        "%d species in %d genera, %d files", len(species), n_genera, len(jobs), extra={"counts": counts}
    )
    logger.info("%d rows with a fault", sum(one.defect != "none" for one in entries))


def truth_rows(entries, notes):
    """What is right, as dictionaries of TRUTH_COLUMNS: every delivered row, then the related views."""
    rows = [
        (
            one.category, one.path, one.listed, one.defect, one.as_delivered or notes.get(one.path),
            one.correct, one.species.name, one.outcome, one.note,
        )
        for one in entries
    ] + [
        (
            one.category, one.path, one.listed, "related_frames", "",
            other, one.species.name, "grouped", "same specimen",
        )
        for one, other in inject.related(entries)
    ]  # fmt: skip
    rows = [dict(zip(TRUTH_COLUMNS, (value or "" for value in row), strict=True)) for row in rows]
    return sorted(
        rows, key=lambda row: tuple(row[name] for name in ("category", "defect", "file", "row_key"))
    )


def _write_file(job):
    folder, one, seed, image_size = job
    note = ""
    if one.specimen < 0:
        data = without_picture(one.treatment, one.listed)
    else:
        picture = scene.picture(one.species, one.specimen, one.view, seed=seed, image_size=image_size)
        data, note = encode(picture, one.path, one.treatment)
    (folder / one.path).write_bytes(data)
    return one.path, note


def _in_processes(work, jobs, n_workers):
    """Results of `work` on each job, in order, from forked processes where there are several."""
    if n_workers == 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, jobs)
        return
    with multiprocessing.get_context("fork").Pool(n_workers) as pool:
        yield from pool.imap(work, jobs, chunksize=4)


def _write_tables(folder, entries, seed):
    rng = np.random.default_rng([seed, 8])
    for category, (name, dialect) in TABLES.items():
        here = [one for one in entries if one.category == category]
        rows = [(one.listed, label) for one in here for label in one.labels]
        rows = [dict(zip(COLUMNS, rows[i], strict=True)) for i in rng.permutation(len(rows))]
        _write_csv(folder / "datasets" / category / "metadata" / name, COLUMNS, rows, **dialect)
    rows = [
        (
            one.category, one.path.rsplit("/", 1)[1], one.raw_name_in_captions, one.caption, one.path,
            one.defect == "conflicting_rows" or bool(one.raw_name_in_captions.strip()),
        )
        for one in entries
        if one.path and one.caption is not None
    ]  # fmt: skip
    rows = [dict(zip(CAPTION_COLUMNS, rows[i], strict=True)) for i in rng.permutation(len(rows))]
    _write_csv(folder / "vlm4bio_captions.csv", CAPTION_COLUMNS, rows)


def _write_csv(path, columns, rows, *, encoding="utf-8", lineterminator="\n", quoting=csv.QUOTE_MINIMAL):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding=encoding, newline="") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator=lineterminator, quoting=quoting)
        writer.writeheader()
        writer.writerows(rows)
