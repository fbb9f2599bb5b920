"""The schema of the config."""

from pathlib import Path

import yaml

SCHEMA = yaml.safe_load(
    (Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8")
)
