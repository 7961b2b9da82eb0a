# make book   set up, run the default study, build the book, print where to open it
# make test   set up, run all tests
# make setup  only make the environment, .venv
# make lint   style, types and the workflows of GitHub
# make lock   renew constraints.txt after a change of dependencies

SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
READY := .venv/.ready
# Whatever Python there is starts the set-up; the set-up looks for one that the study supports.
ANY_PYTHON := $(or $(PYTHON),$(shell command -v python3 || command -v python),python3)
BOOK := _build/html/index.html

.PHONY: help setup book test lint lock clean

help:
	@sed -n 's/^# make/make/p' Makefile

$(READY): pyproject.toml constraints.txt tools/setup_env.py
	@$(ANY_PYTHON) tools/setup_env.py

setup: $(READY)

book: $(READY)
	$(BIN)/rnastudy run --all studies/default.yml --jobs 2
	$(BIN)/rnastudy book --runs runs/default --to book/study
	$(BIN)/jupyter-book build . --all -W -n --keep-going
	@printf '\nThe book is ready. Open\n\n    file://%s\n\n' "$(CURDIR)/$(BOOK)"

test: $(READY)
	@$(BIN)/python tools/setup_env.py --browser
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy rnastudy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet --config .github/zizmor.yml .github/workflows

# Pins that are there already stay unless pyproject.toml forbids them.
lock: $(READY)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --no-annotate --custom-compile-command "make lock" -o constraints.txt pyproject.toml

clean:
	rm -rf _build runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
