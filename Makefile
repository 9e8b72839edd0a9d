# make run PYTHON=python3.12 takes another Python; HOST, PORT, SMSCONSOLE_HOME, DATABASE_URL and
# REDIS_URL say where the console runs (docs/operating.md).
PYTHON ?= python3
VENV := .venv/bin/

.PHONY: setup setup-dev run demo test lint

setup:
	@$(PYTHON) bootstrap.py run

setup-dev:
	@$(PYTHON) bootstrap.py dev

run: setup
	@$(VENV)python manage.py console

demo: setup
	@$(VENV)python manage.py demo --then-run

test: setup-dev
	@$(VENV)python tests/run.py

lint: setup-dev
	@$(VENV)python tests/lint.py
