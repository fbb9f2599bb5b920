"""The comparison in the printed form of the reference study."""

from nearkin.report import reference_format
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.atomic import write_text
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.scores import Metrics


def write_reference_comparison(
    base_path: str, trained_path: str, text_path: str, *, protocol: str, k: int
) -> None:
    base, trained = tables.read(base_path, Metrics), tables.read(trained_path, Metrics)
    write_text(text_path, reference_format.format_comparison(base, trained, protocol=protocol, k=k))


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        write_reference_comparison(
            base_path=snakemake.input.base_recall,
            trained_path=snakemake.input.trained_recall,
            text_path=snakemake.output.text,
            protocol=snakemake.params.protocol,
            k=snakemake.params.k,
        )
