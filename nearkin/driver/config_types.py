"""The keys of a resolved config and their types, section by section.

What each key means, its default and its limits are in workflow/schemas/config.schema.yaml; a test
compares the keys with it. Keys that may be missing have no default there.
"""

from typing import NotRequired, TypedDict

from nearkin.captions import settings as captions
from nearkin.finetune import recipe
from nearkin.groups.settings import NearDuplicateLimits, OversizedLimits
from nearkin.images import settings as images
from nearkin.labels.settings import SpellingLimits
from nearkin.splits import settings as splits


class SyntheticConfig(TypedDict):
    seed: int
    n_species: int
    largest_species: int
    image_size: int
    fault_rate: float


class DownloadConfig(TypedDict):
    repo: str
    revision: str
    patterns: list[str]


class SourceConfig(TypedDict):
    layout: str
    id: NotRequired[str]
    folder: NotRequired[str]
    follow_links: list[str]
    captions_table: str
    table: NotRequired[str]
    preset: NotRequired[str]
    columns: dict[str, str | list[str]]  # field of the images table: a column, a template, or several
    unlisted: str
    track_changes: bool
    download: DownloadConfig | None
    synthetic: SyntheticConfig


class InspectionConfig(TypedDict):
    max_megapixels: float


class LabelsConfig(TypedDict):
    taxonomy: str | None
    policies: dict[str, str]  # kind of defect: what happens to it
    spelling: SpellingLimits


class CaptionTableConfig(captions.CaptionColumns):
    path: str


class CaptionsConfig(TypedDict):
    priority: list[str]
    tables: list[CaptionTableConfig]
    templates: list[str]


class GroupsConfig(TypedDict):
    specimen: list[str]
    near_duplicates: NearDuplicateLimits | None
    oversized: OversizedLimits


class SplitConfig(splits.SplitSettings):
    previous: str | None
    use_source_split: bool


class DatasetConfig(TypedDict):
    source: SourceConfig
    inspection: InspectionConfig
    labels: LabelsConfig
    captions: CaptionsConfig
    groups: GroupsConfig
    split: SplitConfig


class PreprocessingConfig(images.Geometry):
    decode: str
    cache: bool


class FinetuneConfig(recipe.Recipe):
    base: str
    seed_group: str | None


class ModelConfig(TypedDict):
    """Either `library` or `finetune` is there; an external model has a `path` and no `preprocess`."""

    library: NotRequired[str]
    name: NotRequired[str]
    weights: NotRequired[str]
    seed: int
    path: NotRequired[str]
    preprocess: NotRequired[str]
    batch_size: int
    precision: str | None
    finetune: NotRequired[FinetuneConfig]


class ClustersConfig(TypedDict):
    model: str
    use_captions: bool
    n_clusters: int | None
    images_per_cluster: float | None
    seed: int


class SearchConfig(TypedDict):
    n_neighbours: int
    query_chunks: int
    exclude_same_group: bool
    protocols: list[str]


class RecallConfig(TypedDict):
    ks: list[int]
    bootstrap_samples: int
    seed: int


class ComparisonConfig(TypedDict):
    min_queries: int


class LeakageAuditConfig(TypedDict):
    model: str | None
    max_queries: int


class Config(TypedDict):
    """A study's config, as `resolve_config` returns it."""

    datasets: dict[str, DatasetConfig]
    models: dict[str, ModelConfig]
    clusters: dict[str, ClustersConfig]
    preprocessing: dict[str, PreprocessingConfig]
    compare: list[list[str]]
    shards: int
    encoder_threads: int
    gpus: int
    search: SearchConfig
    recall: RecallConfig
    comparison: ComparisonConfig
    leakage_audit: LeakageAuditConfig
