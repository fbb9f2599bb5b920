"""The list of a model's shards of embeddings: one small file in place of thousands.

A step that needs all embeddings has the list as its input, and finds the shards through it. So
a search in hundreds of jobs over thousands of shards is planned in seconds.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from nearkin.storage import lineage, tables
from nearkin.storage.atomic import DamagedError, read_error, write_text

logger = logging.getLogger(__name__)

RERUN_HINT = "remove it and rerun"


def write_index(paths: Sequence[str | Path], list_path: str | Path) -> None:
    """Write the list of some shards in its own folder: name, bytes and digest of each, and their encoder.

    Raises ValueError if a shard cannot be read, or shards are of several encoders.
    """
    descriptions = {Path(path).name: _describe_shard(Path(path)) for path in paths}
    encoders = {name: fingerprint for name, (_, _, fingerprint) in descriptions.items()}
    contents = [lineage.read_lineage(str(path)).get("content", lineage.NO_ROWS) for path in paths]
    if len(set(encoders.values())) > 1:
        raise ValueError(f"{list_path}: embeddings of several encoders: {encoders}; remove them and rerun")
    shards = [
        {"file": name, "bytes": size, "digest": digest} for name, (size, digest, _) in descriptions.items()
    ]
    index = {
        "fingerprint": next(iter(encoders.values())),
        "content": lineage.add_digests(contents),
        "lineage": lineage.make_record(),
        "shards": shards,
    }
    write_text(list_path, json.dumps(sign_index(index), indent=1) + "\n")
    logger.info("listed %d shards", len(shards), extra={"counts": {"shards listed": len(shards)}})


def read_index(list_path: str | Path) -> tuple[list[Path], str]:
    """The paths of the shards in a list, and the fingerprint of their encoder.

    Raises ValueError naming the file if the list cannot be read, or a shard is gone or is not the one
    that was listed.
    """
    try:
        index = json.loads(Path(list_path).read_text(encoding="utf-8"))
        if sign_index(index) != index:
            raise ValueError("damaged: its digest is another")
        fingerprint = index["fingerprint"]
        shards = {
            Path(list_path).with_name(shard["file"]): (shard["bytes"], shard["digest"], fingerprint)
            for shard in index["shards"]
        }
        if len(shards) < len(index["shards"]):
            raise ValueError("it names a shard twice")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise read_error(
            list_path, f"cannot be read as a list of shards: {error}; {RERUN_HINT}", error
        ) from error
    for path, description in shards.items():
        if not path.exists():
            raise DamagedError(list_path, f"lists {path}, which is gone; {RERUN_HINT}")
        if _describe_shard(path) != description:
            raise DamagedError(list_path, f"lists another shard than {path}; {RERUN_HINT}")
    return list(shards), fingerprint


def sign_index(index: Mapping[str, object]) -> dict[str, object]:
    """A list with the digest of its content."""
    content = {name: value for name, value in index.items() if name != "digest"}
    return content | {"digest": hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()}


def _describe_shard(path: Path) -> tuple[int, str | None, str | None]:
    """Bytes, digest and fingerprint of a shard; None for what its metadata lacks."""
    metadata = tables.read_metadata(path)
    return path.stat().st_size, metadata.get("digest"), metadata.get("fingerprint")
