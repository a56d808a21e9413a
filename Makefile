# Backroom. `make` lists the targets. Needs Python 3.11 or newer; everything else goes into .venv.
#   PYTHON=python3.12   the Python to make .venv with (default: the first that is new enough)
#   ARGS="..."          more arguments for run, test, bench, chaos and attack

VENV ?= .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c '$(ENOUGH)' >/dev/null 2>&1 && { echo $$p; exit; }; done; echo python3)
ATTACK ?= .venv-attack
SCHEMATHESIS := 4.32.5
LOCAL ?= .venv-localstripe
LOCALSTRIPE := 1.15.10
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_SYSTEM_CERTS := 1

.DEFAULT_GOAL := help
.PHONY: help run test lint bench chaos attack screenshots lock setup setup-dev clean
.DELETE_ON_ERROR:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.runtime ## Set up what is missing and start everything on http://127.0.0.1:8000
	@$(PY) app.py $(ARGS)

test: $(VENV)/.dev ## All tests on SQLite and PostgreSQL, with Valkey and Chromium
	@$(PY) -m pytest -n 2 $(ARGS)

lint: $(VENV)/.dev ## Style, types and the floors of the house
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev ## Measure what docs/benchmarks.md promises, each beside its reference
	@$(PY) -m benchmarks $(ARGS)

chaos: $(VENV)/.dev ## Kill and freeze workers under load, in larger numbers than the tests do
	@SCALE=10 $(PY) -m pytest -m chaos $(ARGS)

attack: $(VENV)/.dev $(ATTACK)/.schemathesis-$(SCHEMATHESIS) $(LOCAL)/.localstripe-$(LOCALSTRIPE) ## Hostile inputs and property tests, in larger numbers than the tests do
	@SCALE=20 SCHEMATHESIS=$$(ls $(abspath $(ATTACK))/bin/st 2>/dev/null) LOCALSTRIPE=$$(ls $(abspath $(LOCAL))/bin/python 2>/dev/null) \
		$(PY) -m pytest -m attack $(ARGS)

# It has an environment of its own: its pytest plugin would slow every start of ours. Without it the other attacks still run.
$(ATTACK)/.schemathesis-$(SCHEMATHESIS):
	@echo "Installing schemathesis into $(ATTACK) ..."
	@rm -rf $(ATTACK)
	@$(PYTHON) -m venv $(ATTACK) && $(ATTACK)/bin/python -m pip install -q schemathesis==$(SCHEMATHESIS) && touch $@ || \
		{ rm -rf $(ATTACK); echo "It could not be installed: the API is attacked without it." >&2; }

# A Stripe of others, under the GPL: it runs beside the tests in a process and an environment of its own, and is part of nothing.
$(LOCAL)/.localstripe-$(LOCALSTRIPE):
	@echo "Installing localstripe into $(LOCAL) ..."
	@rm -rf $(LOCAL)
	@$(PYTHON) -m venv $(LOCAL) && $(LOCAL)/bin/python -m pip install -q localstripe==$(LOCALSTRIPE) && touch $@ || \
		{ rm -rf $(LOCAL); echo "It could not be installed: nothing is compared with it." >&2; }

screenshots: $(VENV)/.dev ## Take the pictures of the pages anew
	@$(PY) tools/screenshots.py $(ARGS)

lock: $(VENV)/.dev ## Pin the newest versions of requirements*.in, with hashes, for every platform
	@$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-header -o requirements-dev.lock requirements-dev.in
	@$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-header -c requirements-dev.lock --no-annotate \
		-o requirements.lock requirements.in

setup: $(VENV)/.runtime ## Only set up what `make run` needs
setup-dev: $(VENV)/.dev ## Only set up what `make test` needs

clean: ## Remove .venv and the caches; the data in instance/ stays
	@rm -rf $(VENV) $(ATTACK) $(LOCAL) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# One virtual environment that only grows: first what runs Backroom, then, on top, what tests it. A stamp file is newer
# than the lock file it was installed from, so an unchanged lock costs nothing. uv comes first, at the version and with
# the hashes of the lock; where it cannot be had or cannot reach the index, pip does the same more slowly.
install = echo "Installing $(1) ..."; \
	{ test -x $(BIN)/uv && $(BIN)/uv pip install -q --python $(PY) --require-hashes -r $(1) 2>$(VENV)/uv.log; } || \
	$(PY) -m pip install -q --require-hashes -r $(1) || \
	{ echo "$(1) could not be installed. Is the network there? What uv said is in $(VENV)/uv.log." >&2; exit 1; }

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@$(call install,requirements-dev.lock)
	@touch $@

$(VENV)/.runtime: requirements.lock $(VENV)/.made
	@$(call install,requirements.lock)
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c '$(ENOUGH)' 2>/dev/null || { echo "Backroom needs Python 3.11 or newer and $(PYTHON) is not that. Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module. On Debian or Ubuntu install it with: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) with `$(PYTHON) --version` ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@awk '/^uv==/ { found = 1 } found { print } found && !/\\$$/ { exit }' requirements-dev.lock > $(VENV)/uv.txt
	@$(PY) -m pip install -q --require-hashes -r $(VENV)/uv.txt 2>/dev/null || true
	@touch $@
