"""What a result was made from: digests of its inputs, stored in it and compared by the steps that read it.

A table's metadata hold the digest of its `content` (its rows), and under `made_from` the
digests of all that it was made from, directly or not, by artifact: `results/d/labels`,
`results/d/m/encoder`. Two inputs of a step that were made from different versions of one artifact are
never combined: see `traced`. Lists of shards, descriptions of encoders, headlines and figures hold the same
in their own formats.

Digests of rows are added up, so that those of shards sum to the digest of the whole table, however many
shards there are. polars computes them, 128 bits from two seeds: enough to distinguish versions, which is
their only purpose; checksums detect damage.
"""

import html
import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from glob import glob
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypedDict

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from nearkin.storage.atomic import DamagedError, file_sha256

CONTENT = "nearkin.content"
"""The metadata key of the digest of a file's rows."""
NO_ROWS = "0" * 32
SHARDED = {"inspection", "thumbnails", "embeddings", "neighbours"}
"""The folders of tables that are written in numbered shards."""
SEEDS = (1, 2)
MASK = 2**64 - 1
SVG_DESCRIPTION = re.compile("<dc:description>(.*?)</dc:description>", re.DOTALL)
LIBRARIES = {
    "PIL": "pillow",
    "faiss": "faiss-cpu",
    "ftfy": "ftfy",
    "nameparser": "gbif-name-parser",
    "matplotlib": "matplotlib",
    "numpy": "numpy",
    "open_clip": "open-clip-torch",
    "polars": "polars",
    "rapidfuzz": "rapidfuzz",
    "scipy": "scipy",
    "seaborn": "seaborn",
    "statsmodels": "statsmodels",
    "timm": "timm",
    "torch": "torch",
    "torchvision": "torchvision",
}
"""Modules whose version can change a result, and the packages that they come from."""


class Lineage(NamedTuple):
    """What inputs were made from: digests by artifact, and the versions of each library that made them."""

    made_from: dict[str, str]
    versions: dict[str, list[str]]


class LineageRecord(TypedDict, total=False):
    """A lineage as results store it; empty outside of `traced`."""

    made_from: dict[str, str]
    versions: dict[str, list[str]]


_current: ContextVar[Lineage | None] = ContextVar("lineage", default=None)


class StaleError(ValueError):
    """Inputs that do not belong together."""


def content_digest(frames: Iterable[pl.DataFrame]) -> str:
    """The digest of the rows of frames of one schema, whatever their order: 32 hexadecimal digits.

    >>> whole = pl.DataFrame({"uuid": ["a", "b", "c"]})
    >>> content_digest([whole]) == add_digests([content_digest([whole[:1]]), content_digest([whole[1:]])])
    True
    """
    sums = [0 for _ in SEEDS]
    for frame in frames:
        if len(frame):
            sums = [total + int(frame.hash_rows(seed).sum()) for total, seed in zip(sums, SEEDS, strict=True)]
    return "".join(f"{total & MASK:016x}" for total in sums)


def add_digests(digests: Iterable[str]) -> str:
    """The digest of concatenated tables, from the digests of the tables."""
    pairs = [(int(digest[:16], 16), int(digest[16:], 16)) for digest in digests]
    return "".join(f"{sum(halves) & MASK:016x}" for halves in zip(*pairs, strict=True))


def make_record() -> LineageRecord:
    """What a step stores in its results: what they were `made_from`, and by which `versions` of libraries.

    Nothing outside of `traced`.
    """
    lineage = _current.get()
    if lineage is None:
        return {}
    own = {name: [version] for name, version in library_versions().items()}
    return {"made_from": lineage.made_from, "versions": _unite([lineage.versions, own])}


def record_as_metadata() -> dict[str, str]:
    """The record as metadata of a file: each value as JSON."""
    return {name: json.dumps(value, sort_keys=True) for name, value in make_record().items()}


def library_versions(*names: str) -> dict[str, str]:
    """The versions of some packages; without names, of those in LIBRARIES that this process has imported."""
    loaded = sorted(name for module, name in LIBRARIES.items() if module in sys.modules)
    return {name: importlib.metadata.version(name) for name in names or loaded}


@contextmanager
def trace_inputs(
    inputs: Iterable[str | Path], *, outside: Mapping[str, str] | None = None, part: bool = False
) -> Iterator[None]:
    """A block in which a step reads its inputs and writes its results, which store what they were made from.

    `inputs` are the step's files. `outside` are the digests, at the time the run was planned, of those files
    that no step makes; any lineage stored in these is ignored. A step for one shard is a `part`: it lists
    the shards that it was made from one by one. Raises StaleError before the step begins if inputs were made
    from different versions of something, and at its end if an input was changed meanwhile, so that the
    step's results do not count. An input that turns out to be damaged is renamed, so that the next run
    makes it again.
    """
    outside = outside or {}
    paths = [str(path) for path in inputs if str(path) not in outside]
    before = {path: _state(path) for path in [*paths, *outside]}
    _check_outside(outside)
    lineage = trace(paths, part=part)
    token = _current.set(lineage)
    try:
        yield
    except DamagedError as error:
        if not _is_result(error.path, paths):
            raise
        renamed = error.path.with_name(f"{error.path.name}.damaged")
        with suppress(FileNotFoundError):  # another job may have renamed it already
            error.path.replace(renamed)
        raise DamagedError(error.path, f"was renamed to {renamed.name}: just rerun. {error}") from error
    finally:
        _current.reset(token)
    _check_outside({path: digest for path, digest in outside.items() if _state(path) != before[path]})
    changed = [path for path in paths if _state(path) != before[path]]
    without_digest = [path for path in changed if not read_lineage(path).get("content")]
    if without_digest or (changed and trace(paths, part=part) != lineage):
        raise StaleError(f"{(without_digest or changed)[0]}: was changed while it was read; rerun")


def trace(paths: Iterable[str], *, part: bool = False) -> Lineage:
    """The digests of files and of what they were made from, and the versions of the libraries that made them.

    Shards count as one artifact, but not in the trace of a step for one shard, which is a `part`. Raises
    StaleError if two files were made from different versions of an artifact, or one file from another
    version of a second one than is given.
    """
    sources: dict[str, tuple[str, str]] = {}  # by artifact: digest, and the file that names it
    versions: list[dict[str, list[str]]] = []
    for path in paths:
        metadata = read_lineage(path)
        own = {artifact_of(path): metadata["content"]} if metadata.get("content") else {}
        # What was joined from chunks counts by its own digest: theirs may be another library's.
        for artifact, digest in (json.loads(metadata.get("made_from", "{}")) | own).items():
            other, source = sources.setdefault(artifact, (digest, path))
            if other != digest:
                raise StaleError(_describe_conflict(artifact, source, path))
        versions.append(json.loads(metadata.get("versions", "{}")))
    made_from = {artifact: digest for artifact, (digest, _) in sorted(sources.items())}
    if not part:
        whole = sum_parts(made_from)
        for artifact, digest in whole.items():
            if made_from.get(artifact, digest) != digest:
                raise StaleError(_describe_conflict(artifact, f"{artifact}/*", sources[artifact][1]))
        made_from = whole
    return Lineage(made_from, _unite(versions))


def sum_parts(digests: Mapping[str, str]) -> dict[str, str]:
    """Digests by artifact, those of shards (`results/d/pixels/0`, ...) added up (`results/d/pixels`)."""
    shards: dict[str, list[str]] = {}
    for artifact, digest in digests.items():
        if PurePosixPath(artifact).parent.name in SHARDED:
            shards.setdefault(artifact.rpartition("/")[0], []).append(digest)
    sums = {parent: add_digests(each) for parent, each in shards.items()}
    rest = {name: digest for name, digest in digests.items() if name.rpartition("/")[0] not in shards}
    return dict(sorted((rest | sums).items()))


def artifact_of(path: str) -> str:
    """The name under which results that are made from a file list it.

    >>> artifact_of("results/d/labels.parquet"), artifact_of("results/d/m/embeddings/shards.json")
    ('results/d/labels', 'results/d/m/embeddings')
    """
    file = PurePosixPath(path)
    return str(file.parent if file.name in ("shards.json", "encoder.json") else file.with_suffix(""))


def read_lineage(path: str) -> dict[str, str]:
    """A file's lineage by name, as far as it has one: `content` (a digest), `made_from`, `versions` (JSON).

    Nothing for a file that cannot be read: the step that reads its rows will name it.
    """
    try:
        if path.endswith(".parquet"):
            metadata = pq.read_metadata(path).metadata or {}
            return {key.decode().removeprefix("nearkin."): value.decode() for key, value in metadata.items()}
        if path.endswith(".json"):
            fields = json.loads(Path(path).read_text(encoding="utf-8"))
            content = fields.get("content") or fields.get("fingerprint")
            return {name: json.dumps(value) for name, value in fields.get("lineage", {}).items()} | (
                {"content": content} if content else {}
            )
        if path.endswith(".safetensors"):
            with open(
                path, "rb"
            ) as file:  # the header of the format, as the analysis environment has no safetensors
                n_bytes = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(min(n_bytes, 10**8)))
            encoder = json.loads(header.get("__metadata__", {}).get("text_encoder", "{}"))
            return {"content": encoder["fingerprint"]} if encoder else {}
        if path.endswith(".svg"):
            description = SVG_DESCRIPTION.search(Path(path).read_text(encoding="utf-8"))
            return {"made_from": html.unescape(description[1])} if description else {}
    except (pa.ArrowException, OSError, ValueError, AttributeError, KeyError):
        pass
    return {}


def _unite(versions: Iterable[Mapping[str, list[str]]]) -> dict[str, list[str]]:
    united: dict[str, set[str]] = {}
    for by_name in versions:
        for name, several in by_name.items():
            united.setdefault(name, set()).update(several)
    return {name: sorted(several) for name, several in sorted(united.items())}


def _is_result(path: Path, inputs: list[str]) -> bool:
    """Whether a file is an input, or a shard in an index that is one."""
    return str(path) in inputs or str(path.with_name("shards.json")) in inputs


def _state(path: str) -> tuple[int, ...]:
    """Numbers that change when a file is written or replaced."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _check_outside(outside: Mapping[str, str]) -> None:
    for path, digest in outside.items():
        if (file_sha256(path) if os.path.isfile(path) else None) != digest:
            raise StaleError(f"{path}: was changed since this run was planned; rerun")


def _describe_conflict(artifact: str, path: str, other: str) -> str:
    files = next((pattern for pattern in _files_of(artifact) if glob(pattern)), artifact)
    return (
        f"{other}: was made from another version of {artifact} than {path}; interrupted runs or files "
        f"copied by hand leave such results. Make all that depends on it again: make study FORCE='{files}', "
        f"or snakemake --forcerun {files}"
    )


def _files_of(artifact: str) -> list[str]:
    """The files that an artifact may stand for, as patterns for a shell."""
    suffixes = [".parquet", ".safetensors", "/encoder.json", "/shards.json", "/*.parquet"]
    return [f"{artifact}{suffix}" for suffix in suffixes]
