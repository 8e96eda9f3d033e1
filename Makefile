# make help        lists the targets
#
# Works as an ordinary user. Everything is installed into .venv; nothing outside this folder
# changes.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo ablation recipes timestamps bench test lint format coqui clean distclean

# The interpreter that makes .venv: `make PYTHON=/path/to/python3.12 demo`. Empty: the first of python3,
# python3.14, python3.13, python3.12 and python3.11 that the pinned packages are there for.
PYTHON ?=
# Cores for `make demo`, `make ablation`, `make recipes` and the models of `make timestamps`.
CORES ?= all
# The rows of the demo's table. `make recipes` has the other three of the widespread recipes.
DEMO_SYSTEMS ?= [base,base-prompt,base-corrected,nano,blog-frozen-10]
# What `make test` runs, fast tests first: `make test TESTS=tests/unit`.
TESTS ?= $(wildcard tests/unit) $(filter-out tests/unit tests/__pycache__,\
	$(patsubst %/,%,$(wildcard tests/*/)))
# More options for pytest: `make test PYTEST_OPTIONS="-x -k kana"`.
PYTEST_OPTIONS ?=

SNAKEFILES := Snakefile workflow/Snakefile models/whisper-nano-ja/build/Snakefile \
	benchmarks/Snakefile $(wildcard rules/*.smk)
BIN := .venv/bin

# The rules call `python`: it must be the environment's, whatever the caller has activated.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/.venv
# Whatever the locale: dictionaries, tables and tests are Japanese.
export PYTHONUTF8 := 1
unexport PYTHONHOME

help:
	@echo "make install    make .venv and install requirements*.txt (the others do it when needed)"
	@echo "make demo       teach the bundled model the dictionaries of config.yaml, and print the table"
	@echo "make recipes    compare the recipe with the widespread ones (an hour)"
	@echo "make ablation   measure what each ingredient of the recipe is worth (an hour or more)"
	@echo "make timestamps measure how well times fit, before and after fine-tuning (some minutes)"
	@echo "make bench      measure speed and memory against the usual ways (40 minutes)"
	@echo "make test       run all tests, the unit tests first"
	@echo "make lint       check code and workflow: ruff, snakefmt, snakemake --lint"
	@echo "make format     format code and workflow in place"
	@echo "make coqui      install the Coqui engine into .venv-coqui (about 6 GB)"
	@echo "make clean      remove caches, .snakemake/ and everything in results/; keeps .venv*"
	@echo "make distclean  make clean, and remove .venv and .venv-coqui"
	@echo
	@echo "Variables: PYTHON (makes .venv), CORES (demo, ablation, recipes, timestamps; default: all), DEMO_SYSTEMS, TESTS, PYTEST_OPTIONS"

# $(call make_venv,FOLDER): makes a virtual environment, unless there is one that works. The search
# skips the folder's own bin, which is first in PATH.
define make_venv
	@if $(1)/bin/python -c "import pip" 2>/dev/null; then exit 0; fi; \
	rm -rf $(1); \
	for python in $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11); do \
		if "$$python" -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))" 2>/dev/null; then \
			found="$$python"; break; \
		fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
		echo "error: $(or $(PYTHON),python3) is not there, or no Python 3.11 to 3.14:" \
			"$$("$(or $(PYTHON),python3)" --version 2>&1 | tail -n 1)" >&2; \
		echo "cure:  install one of these, for which all packages are built, and name it:" \
			"make PYTHON=/path/to/python3.11 $(or $(MAKECMDGOALS),install)" >&2; \
		exit 1; \
	fi; \
	if ! "$$found" -m venv $(1); then \
		rm -rf $(1); \
		echo "error: $$found could not make the virtual environment $(1)" >&2; \
		echo "cure:  Debian and Ubuntu keep that part of Python in a package of its own:" \
			"apt install python3-venv (as root), then again" >&2; \
		exit 1; \
	fi; \
	echo "made $(1) with $$("$$found" --version)"
endef

install: .venv/installed

# The stamps hold what was installed, so a changed pin installs again.
.venv/installed: requirements.txt requirements-dev.txt
	$(call make_venv,.venv)
	@echo "installing requirements.txt and requirements-dev.txt into .venv; this takes some minutes"
	@$(BIN)/python -m pip install -r requirements.txt -r requirements-dev.txt
	@touch $@

.venv-coqui/installed: envs/requirements-coqui.txt
	$(call make_venv,.venv-coqui)
	@echo "installing Coqui TTS into .venv-coqui; this takes some minutes and about 6 GB"
	@.venv-coqui/bin/python -m pip install -r envs/requirements-coqui.txt
	@touch $@

demo: .venv/installed
	@start=$$(date +%s); \
	$(BIN)/python -m snakemake --cores $(CORES) results/nano/eval.tsv results/nano/report.html \
		--config "systems=$(DEMO_SYSTEMS)" || exit $$?; \
	end=$$(date +%s); \
	echo; \
	$(BIN)/python workflow_scripts/show_table.py results/nano/eval.tsv || exit $$?; \
	echo; \
	echo "report: $(CURDIR)/results/nano/report.html"; \
	echo "took:   $$(( (end - start) / 60 )) min $$(( (end - start) % 60 )) s"

# Comparisons of recipes: docs/{name}.yaml says which, docs/{name}.md gets the table.
ablation recipes: .venv/installed
	$(BIN)/python -m snakemake --cores $(CORES) results/nano/$@/eval.tsv results/nano/$@/report.html \
		--configfile docs/$@.yaml
	$(BIN)/python workflow_scripts/show_table.py results/nano/$@/eval.tsv
	PYTHONPATH=benchmarks:workflow_scripts $(BIN)/python benchmarks/render_comparison.py \
		--eval results/nano/$@/eval.tsv --recipes results/nano \
		--page docs/$@.md --plot docs/$@.svg
	@echo "page: $(CURDIR)/docs/$@.md"

# The demo's models; they are made if need be.
timestamps: .venv/installed
	$(BIN)/python -m snakemake --cores $(CORES) results/nano/base/model.pt results/nano/nano/model.pt
	$(BIN)/python -m snakemake -s benchmarks/Snakefile --cores all timestamps \
		--configfile benchmarks/config.yaml
	@echo "page: $(CURDIR)/docs/timestamps.md"

# Without --forceall a second run would measure nothing.
bench: .venv/installed
	$(BIN)/python -m snakemake -s benchmarks/Snakefile --cores all --forceall \
		--configfile benchmarks/config.yaml
	@echo "page: $(CURDIR)/docs/benchmarks.md"

test: .venv/installed
	$(BIN)/python -m pytest $(PYTEST_OPTIONS) $(TESTS)

lint: .venv/installed
	$(BIN)/python -m ruff check workflow_scripts tests models benchmarks
	$(BIN)/python -m ruff format --check workflow_scripts tests models benchmarks
	$(BIN)/python -m snakefmt --check $(SNAKEFILES)
	$(BIN)/python -m snakemake --lint

format: .venv/installed
	$(BIN)/python -m ruff check --fix workflow_scripts tests models benchmarks
	$(BIN)/python -m ruff format workflow_scripts tests models benchmarks
	$(BIN)/python -m snakefmt $(SNAKEFILES)

coqui: .venv-coqui/installed
	@echo "Coqui TTS is in .venv-coqui. In config.yaml:"
	@echo "  speech:"
	@echo "    engine: coqui"
	@echo "    voices: [{name: kokoro}]"
	@echo "    coqui: {python: .venv-coqui/bin/python}"
	@echo "  development: {voices: []}"

clean:
	rm -rf results .snakemake .pytest_cache .ruff_cache
	find workflow_scripts tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv .venv-coqui
