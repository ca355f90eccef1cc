# make book | chapter NAME=survival | test | test-all | check | bench | bench-server | lab | clean | lock.
# Needs Python 3.11 or later, git and make; paths may hold spaces.

SHELL := /bin/sh
SOURCE ?=
DEMO := data/demo
TABLES := data/tables
FRESH := _build/fresh
BIN := .venv/bin
LOCK_BEFORE ?= 2026-11-19
STAMP := .venv/installed
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest -q -n $(WORKERS)
INNER = $(PYTEST) -m "not outer" --dist worksteal

export JUPYTER_PREFER_ENV_PATH := 1
export PYTHONUTF8 := 1
export PYTHONNOUSERSITE := 1
export PYTHONDONTWRITEBYTECODE := # empty: compiled modules are kept, so that the many processes start quickly
export IPYTHONDIR := $(CURDIR)/_build/ipython

NAME ?=

.PHONY: book settings chapter demo pull site test test-adapters test-analysis test-book test-outer test-all check fix \
	bench bench-server lab clean lock
.DEFAULT_GOAL := book

# Fetch and build are two steps: a pull that fails leaves the last tables and the last site alone.
book: settings pull
	@$(MAKE) --no-print-directory site
	@echo "The book is ready: _build/html/index.html"

# A wrong study.toml ends the book before anything is pulled.
settings: $(STAMP)
	$(BIN)/python -m analysis check

demo: $(STAMP)
	$(BIN)/python -m adapters demo --out $(DEMO)

ifeq ($(strip $(SOURCE)),)
pull: demo
	$(BIN)/python -m adapters pull $(DEMO) --out $(TABLES)
else
pull: $(STAMP)
	$(BIN)/python -m adapters pull "$(SOURCE)" --out $(TABLES)
endif

# From an empty folder; the last site is replaced only by a whole new one.
site: $(STAMP)
	$(BIN)/python -m analysis check --tables
	rm -rf $(FRESH)
	$(BIN)/jupyter-book build . --path-output $(FRESH) -W -n --keep-going --all
	$(BIN)/python -m analysis results --out $(FRESH)/_build/html/results.json
	$(BIN)/python -m adapters.contract.replace_folder $(FRESH)/_build/html _build/html
	rm -rf _build/doctrees _build/jupyter_execute
	mv $(FRESH)/_build/.doctrees _build/doctrees
	mv $(FRESH)/_build/jupyter_execute _build/jupyter_execute
	rm -rf $(FRESH)

# One page anew, into the site that is there: make chapter NAME=survival
chapter: $(STAMP)
	$(BIN)/python -m analysis chapter "$(NAME)"

# The inner ring: no second program, no book. Neighbouring tests share fixtures, so each worker gets a run of neighbours.
test: $(STAMP)
	$(INNER)

test-adapters: $(STAMP)
	$(INNER) tests/adapters

test-analysis: $(STAMP)
	$(INNER) tests/analysis

test-book: $(STAMP)
	$(INNER) tests/book tests/study

# The outer ring: books, browser, FHIR server, R, and what takes long. It looks at the site in _build/html if BOOK_SITE says so.
test-outer: $(STAMP)
	$(PYTEST) -m outer --dist loadgroup

test-all: $(STAMP)
	$(MAKE) --no-print-directory book SOURCE=
	$(MAKE) --no-print-directory test
	BOOK_SITE=_build/html $(MAKE) --no-print-directory test-outer

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory test-all

fix: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	@for bench in benchmarks/*.py; do echo "== $$bench"; $(BIN)/python "$$bench" || exit 1; done

# Needs a JDK, Maven and the package index: starts a FHIR server, and FHIR-PYrate in an environment of its own.
bench-server: $(STAMP)
	$(BIN)/python benchmarks/server

lab: $(STAMP)
	$(BIN)/python -m analysis lab
	$(BIN)/jupyter lab --notebook-dir chapters

clean:
	rm -rf _build $(DEMO) chapters/assets/vendor .pytest_cache .ruff_cache .mypy_cache .hypothesis

# Only packages that have been public for two weeks: a bad release is usually withdrawn by then. Move the date first.
lock: $(STAMP)
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate \
		--exclude-newer $(LOCK_BEFORE) --all-extras pyproject.toml --output-file requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@found=; for python in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11 python3 python; do \
		if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; then \
			found="$$python"; break; fi; done; \
	if [ -z "$$found" ]; then echo "Python 3.11 to 3.14 is needed: make PYTHON=/path/to/python3.11" >&2; exit 2; fi; \
	"$$found" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $(STAMP)
