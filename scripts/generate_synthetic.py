"""A synthetic dataset with the layout and the faults of a real delivery."""

from nearkin.runtime.logs import setup_logging
from nearkin.synthetic.write_delivery import write_delivery


def generate_synthetic(
    folder: str,
    *,
    seed: int,
    n_species: int,
    largest_species: int,
    image_size: int,
    fault_rate: float,
    n_workers: int,
) -> None:
    write_delivery(
        folder,
        seed=seed,
        n_species=n_species,
        largest_species=largest_species,
        image_size=image_size,
        fault_rate=fault_rate,
        n_workers=n_workers,
    )


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    generate_synthetic(
        snakemake.output.folder,
        seed=snakemake.params.synthetic["seed"],
        n_species=snakemake.params.synthetic["n_species"],
        largest_species=snakemake.params.synthetic["largest_species"],
        image_size=snakemake.params.synthetic["image_size"],
        fault_rate=snakemake.params.synthetic["fault_rate"],
        n_workers=snakemake.threads,
    )
