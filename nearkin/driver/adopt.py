"""Take over results that were copied into this clone: `make adopt CONFIG=config/config.yaml`.

Every file is compared with its checksum in `results/{dataset}/provenance.jsonl`; if one differs,
nothing is adopted. Then Snakemake gets its records of parameters and inputs back, and decides from
them whether the results are what this config and this code ask for.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml
from snakemake.persistence import MetadataRecord
from snakemake.persistence.file import FilePersistence

from nearkin.driver import provenance
from nearkin.driver.dry_run import run_dry
from nearkin.driver.explain import UNKNOWN, explain_dry_run
from nearkin.driver.planned_jobs import parse_dry_run


def list_copied(config_path: str | Path) -> list[provenance.Line]:
    """The lines about the results of a config's datasets. Exits if there are none, or if files differ."""
    datasets = yaml.safe_load(Path(config_path).read_text(encoding="utf-8"))["datasets"]
    folders = [Path("results", name) for name in datasets if Path("results", name, provenance.NAME).exists()]
    if not folders:
        sys.exit(f"Nothing to adopt: no results/*/{provenance.NAME} of the datasets in {config_path}")
    try:
        lines = [line for folder in folders for line in provenance.read_provenance(folder)]
    except ValueError as error:
        sys.exit(f"Nothing was adopted. {error}")
    changed = provenance.list_changed(lines)
    if changed:
        print("Nothing was adopted. These files are not what was made: copy them again, or remove them.")
        print("\n".join(changed))
        sys.exit(1)
    return lines


def adopt_results(lines: Iterable[provenance.Line]) -> None:
    """Restore Snakemake's records of copied files, and the dates of the files."""
    persistence = FilePersistence(path=Path(".snakemake"))
    if any(persistence._read_locks()):
        sys.exit("Nothing was adopted: a run is active here, or was killed (then: snakemake --unlock)")
    for line in lines:
        persistence._write_record(line["path"], MetadataRecord.model_validate(line["record"]))
    provenance.restore_mtimes(lines)


def main() -> None:
    """Adopt the results of a config's datasets; exits with status 1 if not all are what it would make."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--configfile", required=True)
    config_path = parser.parse_args().configfile
    lines = list_copied(config_path)
    adopt_results(lines)
    print(f"{len(lines)} files are what was made.")
    output = run_dry(config_path)
    if parse_dry_run(output):
        print("Not all are what this clone would make: other settings, code or inputs made them. So")
    elif UNKNOWN.search(output):
        print("Not all are known: remove those that you do not trust.")
    else:
        print("All are adopted.")
        return
    print(explain_dry_run(output))
    sys.exit(1)


if __name__ == "__main__":
    main()
