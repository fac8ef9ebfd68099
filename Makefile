# Needs make and Python 3.11 or newer with its venv module; everything else is installed into $(VENV).

SHELL := /bin/sh
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach python,python3 python3.13 python3.12 python3.11,$(shell \
	$(python) -c '$(NEW_ENOUGH)' 2>/dev/null && echo $(python))))

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
export PIP_NO_WARN_SCRIPT_LOCATION := 1
PIP := $(BIN)/python -m pip install -qq

.DEFAULT_GOAL := help
.PHONY: help browser run generate test test-all check bench conformance drills format clean

help: ## List what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

run: $(VENV)/.installed ## Serve this repo's own spec on 127.0.0.1:8001
	@$(BIN)/routewright generate
	@exec $(BIN)/routewright serve

generate: $(VENV)/.installed ## Compile websocket-routes.json into generated/
	@$(BIN)/routewright generate

test: $(VENV)/.installed-dev | browser tests/node/node_modules/.package-lock.json ## Run the whole test suite
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

test-all: test ## Run the test suite on every Python from 3.11 on that is found
	@for version in 3.11 3.12 3.13; do \
		$(BIN)/python -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] == '$$version')" || continue; \
		found=; \
		for python in python$$version "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$$version.*/bin/python3; do \
			if "$$python" -c '' 2>/dev/null; then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then echo "Python $$version is not found and left out"; continue; fi; \
		echo "== Python $$version"; \
		$(MAKE) --no-print-directory test VENV=.venv-$$version PYTHON="$$found" || exit 1; \
	done

check: $(VENV)/.installed-dev ## Lint, check types, check the spec, prove generated/ fresh
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy spec/routewright codegen/routewright runtime/routewright backend generated
	@$(BIN)/routewright check --strict
	@$(BIN)/routewright generate --check
	@$(BIN)/routewright check --handlers

bench: $(VENV)/.installed-dev ## Measure the gateway beside its peers (minutes); results below bench/results/
	@$(BIN)/python -m bench $(ARGS)

conformance: $(VENV)/.installed-dev ## Run every conformance case of RFC 6455 and RFC 7692 through the gateway (minutes)
	@$(BIN)/python -m tests.conformance $(ARGS)

drills: $(VENV)/.installed-dev ## Break things under load for a long time, and count what clients lost (minutes)
	@$(BIN)/python -m tests.drills $(ARGS)

format: $(VENV)/.installed-dev ## Sort imports and lay the code out
	@$(BIN)/ruff check --fix --select I .
	@$(BIN)/ruff format .

clean: ## Delete environments, caches and packages
	rm -rf .venv .venv-* dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .routewright
	find . -name __pycache__ -not -path './node_modules/*' -prune -exec rm -rf {} +

# The reference's pages are tested in a real browser.
browser:
	@for program in chromium chromium-browser google-chrome; do command -v $$program >/dev/null && exit; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing chromium, which tests look at pages with"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null && exit; fi; \
	echo "Chromium is not found, and tests that need it will fail: install it (on Debian and Ubuntu: apt install chromium)"

$(VENV)/.made:
	@if [ -z "$(PYTHON)" ] || ! $(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null; then \
		echo "Python 3.11 or newer is needed and not found: install it, or name it with make PYTHON=..."; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module: install it (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

tests/node/node_modules/.package-lock.json: tests/node/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "installing what tests check TypeScript and AsyncAPI with" && cd tests/node \
		&& npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json; \
	else echo "npm is not found: generated TypeScript and AsyncAPI are not checked by their own tools"; fi

$(VENV)/.installed: pyproject.toml | $(VENV)/.made
	@echo "installing into $(VENV)"
	@$(PIP) -e '.[backend]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.made
	@echo "installing into $(VENV), with what development needs"
	@$(PIP) -e '.[dev]'
	@touch $(VENV)/.installed $@
