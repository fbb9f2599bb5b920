"""How the improvement goes with the number of training images: a fitted curve with its interval."""

from collections.abc import Mapping

from nearkin.comparison import trend
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.scores import Differences
from nearkin.tables.trend import Trend


def fit_trend(
    differences_path: str, trend_path: str, *, bootstrap_samples: int, seed: int, metadata: Mapping[str, str]
) -> None:
    table = trend.fit_trend(
        tables.read(differences_path, Differences), bootstrap_samples=bootstrap_samples, seed=seed
    )
    tables.write(table, trend_path, Trend, **metadata)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        fit_trend(
            differences_path=snakemake.input.differences,
            trend_path=snakemake.output.trend,
            bootstrap_samples=snakemake.params.recall["bootstrap_samples"],
            seed=snakemake.params.recall["seed"],
            metadata=dict(snakemake.wildcards.items()),
        )
