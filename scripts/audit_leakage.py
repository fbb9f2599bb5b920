"""What a split that ignores groups would have done to the recall."""

from collections.abc import Mapping, Sequence

import torch

from nearkin.embeddings.load import read_vectors
from nearkin.embeddings.shard_index import read_index
from nearkin.evaluation import leakage
from nearkin.runtime.logs import setup_logging
from nearkin.runtime.named_paths import NamedPaths
from nearkin.splits.settings import SplitSettings
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.labels import Labels
from nearkin.tables.leakage import LeakageAudit
from nearkin.tables.splits import Splits
from nearkin.vocabulary import LEVELS


def audit_leakage(
    inputs: NamedPaths,
    leakage_path: str,
    *,
    split_settings: SplitSettings,
    max_queries: int,
    ks: Sequence[int],
    bootstrap_samples: int,
    seed: int,
    threads: int,
    metadata: Mapping[str, str],
) -> None:
    """`inputs` holds the rule's paths by name."""
    torch.set_num_threads(threads)
    labels = tables.read(inputs.labels, Labels, ["uuid", *LEVELS])
    splits = tables.read(inputs.splits, Splits)
    paths, fingerprint = read_index(inputs.shards)
    vectors = read_vectors(paths, splits["uuid"])
    table = leakage.audit_leakage(
        labels,
        splits,
        vectors_of=lambda wanted: vectors[splits["uuid"].search_sorted(wanted)],
        split_settings=split_settings,
        max_queries=max_queries,
        ks=ks,
        bootstrap_samples=bootstrap_samples,
        seed=seed,
    )
    tables.write(table, leakage_path, LeakageAudit, fingerprint=fingerprint, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        audit_leakage(
            snakemake.input,
            snakemake.output.leakage,
            split_settings=snakemake.params.split_settings,
            max_queries=snakemake.params.max_queries,
            **snakemake.params.recall,
            threads=snakemake.threads,
            metadata={"dataset": snakemake.wildcards.dataset, "model": snakemake.params.model},
        )
