# `make` lists what there is. Everything runs from .venv, which `make setup` builds from the lock files.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input

HOST ?= 127.0.0.1
PORT ?= 8080
SMTP_PORT ?= 1025

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## make .venv from the lock files (nothing to do when nothing changed)

# The stamp holds a fingerprint, not only a time: a fresh checkout of the same files does nothing.
FINGERPRINT := cat pyproject.toml requirements-dev.lock | sha256sum | cut -d ' ' -f 1
$(STAMP): pyproject.toml requirements-dev.lock
	@want="$$($(FINGERPRINT)) $(CURDIR)"; \
	if [ -x $(BIN)/python ] && [ "$$(cat $(STAMP) 2>/dev/null)" = "$$want" ]; then touch $(STAMP); exit 0; fi; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "tocsin needs Python 3.11 or newer" >&2; exit 1; }; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "missing: apt-get install python3-venv" >&2; exit 1; }; \
	[ -x $(BIN)/python ] || { echo "setup 1/3: virtual environment"; $(PYTHON) -m venv $(VENV); }; \
	echo "setup 2/3: locked packages"; \
	$(PIP) install --root-user-action ignore --no-deps --require-hashes -r requirements-dev.lock; \
	echo "setup 3/3: tocsin itself"; \
	$(PIP) install --root-user-action ignore --no-deps --no-build-isolation -e .; \
	echo "$$want" > $(STAMP); \
	echo "setup: ready ($(BIN)/tocsin)"

.PHONY: run
run: setup ## serve a copy of examples/acme with a mailbox (HOST= PORT= SMTP_PORT=)
	@exec $(BIN)/tocsin demo --host $(HOST) --port $(PORT) --smtp-port $(SMTP_PORT)

.PHONY: check
check: setup ## format, lint, types, import contracts
	@echo "check 1/4: format"; $(BIN)/ruff format --quiet --check .
	@echo "check 2/4: lint"; $(BIN)/ruff check --quiet .
	@echo "check 3/4: types"; $(BIN)/mypy --no-error-summary src
	@echo "check 4/4: import contracts"; $(BIN)/lint-imports --cache-dir var/import-linter

.PHONY: format
format: setup ## rewrite the sources as `check` wants them
	@$(BIN)/ruff check --quiet --fix .; $(BIN)/ruff format .

# Debian packages that tests use: a browser (never a downloaded build), and a library that sets the clock of one
# process. Without them the tests that need them are skipped, and say so.
TEST_PACKAGES := chromium fonts-liberation libfaketime
.PHONY: packages
packages:
	@if command -v chromium >/dev/null && ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "test: installing $(TEST_PACKAGES)"; \
	  export DEBIAN_FRONTEND=noninteractive PATH="/usr/sbin:/sbin:$$PATH"; \
	  apt-get -qq update && apt-get -qq -y --no-install-recommends install $(TEST_PACKAGES) >/dev/null 2>&1 && exit 0; \
	fi; \
	printf '%s\n' '' '  *** MISSING PACKAGES: apt-get install $(TEST_PACKAGES)' \
	  '  *** the tests that need them will be SKIPPED' '' >&2

# ARGS= is handed to pytest: make test ARGS='-k declare'
ARGS ?=
.PHONY: test
test: setup packages ## the whole suite: SQLite, PostgreSQL, browser (ARGS= for pytest)
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

.PHONY: soak
soak: setup packages ## the long tests that `test` leaves out
	@$(BIN)/python -m pytest -m soak tests $(ARGS)

.PHONY: bench
bench: setup ## load generators and the benchmark table
	@$(BIN)/python -m bench $(ARGS)

.PHONY: docs
docs: setup ## check that the reference names everything there is, and that links lead somewhere
	@$(BIN)/python -m pytest -q tests/test_docs.py

# Pins stay as they are unless they must move; `make lock UPGRADE=--upgrade` takes the newest of everything.
UPGRADE ?=
COMPILE := var/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-header --no-annotate $(UPGRADE)
.PHONY: lock
lock: ## write both lock files anew from pyproject.toml
	@[ -x var/uv/bin/uv ] || { $(PYTHON) -m venv var/uv && var/uv/bin/python -m pip -qq --disable-pip-version-check install uv; }
	@$(COMPILE) --group build pyproject.toml -o requirements.lock
	@$(COMPILE) --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@! grep -nE '(https?|file)://' requirements.lock requirements-dev.lock

.PHONY: clean
clean: ## remove .venv, caches and var/
	@rm -rf $(VENV) var dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .import_linter_cache htmlcov .coverage
	@find src tests bench examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
