# Needs python3 >= 3.11 with venv, and make; everything else is installed into .venv.
# A stamp file stands for a finished step, so each step runs again only when what it depends on has changed.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
ARGS ?=
# One more than a small machine has cores: tests wait for servers and browsers.
JOBS ?= 3
LOCK_ARGS ?=
PYTHONS ?=
QUICK ?=

# HOST and PORT given to make come before what .env says.
CHOSEN := $(foreach name,HOST PORT,$(if $(filter command environment,$(firstword $(origin $(name)))),SUBSTRACK_$(name)=$($(name));))

# The many processes of a test run find compiled what one of them has imported, whatever the shell prefers.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:
COMPILE := .venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
           --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(LOCK_ARGS) pyproject.toml
SOURCES := $(wildcard substrack tests migrations wsgi.py) $(if $(wildcard benchmarks/*.py),benchmarks)

WORDS := substrack/texts/translations
WORD_STYLE := --no-location --omit-header --sort-output -w 110

# Figures are written even when an experiment misses its target.
CHAOS := PYTEST="$(BIN)/python -m pytest" PYTHON=$(BIN)/python sh tests/chaos/run.sh

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo run test test-telegram-load bench chaos chaos-long audit sbom licences security release release-check check format words screenshots mutants lock clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 28

demo: .venv/.runtime ## a sample workspace to look at, on http://127.0.0.1:8000 (data in instance/demo)
	SUBSTRACK_DATA_DIR=instance/demo SUBSTRACK_HOST=$(HOST) SUBSTRACK_PORT=$(PORT) $(BIN)/python -m substrack demo

run: .venv/.runtime ## the real thing: migrate and serve (data in instance, settings from .env or the environment)
	@set -a; if [ -f .env ]; then . ./.env; fi; $(CHOSEN) set +a; \
	$(BIN)/python -m substrack migrate && exec $(BIN)/python -m substrack serve

test: check ## everything CI runs: the checks, then every test (ARGS="-k name" to choose)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

test-telegram-load: .venv/.dev ## 1,000 presses, each delivered five times, to three workers as well (about two minutes)
	TELEGRAM_UPDATES=1000 $(BIN)/python -m pytest tests/journeys/test_telegram_crowd.py tests/bot/test_bot_at_large.py -k five_times

chaos: .venv/.dev ## the experiments of docs/promises.md, and their figures into it (some 25 minutes)
	$(CHAOS) full

security: .venv/.dev ## the long part of docs/security.md: more odd forms, and the packages we install (minutes)
	SUBSTRACK_CHAOS=full $(BIN)/python -m pytest tests/security tests/browser/test_scanners.py --timeout 0

bench: .venv/.dev ## how fast it is against the floor, into docs/performance.md (ARGS="pages growth" to choose)
	$(BIN)/python -m benchmarks $(ARGS)

audit: .venv-audit/.made ## ask for known faults of what we install (weekly; needs the network)
	.venv-audit/bin/pip-audit --requirement requirements.txt --require-hashes --disable-pip

sbom: .venv-audit/.made ## what we install as CycloneDX, into sbom.json
	.venv-audit/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file sbom.json requirements.txt

licences: .venv/.dev ## docs/licences.md anew
	$(BIN)/python -m tests.architecture.licences

chaos-long: .venv/.dev ## the same at their whole size (hours)
	$(CHAOS) long

check: .venv/.dev ## format, lint, types and import contracts
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy --num-workers $(JOBS) $(SOURCES)
	$(BIN)/lint-imports

release: .venv/.dev ## prepare a version: make release VERSION=1.2.3
	@$(BIN)/python -m tests.release.prepare "$(VERSION)"
	$(BIN)/python -m tests.upgrades.states

release-check: .venv/.dev ## whether what is committed can be released (an hour; QUICK=1: at a look)
	$(BIN)/python -m tests.release.check $(if $(QUICK),--quick) --jobs $(JOBS) --pythons "$(PYTHONS)" -- $(ARGS)

format: .venv/.dev ## rewrite the sources in the house format
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

screenshots: .venv/.dev ## docs/screenshots anew, with Chromium (ARGS="--all --out DIR" for every page in every look)
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

mutants: .venv-mutants/.made ## change the domain in thousands of ways and see its tests fail (ARGS="money shares" to choose)
	.venv-mutants/bin/mutmut run --max-children $(JOBS) $(foreach module,$(ARGS),'substrack.domain.$(module).*')
	@.venv-mutants/bin/mutmut results --all true | sed -n 's/^ *substrack\.domain\.\([a-z_]*\)\..*: /\1 /p' | sort | uniq -c

words: .venv/.dev ## gather new sentences into the translations (then translate what is empty)
	PYTHONPATH=. $(BIN)/pybabel -q extract -F babel.cfg $(WORD_STYLE) -o $(WORDS)/messages.pot .
	for language in de ru; do $(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --omit-header \
		-w 110 -i $(WORDS)/messages.pot -o $(WORDS)/$$language.po -l $$language; done
	rm $(WORDS)/messages.pot

lock: .venv-lock/.made ## pin the requirements again (LOCK_ARGS=--upgrade for newer versions)
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt

clean: ## remove the environments and caches (never instance/)
	rm -rf .venv .venv-lock .venv-audit .venv-mutants mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "SubsTrack needs Python 3.11 or newer; set PYTHON=python3.x")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.runtime: requirements.txt | .venv/.made
	$(PIP_INSTALL) -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt | .venv/.runtime
	$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

.venv-lock/.made:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

.venv-audit/.made:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1 cyclonedx-bom==7.5.0
	@touch $@

# Beside the packages of .venv, which come after its own.
.venv-mutants/.made: .venv/.dev
	$(PYTHON) -m venv .venv-mutants
	.venv-mutants/bin/python -m pip install --quiet --disable-pip-version-check mutmut==3.8.1
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$(.venv-mutants/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/venv.pth"
	@touch $@
