"""A dataset of the Hugging Face hub, at one commit, as plain files in a folder."""

import logging
from contextlib import contextmanager

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import filter_repo_objects

from nearkin.sources.leaving import escapes_folder
from nearkin.sources.safe_paths import resolve_inside

logger = logging.getLogger(__name__)


def download(folder, repo, *, revision, patterns):
    """Bring the files of a dataset that match `patterns` into `folder`, and say what was brought.

    Files that are there from an earlier try are kept. The result names the repo, the revision
    asked for, the commit that it is, the number of files and their bytes. Raises ValueError
    naming the repo if the hub does not give it or a name leads out of the folder, and the
    file if one is not there whole in the end.
    """
    hub = HfApi()
    with _naming_errors(f"{repo} at {revision}: cannot be downloaded from {hub.endpoint}"):
        commit = hub.dataset_info(repo, revision=revision).sha
        tree = hub.list_repo_tree(repo, repo_type="dataset", revision=commit, recursive=True)
        files = [one for one in tree if isinstance(one, RepoFile)]
    wanted = list(filter_repo_objects(files, allow_patterns=patterns, key=lambda one: one.path))
    leaving = [one.path for one in wanted if escapes_folder(one.path)]
    if leaving or not wanted:
        what = f"{leaving[0]!r} leads out of the folder" if leaving else f"no file matches {patterns}"
        raise ValueError(f"{repo} at {commit}: {what}; nothing was downloaded")
    n_bytes = sum(one.size for one in wanted)
    logger.info("%s at %s: %d files, %d bytes", repo, commit, len(wanted), n_bytes)
    with _naming_errors(f"{repo} at {commit}: cannot be downloaded from {hub.endpoint}"):
        snapshot_download(
            repo, repo_type="dataset", revision=commit, local_dir=folder, allow_patterns=patterns
        )
    for one in wanted:
        n_found = resolve_inside(folder, one.path).stat().st_size
        if n_found != one.size:
            raise ValueError(f"{repo} at {commit}: {one.path} has {n_found} bytes, not {one.size}; try again")
    return {"repo": repo, "revision": revision, "commit": commit, "n_files": len(wanted), "n_bytes": n_bytes}


@contextmanager
def _naming_errors(what):
    """Errors of the hub and of the network, of many kinds, say what they are about."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"{what}: {error}") from error
