"""The improvement per species and per genus, by category."""

from nearkin.figures import improvement, theme
from nearkin.runtime.logs import setup_logging
from nearkin.storage import tables
from nearkin.storage.lineage import trace_inputs
from nearkin.tables.scores import Differences


def plot_improvement(
    differences_path: str,
    species_svg_path: str,
    species_png_path: str,
    genus_svg_path: str,
    genus_png_path: str,
    *,
    base: str,
    trained: str,
    protocol: str,
    k: int,
) -> None:
    differences = tables.read(differences_path, Differences)
    names = {"base": base, "trained": trained, "protocol": protocol, "k": k}
    for level, svg_path, png_path in [
        ("species", species_svg_path, species_png_path),
        ("genus", genus_svg_path, genus_png_path),
    ]:
        theme.save(improvement.plot_improvement(differences, level=level, **names), svg_path, png_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input):
        plot_improvement(
            differences_path=snakemake.input.differences,
            species_svg_path=snakemake.output.species_svg,
            species_png_path=snakemake.output.species_png,
            genus_svg_path=snakemake.output.genus_svg,
            genus_png_path=snakemake.output.genus_png,
            base=snakemake.params.base,
            trained=snakemake.params.trained,
            protocol=snakemake.params.protocol,
            k=snakemake.params.k,
        )
