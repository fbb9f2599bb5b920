"""A dataset of the Hugging Face hub, at one commit, as plain files in a folder."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NotRequired, TypedDict

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import filter_repo_objects

from nearkin.sources.safe_paths import escapes_folder, resolve_inside

logger = logging.getLogger(__name__)


class DownloadRecord(TypedDict):
    """What was downloaded."""

    repo: str
    revision: str  # as requested
    commit: str | None  # of the revision
    n_files: int
    n_bytes: int
    digest: NotRequired[str]  # of the folder afterwards


def download(folder: str | Path, repo: str, *, revision: str, patterns: Sequence[str]) -> DownloadRecord:
    """The record of a download of those files of a dataset that match `patterns` into `folder`.

    Files that are there from an earlier attempt are kept. Raises ValueError naming the repo if the
    hub does not deliver it or a name leads out of the folder, and naming the file if one is
    not complete in the end.
    """
    hub = HfApi()
    with _naming_errors(f"{repo} at {revision}: cannot be downloaded from {hub.endpoint}"):
        commit = hub.dataset_info(repo, revision=revision).sha
        tree = hub.list_repo_tree(repo, repo_type="dataset", revision=commit, recursive=True)
        files = [entry for entry in tree if isinstance(entry, RepoFile)]
    patterns = list(patterns)
    files = list(filter_repo_objects(files, allow_patterns=patterns, key=lambda file: file.path))
    escaping = [file.path for file in files if escapes_folder(file.path)]
    if escaping or not files:
        what = f"{escaping[0]!r} leads out of the folder" if escaping else f"no file matches {patterns}"
        raise ValueError(f"{repo} at {commit}: {what}; nothing was downloaded")
    n_bytes = sum(file.size for file in files)
    logger.info("%s at %s: %d files, %d bytes", repo, commit, len(files), n_bytes)
    with _naming_errors(f"{repo} at {commit}: cannot be downloaded from {hub.endpoint}"):
        snapshot_download(
            repo, repo_type="dataset", revision=commit, local_dir=folder, allow_patterns=patterns
        )
    for file in files:
        size = resolve_inside(folder, file.path).stat().st_size
        if size != file.size:
            raise ValueError(f"{repo} at {commit}: {file.path} has {size} bytes, not {file.size}; try again")
    return {"repo": repo, "revision": revision, "commit": commit, "n_files": len(files), "n_bytes": n_bytes}


@contextmanager
def _naming_errors(what: str) -> Iterator[None]:
    """A context in which all errors, of the hub or of the network, become ValueErrors about `what`."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"{what}: {error}") from error
