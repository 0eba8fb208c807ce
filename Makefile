# Needs python3 (3.11 or newer) and make; the rest is installed into .venv/, and by apt-get where a target says so.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
LOCKED := $(PIP) install --require-hashes
# The build backend is in the locks, so nothing unpinned is fetched to build the package.
EDITABLE := $(PIP) install --no-deps --no-build-isolation --editable .
SCRIPTS := .ci/run .ci/audit .ci/install-debian-packages deploy/install.sh deploy/compose/prepare tests/install/trial
EXTRAS := all apprise ews gmail graph mysql postgresql slack
LOCKS := requirements.txt requirements-build.txt requirements-dev.txt requirements-kerberos.txt requirements-soql.txt
UV := build/uv/bin/uv
UV_VERSION := 0.13.9
AUDIT_VERSION := 2.10.1

.PHONY: help setup demo test soak bench lint words lock sbom audit install-trial clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.runtime ## install inboxwatch into .venv/, at the locked versions
	@echo "Ready: $(BIN)/inboxwatch"

demo: .venv/.runtime ## watch a small sales team's mailboxes in accelerated time; Ctrl-C ends it
	@$(BIN)/inboxwatch demo

test: .venv/.dev debian ## install what the tests need (Debian packages too), then run them; ARGS="-k imap" picks
	@echo "Running the tests ..."
	@# More workers than cores: a third of the time goes into waiting for servers, kills and time-outs. Whoever has
	@# nothing left takes over tests of another, so all end together. The programs that tests start find bytecode.
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --numprocesses=3 --dist=worksteal -m "not soak" $(ARGS)

soak: .venv/.dev debian ## run the long fault and simulation counts
	@$(BIN)/pytest -m soak --timeout=7200 $(ARGS)

bench: .venv/.dev debian ## measure; ends with a table: the last released figures, today's, and what is worse by a tenth
	@$(BIN)/python -m tests.benchmarks $(ARGS)

lint: .venv/.dev ## check style, types, the direction of imports, weaknesses, scripts and the Dockerfile
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive inboxwatch connectors deploy
	$(BIN)/shellcheck $(SCRIPTS)
	$(BIN)/hadolint deploy/container/Dockerfile

words: .venv/.dev ## gather the texts of code and templates into the catalogues of inboxwatch/words/, to be translated
	@mkdir -p build
	@$(BIN)/pybabel --quiet extract --mapping-file pyproject.toml --no-default-keywords -k english -k say -k count:1,2 \
		-k _ -k ngettext:1,2 --no-location --sort-output --project inboxwatch --output build/words.pot . 2>/dev/null
	@for catalogue in inboxwatch/words/*.po; do $(BIN)/pybabel --quiet update --input-file build/words.pot \
		--output-file "$$catalogue" --locale "$$(basename "$$catalogue" .po)" --no-fuzzy-matching --ignore-obsolete \
		--ignore-pot-creation-date --width 120; done
	@# What changes with the day or the version of Babel tells a translator nothing.
	@sed -i -E '/^"(Report-Msgid|POT-Creation|PO-Revision|Last-Translator|Language-Team|Generated-By)/d' inboxwatch/words/*.po

lock: $(UV) ## write the lock files again; UPGRADE=1 takes newer versions
	@$(call compile,requirements-dev.txt,pyproject.toml --all-extras --group dev $(if $(UPGRADE),--upgrade))
	@$(call compile,requirements.txt,pyproject.toml --constraints requirements-dev.txt --upgrade)
	@mkdir -p inboxwatch/locks
	@$(foreach extra,$(EXTRAS),$(call compile,inboxwatch/locks/$(extra).txt,pyproject.toml --extra $(extra) --constraints requirements-dev.txt --upgrade);)
	@$(call compile,requirements-build.txt,--group build --constraints requirements-dev.txt --upgrade)
	@$(call compile,requirements-kerberos.txt,--group kerberos --no-deps $(if $(UPGRADE),--upgrade))
	@$(call compile,requirements-soql.txt,--group soql --no-deps $(if $(UPGRADE),--upgrade))

# requirements-dev.txt decides every version; the others are parts of it (one for each extra, whole by itself: what a
# machine lacks is brought by it alone), the last two stand beside it.
compile = echo "Writing $(1)"; $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --output-file $(1) $(2)

sbom: .venv/.dev ## list what the image installs, each with its hashes, as CycloneDX: dist/sbom.json
	@mkdir -p dist
	@$(BIN)/python -W ignore -m cyclonedx_py requirements --output-reproducible --pyproject pyproject.toml \
		--output-format JSON --output-file dist/sbom.json inboxwatch/locks/all.txt
	@echo "Written: dist/sbom.json"

# No part of the tests: it asks an advisory service, and what is known of a package changes without a change of ours.
audit: .venv/.python ## ask (over the network) whether a locked package has a known weakness
	@[ -x build/audit/bin/pip-audit ] || { $(PYTHON) -m venv build/audit && \
		build/audit/bin/python -m pip -qq --disable-pip-version-check install pip-audit==$(AUDIT_VERSION); }
	@.ci/audit build/audit/bin/pip-audit inboxwatch/locks/all.txt requirements-dev.txt requirements-build.txt

install-trial: .venv/.python ## install, upgrade, roll back and remove in a fresh Debian (debootstrap, systemd-nspawn; as root)
	@command -v debootstrap systemd-nspawn >/dev/null || .ci/install-debian-packages debootstrap systemd-container
	@tests/install/trial

clean: ## remove .venv/ and everything that was built
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: debian
debian:
	@.ci/install-debian-packages $$(sed 's/#.*//' tests/debian-packages.txt)

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "inboxwatch needs Python 3.11 or newer; PYTHON=... names another")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/install-debian-packages python3-venv
	@echo "Creating .venv/ with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.runtime: .venv/.python pyproject.toml requirements.txt requirements-build.txt
	@echo "Installing inboxwatch and what it needs into .venv/ ..."
	@$(LOCKED) -r requirements.txt -r requirements-build.txt
	@$(EDITABLE)
	@touch $@

# The development lock holds the runtime lock's very versions, so it makes both complete.
.venv/.dev: .venv/.python pyproject.toml $(LOCKS)
	@echo "Installing inboxwatch and what its tests need into .venv/ ..."
	@$(LOCKED) -r requirements-dev.txt
	@$(LOCKED) --no-deps -r requirements-kerberos.txt -r requirements-soql.txt
	@$(EDITABLE)
	@touch .venv/.runtime $@

$(UV):
	@$(PYTHON) -m venv build/uv
	@build/uv/bin/python -m pip -qq --disable-pip-version-check install uv==$(UV_VERSION)
