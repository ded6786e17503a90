# Two commands: `make demo` and `make test`. Both make the environment first, show progress, and can be run again.
# Needs Python 3.11+, make and git; everything else is installed into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The first Python that is new enough; override with PYTHON=/path/to/python3.12.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
VENV ?= .venv
# `cuda` installs the GPU build of torch, several gigabytes; `cpu` makes sure that it is not pulled by accident.
TORCH ?= cpu
# Extras of pyproject.toml to install as well: s3, gcs, azure, postgres; several with commas.
EXTRAS ?=
BIN := $(VENV)/bin

# Which model the demo asks: `embedded`, or `scripted` (no weights, no network).
MODEL ?= embedded
DEMO_HOME ?= demo
PYTEST ?= $(BIN)/python -m pytest
# Processes for the fast tests: one for each core, at most four. The slow ones start processes of their own and run alone.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n > 4 ? 4 : n)))
FAST = OMP_NUM_THREADS=1 $(PYTEST) -q -n $(WORKERS) --dist loadfile -m "not slow and not browser and not model"

export DO_NOT_TRACK := 1
export ORT_DISABLE_TELEMETRY := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false

.PHONY: help demo test test-fast lint format types install install-dev browsers pin clean distclean python

help: ## this list
	@echo "parquetry: documents laid into Parquet"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14 | sed 's/^/  make /'

python:
	@[ -n "$(PYTHON)" ] || { echo "parquetry needs Python 3.11 or newer, and none is on the PATH." >&2; \
	  echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python)," >&2; \
	  echo "or name it: PYTHON=/path/to/python3.12 make ..." >&2; exit 1; }

install: python ## the environment in .venv, without development tools
	@"$(PYTHON)" scripts/setup_env.py --venv "$(VENV)" --torch "$(TORCH)" --extras "$(EXTRAS)"

install-dev: python
	@"$(PYTHON)" scripts/setup_env.py --venv "$(VENV)" --torch "$(TORCH)" --extras dev

demo: install ## the main job on the sample documents; results in demo/
	@$(BIN)/python scripts/demo.py --model "$(MODEL)" --home "$(DEMO_HOME)"

test: install-dev browsers lint types ## everything that must be green: lint, types, all tests
	@echo "== tests: fast"
	@$(FAST)
	@echo "== tests: slow, browser, model"
	@$(PYTEST) -q -m "slow or browser or model"

test-fast: install-dev ## the fast tests only
	@$(FAST)

lint: install-dev ## ruff, import directions, module lengths
	@echo "== ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "== import directions"
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python scripts/check_modules.py

types: install-dev ## mypy --strict
	@echo "== types"
	@$(BIN)/mypy

format: install-dev ## put the code into the house format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

browsers:
	@"$(PYTHON)" scripts/check_programs.py

pin: install-dev ## write constraints.txt from the environment
	@$(BIN)/python scripts/pin.py

clean: ## remove what runs and tests left behind
	@rm -rf "$(DEMO_HOME)" build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## the same, and the environment
	@rm -rf "$(VENV)"
