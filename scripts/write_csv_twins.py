"""CSV twins of the small tables, beside them."""

import logging

import polars as pl

from nearkin.logs import log_to
from nearkin.tables import twins


def write_csv_twins(table_paths, csv_paths):
    for table, csv in zip(table_paths, csv_paths, strict=True):
        frame = pl.read_parquet(table)
        twins.write(frame, csv)
        logging.info("wrote %d rows to %s", len(frame), csv)


if __name__ == "__main__":
    log_to(snakemake.log[0])
    write_csv_twins(table_paths=snakemake.input.tables, csv_paths=snakemake.output)
