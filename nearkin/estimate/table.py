"""An estimate as text: a table of stages, and sentences on what is unknown, scaled up or has no room."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from nearkin.estimate.stages import UNITS

COLUMNS = ("stage", "of", "jobs", "work", "time", "disk", "memory", "time and memory as in")

NEVER_TIMED = "no earlier run has timed it"
NO_BENCHMARK = "no run times it"
NO_SIZE = "unknown until the images are there"
"""Why a time is unknown."""

OTHERS, BY_IMAGES = "other steps", "each in proportion to the images"
"""The line of all stages that are not in `UNITS`, and how they are scaled."""

SCALED_UP = 10
"""Jobs that are so many times larger than any timed one are named."""


class Line(NamedTuple):
    """A stage of a run for one dataset, or one model of it; None is unknown."""

    stage: str
    of: str
    n_jobs: int
    n_units: float | None = None
    unit: str = "images"
    seconds: float | None = None
    n_bytes: float = 0  # on disk
    memory: float | None = None  # bytes, of one job
    scale: float = 0.0  # units of a job, in those of the largest timed job
    source: str = ""  # where the rate is from, or why there is none


def format_table(lines: Sequence[Line]) -> str:
    """The stages and their sum as aligned text; stages that are not in `UNITS` share a line or two."""
    together = _add_up("together", "", lines)
    rows = [COLUMNS, *map(_format_cells, [*_merge_other_stages(lines), together])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 2 <= column < len(COLUMNS) - 1 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def list_remarks(lines: Sequence[Line], *, free_disk: float, free_memory: float) -> list[str]:
    """Sentences on what the table leaves out, scales up far or finds no room for, with remedies."""
    sentences = []
    if never_timed := [line for line in lines if line.source == NEVER_TIMED]:
        sentences.append(
            f"No earlier run has timed {_count_jobs(never_timed)}: unknown; run the shipped study first, or "
            "a small one of these models."
        )
    if without_size := [line for line in lines if line.source == NO_SIZE]:
        sentences.append(f"Unknown until the images are there: {_count_jobs(without_size)}.")
    if without_benchmark := [line for line in lines if line.source == NO_BENCHMARK]:
        n_jobs = sum(line.n_jobs for line in without_benchmark)
        sentences.append(f"Left out, because their rules write no benchmark file: {n_jobs:,} jobs.")
    if scaled := [line for line in lines if line.scale > SCALED_UP]:
        sentences.append(
            f"More than {SCALED_UP} times larger than any job that was timed, whose start counts as work, so "
            f"that the estimate is too high: {_count_jobs(scaled)}."
        )
    disk = sum(line.n_bytes for line in lines)
    if disk > free_disk:
        sentences.append(
            f"Not enough disk: {format_size(disk)} will be written, {format_size(free_disk)} are free. Set "
            "cache: false under `preprocessing`, or free space with make clean-pixels."
        )
    sentences += [
        f"Not enough memory for {line.stage} of {line.of}: it needs {format_size(line.memory)}, "
        f"{format_size(free_memory)} are free."
        for line in lines
        if line.memory and line.memory > free_memory
    ]
    return sentences


def _merge_other_stages(lines: Sequence[Line]) -> list[Line]:
    """The lines, but for each dataset one of all stages that are not in `UNITS`, and one of those unknown."""
    others: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        if line.stage not in UNITS:
            source = BY_IMAGES if line.seconds is not None else line.source
            others.setdefault((line.of.split()[0], source), []).append(line)
    merged = [
        _add_up(OTHERS, dataset, part)._replace(source=source) for (dataset, source), part in others.items()
    ]
    return [line for line in lines if line.stage in UNITS] + merged


def _add_up(stage: str, of: str, lines: Sequence[Line]) -> Line:
    """Lines as one, whose time is that of those that have one."""
    seconds = [line.seconds for line in lines if line.seconds is not None]
    n_unknown = sum(line.n_jobs for line in lines if line.seconds is None)
    return Line(
        stage,
        of,
        sum(line.n_jobs for line in lines),
        seconds=sum(seconds) if seconds else None,
        n_bytes=sum(line.n_bytes for line in lines),
        memory=max((line.memory or 0 for line in lines), default=0),
        scale=max((line.scale for line in lines), default=0),
        source=f"without the time of {n_unknown:,} jobs" if n_unknown else "",
    )


def _count_jobs(lines: Sequence[Line]) -> str:
    n_jobs: Counter[str] = Counter()
    for line in lines:
        n_jobs[line.stage] += line.n_jobs
    return ", ".join(f"{stage} ({n})" for stage, n in n_jobs.items())


def format_work(n_units: float, unit: str) -> str:
    """An amount of work in words.

    >>> format_work(1200, "images"), format_work(1, "models")
    ('1,200 images', '1 model')
    """
    return f"{n_units:,.0f} {unit}" if round(n_units) != 1 else f"1 {unit.removesuffix('s')}"


def format_rate(seconds: float, unit: str) -> str:
    """A rate in words, from the seconds of one unit.

    >>> format_rate(0.025, "images"), format_rate(0.4, "images"), format_rate(3.0, "models")
    ('40 images/s', '2.5 images/s', '3 s each')
    """
    if seconds > 1:
        return f"{seconds:,.0f} s each"
    return f"{1 / seconds:,.0f} {unit}/s" if seconds < 0.1 else f"{1 / seconds:.1f} {unit}/s"


def format_size(n_bytes: float) -> str:
    """Bytes in a readable unit.

    >>> format_size(0), format_size(1500), format_size(8.7e9)
    ('0 kB', '2 kB', '8.7 GB')
    """
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.1f} {name}"
    return f"{n_bytes / 1e3:.0f} kB"


def format_duration(seconds: float) -> str:
    """Seconds in the two largest readable units.

    >>> format_duration(0.2), format_duration(4.2), format_duration(89), format_duration(200_000)
    ('< 1 s', '4 s', '1 min 29 s', '2 d 7 h')
    """
    units = [(86400, "d"), (3600, "h"), (60, "min"), (1, "s")]
    for (unit, name), (smaller, smaller_name) in zip(units, units[1:], strict=False):
        if seconds >= unit:
            rest = int(seconds % unit // smaller)
            return f"{int(seconds // unit)} {name}" + (f" {rest} {smaller_name}" if rest else "")
    return f"{seconds:.0f} s" if seconds >= 1 else "< 1 s"


def _format_cells(line: Line) -> tuple[str, ...]:
    floor = "≥ " if line.scale > 1 else ""  # a larger job may need more
    return (
        line.stage,
        line.of,
        f"{line.n_jobs:,}",
        "" if line.n_units is None else format_work(line.n_units, line.unit),
        "?" if line.seconds is None else format_duration(line.seconds),
        format_size(line.n_bytes) if line.n_bytes else "",
        floor + format_size(line.memory) if line.memory else "",
        line.source,
    )
