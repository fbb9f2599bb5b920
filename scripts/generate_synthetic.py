"""A synthetic dataset with the layout and the faults of a real delivery."""

from nearkin.runtime.logs import setup_logging
from nearkin.synthetic.write_delivery import write_delivery

if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    write_delivery(snakemake.output.folder, **snakemake.params.synthetic, n_workers=snakemake.threads)
