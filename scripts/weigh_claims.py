"""The claims about a base and a trained model, each with its evidence."""

from nearkin.claims import weighing
from nearkin.lineage import traced
from nearkin.logs import log_to
from nearkin.tables import io
from nearkin.tables.claims import Claims
from nearkin.tables.scores import Differences, Recall


def weigh_claims(base_path, trained_path, differences_path, claims_path, *, base, trained, k, stamps):
    recalls = {base: io.read(base_path, Recall), trained: io.read(trained_path, Recall)}
    claims = weighing.weighed(recalls, io.read(differences_path, Differences), k=k)
    io.write(claims, claims_path, Claims, **stamps)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    with traced(snakemake.input):
        weigh_claims(
            base_path=snakemake.input.base,
            trained_path=snakemake.input.trained,
            differences_path=snakemake.input.differences,
            claims_path=snakemake.output.claims,
            base=snakemake.wildcards.base,
            trained=snakemake.wildcards.trained,
            k=snakemake.params.k,
            stamps=dict(snakemake.wildcards.items()),
        )
