# Everything a developer or CI does, by name. `make` alone says what there is.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# The first Python on the PATH that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
WORKERS ?= 2
ARGS ?=
# Exit code 5 says that a folder has no test yet.

NONE_IS_FINE := || [ $$? -eq 5 ]

.PHONY: help
help: ## Say what there is.
	@echo "make TARGET"; echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | while IFS=$$'\t' read -r target what; do \
		printf '  %-12s %s\n' "$$target" "$$what"; done

.PHONY: setup
setup: ## Make or refresh .venv from constraints.txt; the command is then .venv/bin/leeward.
	@[ -n "$(PYTHON)" ] || { echo "leeward needs Python 3.11 or newer on the PATH, or PYTHON=/path/to/it" >&2; exit 1; }
	@$(PYTHON) .ci/setup.py

.PHONY: check
check: setup ## Under a minute: format, lint, types, import contracts, house rules, unit tests.
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(BIN)/pytest tests/house tests/unit -n $(WORKERS) $(ARGS)

.PHONY: test
test: setup ## All tests: real servers, the simulator, and whole runs of the sandbox (up to 20 minutes).
	$(BIN)/pytest tests --ignore tests/e2e --ignore tests/benchmarks -n $(WORKERS) --dist loadgroup $(ARGS)
	$(BIN)/pytest tests/e2e $(ARGS) $(NONE_IS_FINE)

.PHONY: servers
servers: setup ## Only the tests against real servers.
	$(BIN)/pytest tests/contract tests/servers -n $(WORKERS) --dist loadgroup $(ARGS) $(NONE_IS_FINE)

.PHONY: demo
demo: setup ## Bring up a four-region shop, kill a region under load, and show what users saw.
	$(BIN)/leeward demo $(ARGS)

.PHONY: bench
bench: setup ## All benchmarks, each beside its peer in the same run.
	$(BIN)/python -m tests.benchmarks $(ARGS)

.PHONY: sim
sim: setup ## Every shipped scenario, in the simulator.
	$(BIN)/leeward simulate $$(find policies -path '*/scenarios/*.yaml' | sort) --policies policies/shop $(ARGS)

.PHONY: drills
drills: setup ## Every shipped drill, against the sandbox.
	for drill in $$(find runbooks/drills -name '*.yaml' | sort); do $(BIN)/leeward drill run "$$drill" $(ARGS); done

.PHONY: docs
docs: setup ## Run what the documentation shows, and check its links.
	$(BIN)/pytest tests/house/test_documentation.py -q $(ARGS)

.PHONY: format
format: setup ## Put the tree in its format and mend what ruff can mend.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: constraints
constraints: ## Resolve pyproject.toml anew into constraints.txt (ARGS=--upgrade: the newest of everything).
	$(PYTHON) .ci/setup.py --compile $(ARGS)

.PHONY: clean
clean: ## Remove what can be made again; .venv stays.
	rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
