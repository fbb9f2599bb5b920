"""The list of a model's shards of embeddings: one small file that stands for thousands.

Whatever needs all embeddings takes the list as its input, and finds the shards through it. So
a search in hundreds of jobs over thousands of shards is planned in seconds.
"""

import hashlib
import json
import logging
from pathlib import Path

from nearkin.storage import lineage, tables
from nearkin.storage.atomic import DamagedError, read_error, write_text

logger = logging.getLogger(__name__)

RERUN_HINT = "remove it and rerun"


def write_index(paths, list_path):
    """Write the list of some shards, which lie beside it: name, bytes and digest of each, and their encoder.

    Raises ValueError if a shard cannot be read, or shards are of several encoders.
    """
    told = {Path(path).name: _describe_shard(Path(path)) for path in paths}
    encoders = {name: fingerprint for name, (_, _, fingerprint) in told.items()}
    contents = [lineage.read_stamps(str(path)).get("content", lineage.NO_ROWS) for path in paths]
    if len(set(encoders.values())) > 1:
        raise ValueError(f"{list_path}: embeddings of several encoders: {encoders}; remove them and rerun")
    shards = [{"file": name, "bytes": size, "digest": digest} for name, (size, digest, _) in told.items()]
    written = {"fingerprint": next(iter(encoders.values())), "content": lineage.add_digests(contents)}
    written |= {"lineage": lineage.record(), "shards": shards}
    write_text(list_path, json.dumps(sign_index(written), indent=1) + "\n")
    logger.info("listed %d shards", len(shards), extra={"counts": {"shards listed": len(shards)}})


def read_index(list_path):
    """The paths of the shards in a list, and the fingerprint of their encoder.

    Raises ValueError naming the file if the list cannot be read, or a shard is gone or is another
    than was listed.
    """
    try:
        written = json.loads(Path(list_path).read_text(encoding="utf-8"))
        if sign_index(written) != written:
            raise ValueError("damaged: its digest is another")
        fingerprint = written["fingerprint"]
        shards = {
            Path(list_path).with_name(shard["file"]): (shard["bytes"], shard["digest"], fingerprint)
            for shard in written["shards"]
        }
        if len(shards) < len(written["shards"]):
            raise ValueError("it names a shard twice")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise read_error(
            list_path, f"cannot be read as a list of shards: {error}; {RERUN_HINT}", error
        ) from error
    for path, said in shards.items():
        if not path.exists():
            raise DamagedError(list_path, f"lists {path}, which is gone; {RERUN_HINT}")
        if _describe_shard(path) != said:
            raise DamagedError(list_path, f"lists another shard than {path}; {RERUN_HINT}")
    return list(shards), fingerprint


def sign_index(written: dict) -> dict:
    """A list with the digest of what it says."""
    said = {name: value for name, value in written.items() if name != "digest"}
    return said | {"digest": hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()}


def _describe_shard(path):
    stamps = tables.metadata(path)
    return path.stat().st_size, stamps.get("digest"), stamps.get("fingerprint")
