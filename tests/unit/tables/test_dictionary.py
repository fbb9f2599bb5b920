"""The data dictionary matches the table declarations."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_results_readme_is_up_to_date():
    spec = importlib.util.spec_from_file_location("dictionary", ROOT / "docs/dictionary.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = module.dictionary()
    assert (ROOT / "results/README.md").read_text(encoding="utf-8") == text, "run `make docs-tables`"
    for _, _, schema in module.TABLES:
        assert all(column.description for column in schema.columns().values())
