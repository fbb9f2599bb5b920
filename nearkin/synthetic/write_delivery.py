"""A synthetic dataset as a folder with the layout of VLM4Bio, and the truth about its faults."""

import csv
import logging
import multiprocessing
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypedDict, cast

import numpy as np
from tqdm import tqdm

from nearkin.synthetic import inject, scene
from nearkin.synthetic.encode import encode, encode_non_picture
from nearkin.synthetic.records import Entry, clean_entries
from nearkin.synthetic.taxonomy import draw_taxonomy

logger = logging.getLogger(__name__)


class CsvDialect(TypedDict):
    """How the curators of a category write their CSV."""

    encoding: str
    lineterminator: str
    quoting: Literal[0, 1]  # csv.QUOTE_MINIMAL, csv.QUOTE_ALL


class Job(NamedTuple):
    """A file to write: its folder, its path in it, and what it shows."""

    folder: Path
    path: str
    entry: Entry
    seed: int
    image_size: int


TABLES: dict[str, tuple[str, CsvDialect]] = {  # by category: file name and dialect
    "Fish": ("metadata_10k.csv", {"encoding": "utf-8", "lineterminator": "\n", "quoting": csv.QUOTE_MINIMAL}),
    "Bird": (
        "bird_metadata_10k.csv",
        {"encoding": "utf-8-sig", "lineterminator": "\r\n", "quoting": csv.QUOTE_MINIMAL},
    ),
    "Butterfly": ("metadata.csv", {"encoding": "utf-8", "lineterminator": "\n", "quoting": csv.QUOTE_ALL}),
}
COLUMNS: tuple[str, ...] = ("fileNameAsDelivered", "scientificName")
CAPTION_COLUMNS: tuple[str, ...] = (
    "category",
    "image_name",
    "scientific_name",
    "caption",
    "image_path",
    "has_metadata",
)
TRUTH_COLUMNS: tuple[str, ...] = (
    "category", "file", "row_key", "defect", "as_delivered", "correct_value", "correct_species",
    "expected_outcome", "note",
)  # fmt: skip


def write_delivery(
    folder: str | Path,
    *,
    seed: int,
    n_species: int,
    largest_species: int,
    image_size: int,
    fault_rate: float,
    n_workers: int,
) -> None:
    """Draw a dataset into a new folder, which appears when it is complete.

    `image_size` is the longer side in pixels, `fault_rate` the share of the pictures that get
    each variant of fault. The bytes depend on all arguments but `n_workers`. `truth.csv`
    has the right values of every row; nothing in the layout points to it. Raises
    FileExistsError if the folder is there and not empty.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: remove it or draw the dataset elsewhere")
    species = draw_taxonomy(seed, n_species, largest_species)
    entries = inject.inject_faults(clean_entries(species, seed), fault_rate, seed)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    jobs = [Job(part, entry.path, entry, seed, image_size) for entry in entries if entry.path]
    for path in {job.path.rsplit("/", 1)[0] for job in jobs}:
        (part / path).mkdir(parents=True, exist_ok=True)
    notes = dict(tqdm(_run_jobs(_write_file, jobs, n_workers), total=len(jobs), desc="draw", disable=None))
    _write_tables(part, entries, seed)
    _write_csv(part / "truth.csv", TRUTH_COLUMNS, truth_rows(entries, notes))
    if folder.exists():
        folder.rmdir()
    part.rename(folder)
    n_genera = len({each.genus for each in species})
    counts = {"images drawn": len(jobs)}
    logger.info(
        "%d species in %d genera, %d files", len(species), n_genera, len(jobs), extra={"counts": counts}
    )
    logger.info("%d rows with a fault", sum(entry.defect != "none" for entry in entries))


def truth_rows(entries: Sequence[Entry], notes: Mapping[str, str]) -> list[dict[str, str]]:
    """The right values, as dictionaries of TRUTH_COLUMNS: every delivered row, then the related views.

    `notes` are those on the files, by path.
    """
    values = [
        (
            entry.category, entry.path, entry.listed, entry.defect,
            entry.as_delivered or notes.get(entry.path or ""),
            entry.correct, entry.species.name, entry.outcome, entry.note,
        )
        for entry in entries
    ] + [
        (
            entry.category, entry.path, entry.listed, "related_frames", "",
            other, entry.species.name, "grouped", "same specimen",
        )
        for entry, other in inject.list_relations(entries)
    ]  # fmt: skip
    rows = [dict(zip(TRUTH_COLUMNS, (value or "" for value in row), strict=True)) for row in values]
    return sorted(
        rows, key=lambda row: tuple(row[name] for name in ("category", "defect", "file", "row_key"))
    )


def _write_file(job: Job) -> tuple[str, str]:
    """The path of a file and a note on it, once it is written."""
    entry, note = job.entry, ""
    if entry.specimen < 0:
        data = encode_non_picture(entry.treatment, cast(str, entry.listed))
    else:
        picture = scene.draw_picture(
            entry.species, entry.specimen, entry.view, seed=job.seed, image_size=job.image_size
        )
        data, note = encode(picture, job.path, entry.treatment)
    (job.folder / job.path).write_bytes(data)
    return job.path, note


def _run_jobs(
    work: Callable[[Job], tuple[str, str]], jobs: Sequence[Job], n_workers: int
) -> Iterator[tuple[str, str]]:
    """Results of `work` on each job, in order, from forked processes if there are several workers."""
    if n_workers == 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, jobs)
        return
    with multiprocessing.get_context("fork").Pool(n_workers) as pool:
        yield from pool.imap(work, jobs, chunksize=4)


def _write_tables(folder: Path, entries: Sequence[Entry], seed: int) -> None:
    """Write the metadata table of each category and the table of captions, their rows in random order."""
    rng = np.random.default_rng([seed, 8])
    for category, (name, dialect) in TABLES.items():
        names = [
            (entry.listed, label) for entry in entries if entry.category == category for label in entry.labels
        ]
        rows = [dict(zip(COLUMNS, names[i], strict=True)) for i in rng.permutation(len(names))]
        _write_csv(folder / "datasets" / category / "metadata" / name, COLUMNS, rows, **dialect)
    captions = [
        (
            entry.category, entry.path.rsplit("/", 1)[1], entry.raw_name_in_captions, entry.caption,
            entry.path, entry.defect == "conflicting_rows" or bool(entry.raw_name_in_captions.strip()),
        )
        for entry in entries
        if entry.path and entry.caption is not None
    ]  # fmt: skip
    rows = [dict(zip(CAPTION_COLUMNS, captions[i], strict=True)) for i in rng.permutation(len(captions))]
    _write_csv(folder / "vlm4bio_captions.csv", CAPTION_COLUMNS, rows)


def _write_csv(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, object]],
    *,
    encoding: str = "utf-8",
    lineterminator: str = "\n",
    quoting: Literal[0, 1] = csv.QUOTE_MINIMAL,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding=encoding, newline="") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator=lineterminator, quoting=quoting)
        writer.writeheader()
        writer.writerows(rows)
