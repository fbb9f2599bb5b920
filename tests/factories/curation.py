"""The five curation scripts in a row on a delivered folder, with the config's defaults."""

from scripts.clean_labels import clean_labels
from scripts.complete_captions import complete_captions
from scripts.group_images import group_images
from scripts.inspect_images import inspect_images
from scripts.list_images import list_images
from tests.factories.delivery import defaults

TABLES = [
    "images",
    "labels",
    "quarantine",
    "repairs",
    "captions",
    "curation_log",
    "groups",
    "doubtful_groups",
]


def curate(folder, out, *, layout="vlm4bio", table=None, unlisted="quarantine", groups=None):
    """The paths of the tables that the scripts write into `out`, by name; `groups` replaces defaults."""
    config, common = defaults(), {"dataset": "d"}
    paths = {name: out / f"{name}.parquet" for name in TABLES}
    inspections = [out / f"inspection{shard}.parquet" for shard in range(2)]
    source = {"source_id": "d", "captions_table": "vlm4bio_captions.csv", "table": table}
    source |= {"track_changes": True, "planned_digest": None}
    list_images(folder, paths["images"], layout=layout, unlisted=unlisted, **source, **common)
    limit = config["inspection"]["max_megapixels"]
    for shard, path in enumerate(inspections):
        inspect_images(
            paths["images"], path, folder=folder, shard=shard, n_shards=2, max_megapixels=limit, **common
        )
    clean_labels(
        paths["images"],
        inspections,
        paths["labels"],
        paths["quarantine"],
        paths["repairs"],
        policies=config["labels"]["policies"],
        spelling=config["labels"]["spelling"],
        taxonomy_path=None,
        **common,
    )
    before = [paths[name] for name in ("images", "labels", "repairs")]
    complete_captions(*before, [], paths["captions"], paths["curation_log"], **config["captions"], **common)
    group_images(
        paths["images"],
        paths["labels"],
        inspections,
        [],
        paths["groups"],
        paths["doubtful_groups"],
        **(config["groups"] | (groups or {})),
        **common,
    )
    return paths
