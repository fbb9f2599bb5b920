"""The curation scripts in sequence on a delivered folder, with the config's defaults."""

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
    "label_changes",
    "captions",
    "curation_log",
    "groups",
    "groups_to_review",
]


def curate(folder, out, *, layout="vlm4bio", table=None, unlisted="quarantine", groups=None):
    """The paths of the tables that the scripts write into `out`, by name; `groups` replaces defaults."""
    config, shared = defaults(), {"dataset": "d"}
    paths = {name: out / f"{name}.parquet" for name in TABLES}
    inspections = [out / f"inspection{shard}.parquet" for shard in range(2)]
    source = {"source_id": "d", "captions_table": "vlm4bio_captions.csv", "table": table}
    source |= {"track_changes": True, "planned_digest": None}
    list_images(folder, paths["images"], layout=layout, unlisted=unlisted, **source, **shared)
    max_megapixels = config["inspection"]["max_megapixels"]
    for shard, path in enumerate(inspections):
        inspect_images(
            paths["images"],
            path,
            folder=folder,
            shard=shard,
            n_shards=2,
            max_megapixels=max_megapixels,
            **shared,
        )
    clean_labels(
        paths["images"],
        inspections,
        paths["labels"],
        paths["quarantine"],
        paths["label_changes"],
        policies=config["labels"]["policies"],
        spelling=config["labels"]["spelling"],
        taxonomy_path=None,
        **shared,
    )
    input_paths = [paths[name] for name in ("images", "labels", "label_changes")]
    complete_captions(
        *input_paths, [], paths["captions"], paths["curation_log"], **config["captions"], **shared
    )
    group_images(
        paths["images"],
        paths["labels"],
        inspections,
        [],
        paths["groups"],
        paths["groups_to_review"],
        **(config["groups"] | (groups or {})),
        **shared,
    )
    return paths
