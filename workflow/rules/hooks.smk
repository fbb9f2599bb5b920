"""What happens when a run begins and when it ends; no rules."""

# What rules are called here, or in the workflow of which this is a module.
named = workflow.modifier.modify_rulename
# What rules that check write, and the rules whose results they check.
CHECKS = {named("check_curation"): "curation.passed", named("check_results"): "checks.passed"}
CURATION_RULES = set(map(named, curation_warnings.CURATION_RULES))
UNCHECKED = {"describe_dataset", "write_audit", "write_report", "export_csv", "collect_resource_usage"}
UNCHECKED = set(map(named, UNCHECKED | {"plot_resource_usage"}))
PENDING = pending_results.PendingResults(
    mark=lambda path: workflow.persistence._mark_incomplete(path, None),
    unmark=lambda path: workflow.persistence._unmark_incomplete(path),
    marked=lambda paths: workflow.persistence._filter_incomplete_keys(paths),
)


def keep_records():
    """Write down next to the results how they were made, for `make verify`."""
    for dataset in config["datasets"]:
        if Path("results", dataset).is_dir():
            try:
                provenance.write_provenance(f"results/{dataset}", workflow.persistence._read_record)
            except OSError as error:
                print(f"make verify will not know all results of {dataset}: {error}", file=sys.stderr)


def begin_run():
    """Withdraw checks of what this run changes, and mark what it will make and all that depends on it."""
    if workflow.touch:
        return
    withdraw_checks()
    to_make = {
        str(file): [*map(str, job.input)] for job in workflow.dag.needrun_jobs() for file in job.output
    }
    existing = {
        path: record["input"] or []
        for folder in Path("results").glob("*/")
        for path, record in provenance.list_recorded(folder, workflow.persistence._read_record)
    }
    PENDING.mark_pending(to_make, existing)


def withdraw_checks():
    """Remove what says that all is well with results that this run changes.

    Where a run includes a check, Snakemake knows whether something behind it changes; elsewhere, any rule
    whose results it checks may.
    """
    jobs = {(job.rule.name, job.wildcards.get("dataset")) for job in workflow.dag.jobs}
    needed = {(job.rule.name, job.wildcards.get("dataset")) for job in workflow.dag.needrun_jobs()}
    for dataset in config["datasets"]:
        changing = {rule for rule, name in needed if name == dataset} - UNCHECKED
        for check, passed in CHECKS.items():
            checked = changing & CURATION_RULES if passed == "curation.passed" else changing
            if check in changing or (checked and (check, dataset) not in jobs):
                Path(f"results/{dataset}/{passed}").unlink(missing_ok=True)


def print_warnings():
    """Sum up what the curation of each dataset warned of, also in a run before this one."""
    for dataset in config["datasets"]:
        if lines := curation_warnings.summarise_warnings(dataset, SHARDS):
            print(f"The curation of {dataset} warns (all of it in logs/, by rule):", *lines, sep="\n  ")


onstart:
    begin_run()
    progress.add_eta(workflow.logger_manager.get_log_handlers())


onerror:
    PENDING.unmark_finished()
    keep_records()
    print_warnings()


onsuccess:
    PENDING.unmark_finished()
    keep_records()
    for dataset in config["datasets"]:
        for page in ("audit", "report"):
            if Path("results", dataset, f"{page}.html").exists():
                print(f"The {page} of {dataset}: results/{dataset}/{page}.html")
    print_warnings()


# Snakemake runs no such hooks of a module. A workflow with hooks of its own calls these from there.
if not workflow.modifier.is_main_snakefile():
    workflow._onstart = lambda log: onstart()
    workflow._onerror = lambda log: onerror()
    workflow._onsuccess = lambda log: onsuccess()
