"""The claims about a base and a trained model, each with its evidence."""

from collections.abc import Mapping

from nearkin.claims import evaluate
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.claims import Claims
from nearkin.tables.scores import Differences, Metrics


def evaluate_claims(
    base_path: str,
    trained_path: str,
    differences_path: str,
    claims_path: str,
    *,
    base: str,
    trained: str,
    k: int,
    metadata: Mapping[str, str],
) -> None:
    recalls = {base: tables.read(base_path, Metrics), trained: tables.read(trained_path, Metrics)}
    claims = evaluate.evaluate_claims(recalls, tables.read(differences_path, Differences), k=k)
    tables.write(claims, claims_path, Claims, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        evaluate_claims(
            base_path=snakemake.input.base,
            trained_path=snakemake.input.trained,
            differences_path=snakemake.input.differences,
            claims_path=snakemake.output.claims,
            base=snakemake.wildcards.base,
            trained=snakemake.wildcards.trained,
            k=snakemake.params.k,
            metadata=dict(snakemake.wildcards.items()),
        )
