PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test test-all lint site serve catalogs runtime

demo: .venv/installed  ## load all models, draw them on photos, train one for a minute
	$(BIN)/python -m zoo.demo

test: .venv/installed  ## quick tests of everything
	$(BIN)/python -m pytest

test-all: .venv/installed runtime  ## all tests
	$(BIN)/python -m pytest -m ""

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

site: .venv/installed runtime  ## build the pages into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

serve: .venv/installed runtime  ## build the pages and show them at http://127.0.0.1:8000
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

catalogs: .venv/installed  ## bring the translations' catalogs up to date with the English pages
	$(BIN)/python tutorials/hooks/catalogs.py

runtime:  ## of the live models, where npm is found; without it the site is built without them
	@if ! command -v npm > /dev/null; then \
		echo "npm is not installed: the site will have no live models."; \
	elif ! cmp --silent package-lock.json node_modules/installed.json; then \
		npm ci --ignore-scripts --no-audit --no-fund && cp package-lock.json node_modules/installed.json \
			|| echo "npm has failed: the site will have no live models."; \
	fi

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" || \
		{ echo "The zoo needs Python 3.11 to 3.13. Name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint requirements.txt --editable ".[test,site]"
	touch $@
