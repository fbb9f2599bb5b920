"""Weights and description of a model that is taken as it is."""

from nearkin.encoders.encoder import save_encoder
from nearkin.encoders.prepare import ModelSettings, build_encoder
from nearkin.images.settings import Geometry
from nearkin.runtime.logs import setup_logging
from nearkin.storage.lineage import trace_inputs


def prepare_encoder(
    weights_path: str, description_path: str, *, model: ModelSettings, geometry: Geometry
) -> None:
    tower, description = build_encoder(model, geometry)
    save_encoder(tower, description, weights_path, description_path)


if __name__ == "__main__":
    setup_logging(snakemake.log[0])
    with trace_inputs(snakemake.input, outside=snakemake.params.outside):
        prepare_encoder(
            weights_path=snakemake.output.weights,
            description_path=snakemake.output.description,
            model=snakemake.params.model,
            geometry=snakemake.params.geometry,
        )
