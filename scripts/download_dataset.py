"""A dataset from the Hugging Face hub, and a record of what was downloaded."""

import json
from collections.abc import Sequence

from nearkin.runtime.logs import setup_logging
from nearkin.sources import huggingface
from nearkin.sources.folder_digest import digest_folder
from nearkin.storage.atomic import write_text


def download_dataset(
    folder: str,
    record_path: str,
    *,
    repo: str,
    revision: str,
    patterns: Sequence[str],
    trusted: Sequence[str] = (),
) -> None:
    record = huggingface.download(folder, repo, revision=revision, patterns=patterns)
    record["digest"] = digest_folder(folder, trusted)
    write_text(record_path, json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    download_dataset(
        folder=snakemake.params.folder,
        record_path=snakemake.output.record,
        trusted=snakemake.params.trusted,
        **snakemake.params.download,
    )
