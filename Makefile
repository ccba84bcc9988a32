# Two commands do everything on a machine with Python 3.11 or newer and make: `make demo` and `make test`.

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The first of these that runs and is new enough; `make PYTHON=/some/python setup` overrides it.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c '$(NEW_ENOUGH)' 2>/dev/null && { echo $$python; break; }; done)

# Tests start hundreds of processes. Where bytecode is not to be kept, each would compile the whole of Assayline anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo run test check bench bench-quality clean chromium

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

setup: $(STAMP) ## install into .venv, at the versions of constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ] || ! $(PYTHON) -c '$(NEW_ENOUGH)'; then \
		echo "Assayline needs Python 3.11 or newer, and none was found. Install it, or name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; \
		exit 1; fi
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
		echo "No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV) (a few minutes the first time)"
	@# Without build isolation, so that the build tool is pinned too.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt 'setuptools>=77'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-build-isolation --no-compile --editable '.[dev]'
	@# On every core, where pip compiles on one. Templates that are no Python are left as they are; what nobody imports
	@# (tests of packages, tables of telephone numbers by country) would be a quarter of it.
	@$(BIN)/python -m compileall -qq -j 0 -x 'site-packages/.*(/tests?/|numbers/(geo|carrier|tz)data/)' $(VENV)/lib || true
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

demo: setup ## start everything, send the sample data through the OTLP endpoint, print the address of the app
	$(BIN)/assay up --demo $(ARGS)

run: setup ## the same without sample data
	$(BIN)/assay up $(ARGS)

check: setup ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@# On two cores: without a cache one is busy for more than a minute.
	$(BIN)/mypy --num-workers 2 & types=$$!; $(BIN)/lint-imports; contracts=$$?; wait $$types && exit $$contracts

chromium: setup
	@.ci/chromium

# Files in the order of tests/conftest.py: by their number of tests the browser's, few and long, would come last and leave a core idle.
test: check chromium ## check, then every test; a summary closes it
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: setup ## every benchmark; figures are kept in benchmarks/RESULTS.md
	@status=0; for script in $$(ls benchmarks/[a-z]*.py); do \
		echo; echo "== $(BIN)/python $$script"; $(BIN)/python $$script || status=1; done; exit $$status

bench-quality: setup ## how good the evaluators are, on data that they were not made from, beside naive rules
	@status=0; for script in $$(ls benchmarks/quality_*.py); do \
		echo; echo "== $(BIN)/python $$script"; $(BIN)/python $$script || status=1; done; exit $$status

clean: ## remove the environment and caches; stored data stays
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
