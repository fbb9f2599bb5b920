"""What a run would cost, from counts and rates: time, disk and memory of each stage, and a table of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from nearkin.driver.config_types import SplitConfig
from nearkin.finetune.recipe import Recipe
from nearkin.vocabulary import PROTOCOL_SPLITS

NEIGHBOUR_BYTES = 12
"""Of a row of neighbours.parquet: the similarity is hardly compressed, names are encoded as numbers."""

SEARCH_BYTES = 2**30
"""Memory of the search besides the vectors."""

COLUMNS = ("stage", "of", "jobs", "images", "time", "disk", "memory", "measured here, or in an earlier run")


class StageEstimate(NamedTuple):
    """A stage of a run for one dataset, or one model of it; None is unknown."""

    stage: str
    of: str
    n_jobs: int
    n_images: float | None = None
    seconds: float | None = None
    n_bytes: float | None = None  # on disk
    memory: float | None = None  # bytes
    rate: str = ""


def elapsed(work: float, n_jobs: int, *, threads: int, cores: int) -> float:
    """Seconds for parallel jobs of `threads` threads each, which take `work` seconds one after another.

    >>> elapsed(100.0, 4, threads=2, cores=4), elapsed(100.0, 1, threads=2, cores=4)
    (50.0, 100.0)
    """
    return work / max(1, min(n_jobs, cores // threads))


def split_sizes(n_images: float, split: SplitConfig) -> dict[str, float]:
    """About how many images are in each split.

    >>> split_sizes(1000, {"train": 0.5, "val": 0.1, "test": 0.4, "held_out_species": 0.2, "folds": None})
    {'train': 400.0, 'val': 80.0, 'test': 320.0, 'unseen_species': 200.0}
    """
    seen = n_images * (1 - split["held_out_species"])
    test = 1 / split["folds"] if split["folds"] else split["test"]
    rest = (1 - test) / (split["train"] + split["val"] or 1)
    shares = {"train": split["train"] * rest, "val": split["val"] * rest, "test": test}
    return {name: seen * share for name, share in shares.items()} | {
        "unseen_species": n_images * split["held_out_species"]
    }


def search_workload(
    sizes: Mapping[str, float], protocols: Iterable[str], depth: int
) -> tuple[float, float, float]:
    """`(queries, pairs of images compared, rows of neighbours)` of the protocols.

    >>> sizes = {"train": 400, "val": 80, "test": 20, "unseen_species": 5}
    >>> search_workload(sizes, ["train_gallery", "unseen_species"], depth=10)
    (25, 8025, 225)
    """
    splits = [PROTOCOL_SPLITS[name] for name in protocols]
    pairs = [(sizes[queries], sizes[gallery]) for queries, gallery in splits]
    n_queries, n_pairs = sum(n for n, _ in pairs), sum(n * m for n, m in pairs)
    return n_queries, n_pairs, sum(n * min(m, depth) for n, m in pairs)


def training_seconds(sizes: Mapping[str, float], recipe: Recipe, *, frozen: float, learning: float) -> float:
    """Seconds of a training by a `Recipe`, whose frozen part sees each image once.

    `frozen` are the seconds per image of the frozen part, `learning` those of a forward and backward
    pass of the other; its forward pass alone takes a third of that.

    >>> recipe = {"epochs": 2, "augment": "flip", "train_fraction": 1.0}
    >>> training_seconds({"train": 10, "val": 4}, recipe, frozen=1.0, learning=3.0)
    96.0
    """
    variants = {"none": 1, "flip": 2, "rand_augment": recipe["epochs"]}[recipe["augment"]]
    n_train = recipe["train_fraction"] * sizes["train"]
    n_frozen = n_train * variants + sizes["val"]
    n_validated = sizes["val"] * (recipe["epochs"] + 1)
    return n_frozen * frozen + recipe["epochs"] * n_train * learning + n_validated * learning / 3


def search_memory(n_images: int, width: int) -> int:
    """Bytes of memory of the search: all vectors and SEARCH_BYTES."""
    return 4 * n_images * width + SEARCH_BYTES


def per_second(seconds: float, by: str) -> str:
    """The rate of a stage that takes `seconds` per image.

    >>> per_second(0.025, "by one thread"), per_second(3.0, "by 2 threads")
    ('40 images/s by one thread', '0.33 images/s by 2 threads')
    """
    return f"{1 / seconds:,.2g} images/s {by}" if seconds > 1 else f"{1 / seconds:,.0f} images/s {by}"


def warnings(lines: Sequence[StageEstimate], *, free_disk: float, free_memory: float) -> list[str]:
    """A sentence for each shortage of disk and memory, with a remedy."""
    disk = sum(line.n_bytes or 0 for line in lines)
    sentences = []
    if disk > free_disk:
        sentences.append(
            f"Not enough disk: {size(disk)} will be written, {size(free_disk)} are free. Set cache: false "
            "under `preprocessing`, or free space with make clean-pixels."
        )
    for line in lines:
        if line.memory and line.memory > free_memory:
            sentences.append(
                f"Not enough memory for {line.stage} of {line.of}: it needs {size(line.memory)}, "
                f"{size(free_memory)} are free."
            )
    return sentences


def table(lines: Sequence[StageEstimate]) -> str:
    """The stages and their sum as aligned text."""
    seconds = [line.seconds for line in lines if line.seconds is not None]
    n_bytes = sum(line.n_bytes or 0 for line in lines)
    memory = max((line.memory or 0 for line in lines), default=0)
    total = StageEstimate(
        "together", "", sum(line.n_jobs for line in lines), None, sum(seconds), n_bytes, memory
    )
    rows = [COLUMNS, *map(_format_cells, [*lines, total])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 2 <= column < len(COLUMNS) - 1 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def size(n_bytes: float) -> str:
    """Bytes in a readable unit.

    >>> size(0), size(1500), size(8.7e9)
    ('0 kB', '2 kB', '8.7 GB')
    """
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.1f} {name}"
    return f"{n_bytes / 1e3:.0f} kB"


def duration(seconds: float) -> str:
    """Seconds in the two largest readable units.

    >>> duration(0.2), duration(4.2), duration(89), duration(7500), duration(200_000)
    ('< 1 s', '4 s', '1 min 29 s', '2 h 5 min', '2 d 7 h')
    """
    units = [(86400, "d"), (3600, "h"), (60, "min"), (1, "s")]
    for (unit, name), (smaller, smaller_name) in zip(units, units[1:], strict=False):
        if seconds >= unit:
            rest = int(seconds % unit // smaller)
            return f"{int(seconds // unit)} {name}" + (f" {rest} {smaller_name}" if rest else "")
    return f"{seconds:.0f} s" if seconds >= 1 else "< 1 s"


def _format_cells(line: StageEstimate) -> tuple[str, ...]:
    return (
        line.stage,
        line.of,
        f"{line.n_jobs:,}",
        "" if line.n_images is None else f"{line.n_images:,.0f}",
        "?" if line.seconds is None else duration(line.seconds),
        "" if not line.n_bytes else size(line.n_bytes),
        "" if not line.memory else size(line.memory),
        line.rate,
    )
