# make book | test | check | bench | bench-server | lab | clean | lock. Needs Python 3.11 or later, git and make; paths may hold spaces.

SHELL := /bin/sh
SOURCE ?=
DEMO := data/demo
TABLES := data/tables
FRESH := _build/fresh
BIN := .venv/bin
STAMP := .venv/installed

export JUPYTER_PREFER_ENV_PATH := 1
export PYTHONUTF8 := 1
export PYTHONNOUSERSITE := 1
export IPYTHONDIR := $(CURDIR)/_build/ipython

.PHONY: book demo pull site test check bench bench-server lab clean lock
.DEFAULT_GOAL := book

# Fetch and build are two steps: a pull that fails leaves the last tables and the last site alone.
book: pull
	@$(MAKE) --no-print-directory site
	@echo "The book is ready: _build/html/index.html"

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
	rm -rf $(FRESH)
	$(BIN)/jupyter-book build . --path-output $(FRESH) -W -n --keep-going --all
	$(BIN)/python -m analysis results --out $(FRESH)/_build/html/results.json
	$(BIN)/python -m adapters.contract.replace_folder $(FRESH)/_build/html _build/html
	rm -rf $(FRESH)

test: $(STAMP)
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory book SOURCE=
	BOOK_SITE=_build/html $(BIN)/python -m pytest

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

lock:
	UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --generate-hashes --no-annotate \
		--all-extras pyproject.toml --output-file requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@found=; for python in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11 python3 python; do \
		if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; then \
			found="$$python"; break; fi; done; \
	if [ -z "$$found" ]; then echo "Python 3.11 to 3.14 is needed: make PYTHON=/path/to/python3.11" >&2; exit 2; fi; \
	"$$found" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $(STAMP)
