"""The small tables as CSV, next to them."""

import logging
from collections.abc import Sequence

from nearkin.runtime.logs import setup_logging
from nearkin.storage import csv_export, parquet
from nearkin.storage.lineage import trace_inputs


def export_csv(table_paths: Sequence[str], csv_paths: Sequence[str]) -> None:
    for table, csv in zip(table_paths, csv_paths, strict=True):
        frame = parquet.read_parquet(table)
        csv_export.write_csv(frame, csv)
        logging.info("wrote %d rows to %s", len(frame), csv, extra={"counts": {"rows out": len(frame)}})


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        export_csv(table_paths=snakemake.input.tables, csv_paths=list(snakemake.output))
