"""What a result was made from: digests of its inputs, stamped into it and compared by whoever reads it.

A table says in its metadata the digest of its `content` (its rows), and under `made_from` the
digests of all that it was made from, directly or not, by artifact: `results/d/labels`,
`results/d/m/encoder`. Two inputs of a step that were made from different versions of one artifact are
never combined: see `traced`. Lists of shards, descriptions of encoders, headlines and figures say the same
in their own formats.

Digests of rows are added up, so that those of shards sum to the digest of the whole table, however many
shards there are. They are made by polars, 128 bits from two seeds: enough to tell versions apart, which is
all they are for; damage is noticed by checksums.
"""

import html
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from glob import glob
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from nearkin.storage.atomic import DamagedError, file_sha256

CONTENT = "nearkin.content"
"""The name of the digest of a file's rows in its metadata."""
NO_ROWS = "0" * 32
SHARDED = {"inspection", "thumbnails", "embeddings", "neighbours"}
"""The folders of tables that are written in numbered parts."""
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
"""Modules whose version may show in a result, and the packages that they come from."""


class Lineage(NamedTuple):
    """What inputs were made from: digests by artifact, and the versions of each library that made them."""

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
            sums = [each + int(frame.hash_rows(seed).sum()) for each, seed in zip(sums, SEEDS, strict=True)]
    return "".join(f"{each & MASK:016x}" for each in sums)


def add_digests(digests: Iterable[str]) -> str:
    """The digest of tables put together, from those of the tables."""
    pairs = [(int(digest[:16], 16), int(digest[16:], 16)) for digest in digests]
    return "".join(f"{sum(each) & MASK:016x}" for each in zip(*pairs, strict=True))


def record() -> dict[str, dict]:
    """What a step says in its results: what they were `made_from`, and by which `versions` of libraries.

    Nothing outside of `traced`.
    """
    lineage = _current.get()
    if lineage is None:
        return {}
    own = {name: [version] for name, version in library_versions().items()}
    return {"made_from": lineage.made_from, "versions": _unite([lineage.versions, own])}


def stamps() -> dict[str, str]:
    """The same for the metadata of a file, each as JSON."""
    return {name: json.dumps(value, sort_keys=True) for name, value in record().items()}


def library_versions(*names: str) -> dict[str, str]:
    """The versions of some packages; without names, of those in LIBRARIES that this process has loaded."""
    loaded = sorted(name for module, name in LIBRARIES.items() if module in sys.modules)
    return {name: metadata.version(name) for name in names or loaded}


@contextmanager
def traced(
    inputs: Iterable, *, outside: Mapping[str, str] | None = None, part: bool = False
) -> Iterator[None]:
    """While a step reads its inputs and writes its results: these say what they were made from.

    `inputs` are the step's files, `outside` the digests that those which no step makes had when the run was
    planned; what these say of themselves does not count. A step for one shard is a `part`: it keeps the
    shards that it was made from apart. Raises StaleError before the step begins if inputs were made from
    different versions of something, and when it ends if an input was changed meanwhile, so that what the
    step wrote does not count. A result that turns out to be damaged is set aside, so that the next run
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
        kept = error.path.with_name(f"{error.path.name}.damaged")
        with suppress(FileNotFoundError):  # another job has met it too, and was quicker
            error.path.replace(kept)
        raise DamagedError(error.path, f"is set aside as {kept.name}: only rerun. {error}") from error
    finally:
        _current.reset(token)
    _check_outside({path: digest for path, digest in outside.items() if _state(path) != before[path]})
    changed = [path for path in paths if _state(path) != before[path]]
    silent = [path for path in changed if not read_stamps(path).get("content")]
    if silent or (changed and trace(paths, part=part) != lineage):
        raise StaleError(f"{(silent or changed)[0]}: was changed while it was read; rerun")


def trace(paths: Iterable[str], *, part: bool = False) -> Lineage:
    """What files are and what they were made from.

    Shards count as one artifact, but not in the trace of a step for one shard, which is a `part`. Raises
    StaleError if two files were made from different versions of an artifact, or one from another version
    than a file has.
    """
    found: dict[str, tuple[str, str]] = {}
    versions = []
    for path in paths:
        said = read_stamps(path)
        own = {artifact_of(path): said["content"]} if said.get("content") else {}
        # What was joined from chunks counts by its own digest: theirs may be another library's.
        for artifact, digest in (json.loads(said.get("made_from", "{}")) | own).items():
            other, source = found.setdefault(artifact, (digest, path))
            if other != digest:
                raise StaleError(_not_of_one_piece(artifact, source, path))
        versions.append(json.loads(said.get("versions", "{}")))
    made_from = {artifact: digest for artifact, (digest, _) in sorted(found.items())}
    if not part:
        whole = sum_parts(made_from)
        for artifact, digest in whole.items():
            if made_from.get(artifact, digest) != digest:
                raise StaleError(_not_of_one_piece(artifact, f"{artifact}/*", found[artifact][1]))
        made_from = whole
    return Lineage(made_from, _unite(versions))


def sum_parts(digests: Mapping[str, str]) -> dict[str, str]:
    """Digests by artifact, those of shards (`results/d/pixels/0`, ...) added up (`results/d/pixels`)."""
    whole: dict[str, list[str]] = {}
    for artifact, digest in digests.items():
        if PurePosixPath(artifact).parent.name in SHARDED:
            whole.setdefault(artifact.rpartition("/")[0], []).append(digest)
    sums = {parent: add_digests(each) for parent, each in whole.items()}
    rest = {name: digest for name, digest in digests.items() if name.rpartition("/")[0] not in whole}
    return dict(sorted((rest | sums).items()))


def artifact_of(path: str) -> str:
    """The name by which a file is known to what is made of it.

    >>> artifact_of("results/d/labels.parquet"), artifact_of("results/d/m/embeddings/shards.json")
    ('results/d/labels', 'results/d/m/embeddings')
    """
    file = PurePosixPath(path)
    return str(file.parent if file.name in ("shards.json", "encoder.json") else file.with_suffix(""))


def read_stamps(path: str) -> dict[str, str]:
    """What a file says of itself, by name: `content`, `made_from`, `versions`; nothing if it says nothing.

    A file that cannot be read says nothing: whoever reads it for its rows names it.
    """
    try:
        if path.endswith(".parquet"):
            kept = pq.read_metadata(path).metadata or {}
            return {key.decode().removeprefix("nearkin."): value.decode() for key, value in kept.items()}
        if path.endswith(".json"):
            said = json.loads(Path(path).read_text(encoding="utf-8"))
            content = said.get("content") or said.get("fingerprint")
            return {name: json.dumps(value) for name, value in said.get("lineage", {}).items()} | (
                {"content": content} if content else {}
            )
        if path.endswith(".safetensors"):
            with open(path, "rb") as file:  # its header, as safetensors has it; analysis goes without that
                n_bytes = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(min(n_bytes, 10**8)))
            said = json.loads(header.get("__metadata__", {}).get("text_encoder", "{}"))
            return {"content": said["fingerprint"]} if said else {}
        if path.endswith(".svg"):
            described = SVG_DESCRIPTION.search(Path(path).read_text(encoding="utf-8"))
            return {"made_from": html.unescape(described[1])} if described else {}
    except (pa.ArrowException, OSError, ValueError, AttributeError, KeyError):
        pass
    return {}


def _unite(versions: Iterable[Mapping[str, list[str]]]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for each in versions:
        for name, some in each.items():
            found.setdefault(name, set()).update(some)
    return {name: sorted(some) for name, some in sorted(found.items())}


def _is_result(path: Path, inputs: list[str]) -> bool:
    """Whether a file is an input, or a shard in a list that is one."""
    return str(path) in inputs or str(path.with_name("shards.json")) in inputs


def _state(path: str) -> tuple[int, ...]:
    """What changes when a file is written or replaced."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _check_outside(outside: Mapping[str, str]) -> None:
    for path, digest in outside.items():
        if (file_sha256(path) if os.path.isfile(path) else None) != digest:
            raise StaleError(f"{path}: was changed since this run was planned; rerun")


def _not_of_one_piece(artifact: str, one: str, other: str) -> str:
    files = next((path for path in _files_of(artifact) if glob(path)), artifact)
    return (
        f"{other}: was made from another version of {artifact} than {one}; interrupted runs or files "
        f"copied by hand leave such results. Make all that hangs on it again: make study FORCE='{files}', "
        f"or snakemake --forcerun {files}"
    )


def _files_of(artifact: str) -> list[str]:
    """The files that an artifact may stand for, as a shell would be asked for them."""
    names = [".parquet", ".safetensors", "/encoder.json", "/shards.json", "/*.parquet"]
    return [f"{artifact}{name}" for name in names]
