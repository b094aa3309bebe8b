# `make run` serves a library, `make test` tests everything; both set themselves up. `make` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LIBRARY ?=
HOST ?= 127.0.0.1
PORT ?= 8000
SAMPLE := sample-library
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench lock clean gcs-server test-packages bench-packages

help: ## List what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/.installed ## Serve LIBRARY=folder (left out: a sample library that is drawn first) at HOST and PORT
	@if [ -z "$(LIBRARY)" ] && [ ! -d $(SAMPLE) ]; then $(BIN)/lenscat sample $(SAMPLE); fi
	@exec $(BIN)/lenscat serve "$(if $(LIBRARY),$(LIBRARY),$(SAMPLE))" --host $(HOST) --port $(PORT)

test: $(VENV)/.installed-dev $(VENV)-s3/.installed .azurite/.installed test-packages lint ## Check style, types and layers, then run every test
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.installed-dev ## Check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-bench bench-packages ## Measure, and write docs/benchmarks (BENCH="--quick" for a short run)
	$(BIN)/python -m benchmarks $(BENCH)

lock: ## Write constraints.txt anew from the newest versions that pyproject.toml allows
	rm -rf $(VENV)-lock
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet '.[dev,bench]'
	$(VENV)-lock/bin/python -m pip freeze --exclude lenscat-backend | grep -E '^[A-Za-z0-9._-]+==' > constraints.txt
	rm -rf $(VENV)-lock

clean: ## Remove the virtual environment, caches and the sample library
	rm -rf $(VENV) $(VENV)-lock $(VENV)-s3 $(VENV)-gcs .azurite $(SAMPLE) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Lenscat needs Python 3.11 or newer; '$(PYTHON)' is older. Say which to use: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "A virtual environment cannot be made: on Debian, 'apt-get install python3-venv' first." >&2; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --constraint constraints.txt --editable '.[bench]'
	@touch $@ $(VENV)/.installed

# An S3 server for the tests, apart because it pins libraries of its own
$(VENV)-s3/.installed: tests/s3/constraints.txt | $(BIN)/python
	$(PYTHON) -m venv $(VENV)-s3
	$(VENV)-s3/bin/python -m pip --disable-pip-version-check --quiet install --constraint tests/s3/constraints.txt ministack
	@touch $@

# A server for the tests of Google's store, which are left out without it: 'make gcs-server'
gcs-server: $(VENV)-gcs/.installed ## Install the server that the tests of Google's store need
$(VENV)-gcs/.installed: tests/gcs/requirements.txt | $(BIN)/python
	@$(PYTHON) -m venv $(VENV)-gcs
	@if $(VENV)-gcs/bin/python -m pip --disable-pip-version-check --quiet install --only-binary :all: --requirement $<; \
	  then touch $@; else echo "The tests of Google's store are left out: their server is not made for this machine." >&2; fi

# A server for the tests of Azure's store, which are left out where Node.js is not installed
.azurite/.installed: tests/azure/package.json tests/azure/package-lock.json
	@mkdir -p .azurite
	@if command -v node >/dev/null && command -v npm >/dev/null; then \
	  cp $^ .azurite/; \
	  if npm ci --prefix .azurite --ignore-scripts --no-audit --no-fund --loglevel=error; then touch $@; \
	  else echo "The tests of Azure are left out: npm did not install their server." >&2; fi; \
	else echo "The tests of Azure are left out: install nodejs and npm to run them." >&2; fi

test-packages: PACKAGES := chromium ceph-mon ceph-osd radosgw ceph-common
test-packages: PROGRAMS := chromium ceph-mon ceph-osd radosgw ceph
bench-packages: PACKAGES := nginx-light wrk ceph-mon ceph-osd radosgw ceph-common
bench-packages: PROGRAMS := nginx wrk ceph-mon ceph-osd radosgw ceph
test-packages bench-packages:
	@missing=; for program in $(PROGRAMS); do \
	  command -v $$program >/dev/null || [ -x /usr/sbin/$$program ] || missing=1; done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES) >/dev/null; \
	  else \
	    echo "Some programs are missing. Install them with: sudo apt-get install $(PACKAGES)" >&2; exit 1; \
	  fi; \
	fi
