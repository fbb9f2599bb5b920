"""Check that results are what was made, byte for byte: `make verify CONFIG=config/config.yaml`.

Every file is compared with its checksum in `results/{dataset}/provenance.jsonl`. Then Snakemake says
whether the results are what this config and this code ask for; nothing is changed.
"""

import argparse
import sys
from pathlib import Path

import yaml

from nearkin.driver import provenance
from nearkin.driver.dry_run import run_dry
from nearkin.driver.explain import UNKNOWN, explain_run
from nearkin.driver.planned_jobs import parse_dry_run


def check_files(config_path: str | Path) -> int:
    """The number of files that were compared. Exits if there are none, or if one differs, naming it."""
    datasets = yaml.safe_load(Path(config_path).read_text(encoding="utf-8"))["datasets"]
    folders = [Path("results", name) for name in datasets if Path("results", name, provenance.NAME).exists()]
    if not folders:
        sys.exit(f"Nothing to verify: no results/*/{provenance.NAME} of the datasets in {config_path}")
    try:
        lines = [line for folder in folders for line in provenance.read_provenance(folder)]
    except ValueError as error:
        sys.exit(str(error))
    changed = provenance.list_changed(lines)
    if changed:
        print("These files are not what was made: copy them again, or remove them.")
        print("\n".join(changed))
        sys.exit(1)
    return len(lines)


def main() -> None:
    """Verify the results of a config's datasets; exits with status 1 if not all are what it would make."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--configfile", required=True)
    config_path = parser.parse_args().configfile
    print(f"{check_files(config_path)} files are what was made.")
    output = run_dry(config_path)
    if not parse_dry_run(output) and not UNKNOWN.search(output):
        print("All are what this config and this code would make.")
        return
    print("Snakemake does not know all of them as what this config and this code would make:")
    print(explain_run(output))
    sys.exit(1)


if __name__ == "__main__":
    main()
