# The daily commands. Each first makes the environment (.venv) if there is none, and is quick the second time.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint reproduce bench .venv

help: ## Show these commands.
	@awk -F ':.*## ' '/^[.a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: .venv ## Play the shipped weights, train a small system, write a page that shows it all.
	$(BIN)/mutoscope demo

test: .venv ## Run all tests, on all cores.
	$(BIN)/pytest -n auto

lint: .venv ## Check style, formatting, types, and who imports whom.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

SYSTEM ?= pseudo_label
reproduce: .venv ## Train the arms of a paper's claims, write its report; SYSTEM=g3an for another than pseudo_label.
	$(BIN)/mutoscope reproduce $(SYSTEM)

bench: .venv ## Run every benchmark: ratios against a reference, in one run.
	@for file in pseudo_label g3an imaginator mintgan frgan rasteriser loader loop metrics cost; do echo "$(BIN)/python benchmarks/$$file.py"; \
		$(BIN)/python benchmarks/$$file.py || exit 1; done

.venv: $(INSTALLED) ## Make the environment, with the versions of constraints.txt.

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or later is needed, $(PYTHON) is not (try: make PYTHON=/path/to/python3.11)"; exit 1; }
	@echo "Making .venv with $(PYTHON): takes a minute or two, once."
	@$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@
