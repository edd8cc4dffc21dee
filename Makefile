# A fresh clone needs python3.11 or newer and make; everything else comes into .venv on the first call.
#   make demo    the whole desk on the offline sample; other sources: make demo ARGS="--source simulated"
#   make test    all tests
#   make help    the other targets

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin
UV := uv==0.13.8
# One process more than processors: some tests wait for a daemon most of their time.
WORKERS := $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) < 7 ? $$(getconf _NPROCESSORS_ONLN) + 1 : 8 )))
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
ARGS ?=
UPGRADE ?=
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$name -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && command -v $$name && break; done)
NEEDS_PYTHON := import sys; sys.version_info >= (3, 11) or sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; name another one with: make PYTHON=/path/to/python3.11 ...")

.PHONY: help demo test prove coverage ui stop bench peers lint clean lock

help:
	@echo "make demo [ARGS=...]   sample prices to P&L in a lake under data_lake/, then a summary"
	@echo "make ui [ARGS=...]     the web UI and the daemon on that lake, until Ctrl-C"
	@echo "make stop              end the lake's Postgres, for instance after a crash"
	@echo "make test [ARGS=...]   all tests; ARGS goes to pytest"
	@echo "make prove [ARGS=...]  properties of the live path, over many cases drawn afresh in every run"
	@echo "make coverage          all tests, counting the lines and branches that they reach; takes half as long again"
	@echo "make lint              style, formatting and types"
	@echo "make bench [ARGS=...]  benchmarks as JSON lines; ARGS names some of them"
	@echo "make peers             install qlib into .venv-peers, for the benchmarks beside it"
	@echo "make lock              resolve requirements*.lock again; UPGRADE=1 takes the newest versions"
	@echo "make clean             remove what the desk made in the lake, and all caches"

demo: $(VENV)/.base
	$(BIN)/trading-assets demo $(ARGS)

ui: $(VENV)/.base
	$(BIN)/trading-assets ui $(ARGS)

stop:
	if [ -x $(BIN)/trading-assets ]; then $(BIN)/trading-assets stop $(ARGS); fi

test: $(VENV)/.dev
	$(PYTEST) $(ARGS)

prove: $(VENV)/.dev
	$(PYTEST) -m prove $(ARGS)

coverage: $(VENV)/.dev
	$(PYTEST) --cov --cov-report=term $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(ARGS)

peers: $(PEERS)/.qlib

# Written by people, not made by the desk.
KEPT := README.md settings.yaml books.yaml own

# Postgres first: a running server must not lose its folder.
clean:
	if [ -x $(BIN)/trading-assets -a -d data_lake/postgres ]; then $(BIN)/trading-assets stop --home data_lake; fi
	find data_lake -mindepth 1 -maxdepth 1 $(KEPT:%=! -name %) -exec rm -rf {} +
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov build dist logs \
		dbt_features/target dbt_features/logs dbt_features/.user.yml
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -not -path './$(PEERS)/*' -prune -exec rm -rf {} +

lock: $(VENV)/.uv
	$(call compile,requirements.lock,)
	$(call compile,requirements-dev.lock,--extra dev --constraint requirements.lock)

# uv reads neither pip's settings nor its certificates, so it is told to trust the system's; if it fails nevertheless
# (an index that only pip knows), pip does the work. Bytecode is compiled once, here, not by every process that starts.
define install
	if $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --requirement $(1) \
		&& $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .; then :; \
	else \
		echo "uv cannot install here, so pip does; this takes longer"; \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --requirement $(1); \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --editable .; \
	fi
endef

compile = $(BIN)/uv pip compile --quiet --python-version 3.11 --no-header --no-annotate \
	$(if $(UPGRADE),--upgrade) $(2) --output-file $(1) pyproject.toml

export UV_SYSTEM_CERTS := 1
export UV_LINK_MODE := copy

$(VENV)/.uv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; install it or name it: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@$(PYTHON) -c '$(NEEDS_PYTHON)'
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qqq --disable-pip-version-check $(UV) || echo "uv is not available here"
	@touch $@

$(VENV)/.base: requirements.lock pyproject.toml setup.cfg | $(VENV)/.uv
	@echo "installing into $(VENV) ..."
	@$(call install,requirements.lock)
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.base
	@echo "installing the development tools ..."
	@$(call install,requirements-dev.lock)
	@touch $@

# qlib has requirements of its own, so it gets an interpreter of its own.
$(PEERS)/.qlib: benchmarks/peers/requirements.txt | $(VENV)/.uv
	@echo "installing qlib into $(PEERS) ..."
	@$(PYTHON) -m venv $(PEERS)
	@$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python --requirement $< \
		|| $(PEERS)/bin/python -m pip install -qq --disable-pip-version-check --requirement $<
	@touch $@
