# Nearkin's commands. `make help` lists them. Needs Python 3.11 or newer and make.

PYTHON ?= python3
CONFIG ?= config/config.yaml
CORES ?= $(shell nproc 2>/dev/null || echo 2)
FORCE ?=

BIN := .venv/bin
READY := .venv/complete
SNAKEMAKE := $(BIN)/python -m snakemake --configfile "$(CONFIG)" --cores $(CORES)

.DEFAULT_GOAL := help
.PHONY: help setup study curate explain status verify estimate test test-slow test-all unit mutants lint lock benchmark \
	docs-tables docs-figures clean-pixels

help: ## List these targets
	@echo "make TARGET [CONFIG=$(CONFIG)] [CORES=$(CORES)]"
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(READY) ## Create .venv from requirements.lock (done by itself when needed)

$(READY): requirements.lock
	@echo "Setting up .venv from requirements.lock: about 6 GB, a few minutes."
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Nearkin needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	rm -rf .venv  # not --clear, which empties the folder that a link leads to
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@touch $@

study: $(READY) ## Run a whole study; FORCE=FILE makes a file, and all that depends on it, again
	$(SNAKEMAKE) $(if $(FORCE),--forcerun $(FORCE))

curate: $(READY) ## Stop after gap-fixing and splits; no encoder needed
	$(SNAKEMAKE) curate

explain: $(READY) ## Say what a run would do, and why, without doing it; LAST=1: what the last run did
	@$(BIN)/python -m nearkin.driver.explain --configfile "$(CONFIG)" $(if $(LAST),--last)

status: $(READY) ## Say what is done, at work, failed and left, without running anything
	@$(BIN)/python -m nearkin.driver.status --configfile "$(CONFIG)"

verify: $(READY) ## Check every byte of the results, also copied ones, and whether a run would make them
	@$(BIN)/python -m nearkin.driver.verify --configfile "$(CONFIG)"

estimate: $(READY) ## Say what a run would take, at the rates of earlier runs, without doing it
	@$(BIN)/python -m nearkin.estimate --configfile "$(CONFIG)" --cores $(CORES)

test: $(READY) lint unit ## Check style and types; run unit tests and one small study (ten minutes)
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations 10 tests/workflow

test-all: test ## Run `make test`, then SLURM, conda, faults, browsers and whole studies (45 minutes)
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations 20 -m "full and not slow" tests

test-slow: $(READY) ## Run the tests that take hours: every rule fails in every way, every command
	$(BIN)/python -m pytest -m slow tests

lint: $(READY) ## Check style, types, directions of imports and rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/basedpyright
	$(BIN)/python -m snakemake --lint

unit: $(READY) ## Run unit tests and doctests only
	$(BIN)/python -m pytest -n 2 tests/unit nearkin --doctest-modules

mutants: $(READY) ## Break the core in every small way and see that a test notices (an hour on two cores)
	PYTHONPATH=. $(BIN)/python tests/mutants.py

clean-pixels: $(READY) ## Give the disk space of decoded images back
	$(BIN)/python -m nearkin.images.empty_cache

lock: ## Pin all dependencies again (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		--all-extras --upgrade --output-file requirements.lock pyproject.toml
	$(BIN)/python envs/pin.py

benchmark: $(READY) ## Measure search, embedding, scores and training next to peers, installed in .bench/ (75 minutes; QUICK=--quick tries it)
	PYTHONPATH=. $(BIN)/python benchmarks/neighbours.py $(QUICK)
	PYTHONPATH=. $(BIN)/python benchmarks/embedding.py $(QUICK)
	PYTHONPATH=. $(BIN)/python benchmarks/scaling_images.py $(QUICK)
	PYTHONPATH=. $(BIN)/python benchmarks/scoring.py $(QUICK)
	PYTHONPATH=. $(BIN)/python benchmarks/coverage.py $(QUICK)
	PYTHONPATH=. $(BIN)/python benchmarks/training.py $(QUICK)

docs-tables: $(READY) ## Write results/README.md from the table declarations
	PYTHONPATH=. $(BIN)/python docs/dictionary.py

docs-figures: $(READY) ## Draw the pictures of the docs again (after `make study`; needs graphviz and a browser)
	$(BIN)/python -m snakemake --rulegraph | tred | dot -Tsvg > docs/dag.svg
	$(BIN)/python docs/contact_sheet.py
	$(BIN)/python docs/report_picture.py
	cp results/museum/figures/recall.png docs/recall.png
