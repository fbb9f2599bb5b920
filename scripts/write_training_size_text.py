"""The analysis by training size, as text."""

from nearkin.report import training_size_text
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.atomic import write_text
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.dataset_statistics import TrainingSize


def write_training_size_text(sizes_path: str, text_path: str, *, model: str, min_queries: int) -> None:
    sizes = tables.read(sizes_path, TrainingSize)
    write_text(
        text_path, training_size_text.format_training_size(sizes, model=model, min_queries=min_queries)
    )


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        write_training_size_text(
            sizes_path=snakemake.input.sizes,
            text_path=snakemake.output.text,
            model=snakemake.params.model,
            min_queries=snakemake.params.min_queries,
        )
