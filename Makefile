# `make run PYTHON=python3.12` takes another Python. HOST, PORT, SMSCONSOLE_HOME, DATABASE_URL
# and REDIS_URL say where the console runs (docs/operating.md).
PYTHON ?= python3
VENV := .venv/bin/

# What `check --deploy` looks at: production in everything but a server behind it.
PRODUCTION := PRODUCTION=1 REHEARSAL=1 ALLOWED_HOSTS=sms.example.com \
	SITE_URL=https://sms.example.com DATABASE_URL=postgres://console@127.0.0.1/console \
	REDIS_URL=redis://127.0.0.1/0 \
	SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(60))') \
	NUMBER_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(60))')

.PHONY: setup setup-dev run demo link test fuzz chaos chaos-small bench lint sbom audit

setup:
	@$(PYTHON) bootstrap.py run

setup-dev:
	@$(PYTHON) bootstrap.py dev

run: setup
	@$(VENV)python manage.py console

demo: setup
	@$(VENV)python manage.py demo --then-run

# A fresh sign-in link: make link EMAIL=person@example.com; with ROLE=operator NAME="Mei Lin Tan"
# for a new person.
link: setup
	@$(VENV)python manage.py invite "$(EMAIL)" $(if $(ROLE),--role "$(ROLE)" --name "$(NAME)")

test: setup-dev
	@$(VENV)python tests/run.py

# 2,000 wild requests to every form; `make test` sends a few. FUZZ="-k campaigns" takes a part.
fuzz: setup-dev
	@FUZZ_REQUESTS=$${FUZZ_REQUESTS:-2000} $(VENV)python tests/run.py --only postgres \
		tests/security/test_fuzz.py $(FUZZ)

# kill -9 at full size: the embedded console, then workers, Redis and PostgreSQL on servers of
# their own; prints what the judge found. CHAOS="-k T5" takes a part, CHAOS_SCALE=0.1 a tenth.
chaos: setup-dev
	@CHAOS_ROWS=$${CHAOS_ROWS:-2000} CHAOS_KILLS=$${CHAOS_KILLS:-30} CHAOS_WHOLE=$${CHAOS_WHOLE:-3} \
		CHAOS_SCALE=$${CHAOS_SCALE:-1} \
		$(VENV)python tests/run.py --only sqlite -n 0 -s tests/chaos $(CHAOS)

# A part of it at a tenth of the size, some minutes: kills at every failpoint, cancels at the last
# instant. CI runs it.
chaos-small: setup-dev
	@CHAOS_SCALE=$${CHAOS_SCALE:-0.1} $(VENV)python tests/run.py --only sqlite tests/chaos -m small \
		-n 6 -s $(CHAOS)

# Each stage beside its physical limit; BENCH="--only sending --scale 0.1" takes a part.
bench: setup-dev
	@$(VENV)python -m benchmarks $(BENCH)

lint: setup-dev
	$(VENV)ruff check .
	$(VENV)ruff format --check .
	$(VENV)mypy
	$(VENV)lint-imports --no-cache
	$(VENV)typos
	$(VENV)python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(VENV)python manage.py check --deploy --fail-level WARNING
	POSTGRES_PASSWORD=x APP_PASSWORD=x REDIS_PASSWORD=x SECRET_KEY=x NUMBER_KEY=x SITE_HOST=sms.example.com \
		$(VENV)docker-compose config -q
	$(VENV)python -m pytest -q tests/house

# What the console is made of, as CycloneDX: build/sbom.json, from the pins with their hashes.
sbom: setup-dev
	@mkdir -p build
	@PYTHONWARNINGS=ignore $(VENV)cyclonedx-py requirements requirements/run.txt \
		--pyproject pyproject.toml --of JSON --output-reproducible -o build/sbom.json
	@echo "build/sbom.json is written."

# The pins against known advisories; says so when the service cannot be asked.
audit: setup-dev
	@$(VENV)python .ci/audit.py
