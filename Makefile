# `make` lists the targets. Everything is installed into .venv only.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
LOCKED := $(PIP) install --no-compile --only-binary :all: --require-hashes --requirement
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --no-config --universal --group build --generate-hashes \
	--no-emit-index-url --upgrade --custom-compile-command "make lock"

.PHONY: help install up down status test coverage lint format generate pictures faults otel bench bench-fleet lock clean \
	test-docker test-docker-short image sbom compare-victoria vendor

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

install: .venv/installed ## Install this project and all it needs into .venv

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required: make PYTHON=python3.x …")'
	@echo "Installing into .venv (once; about a minute)"
	@$(PYTHON) -m venv .venv
	@$(LOCKED) requirements.lock
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

.venv/tools: .venv/installed requirements-test.lock
	@echo "Installing the test tools into .venv (once)"
	@$(LOCKED) requirements-test.lock
	@touch $@

up: install ## Start the whole stack on this machine, and print its addresses
	@$(BIN)/nervesys up --demo

down: install ## Stop all of it
	@$(BIN)/nervesys down

status: install ## Show every service and agent
	@$(BIN)/nervesys status

test: lint ## Check everything but Docker: lint, then all tests, generated files among them
	$(BIN)/python -m pytest -m "not docker" --numprocesses 3 --dist loadfile --no-loadscope-reorder

test-docker: .venv/tools ## Run docker-compose.yml on a container engine, with restarts and upgrades (10 minutes)
	$(BIN)/python -m pytest tests/docker

test-docker-short: .venv/tools ## Run docker-compose.yml on a container engine: it starts, heals and is closed (4 minutes)
	$(BIN)/python -m pytest -m "docker and not slow" tests/docker

coverage: .venv/tools ## Run all tests and measure which lines and branches they reach
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder -m "not docker" --cov --cov-report=term:skip-covered

lint: .venv/tools ## Check format, lint, types, import direction and spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

format: .venv/tools ## Format the code, and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: install ## Write all generated files: rules, dashboards, manifests, reference pages
	$(BIN)/nervesys docs build
	NERVESYS_PROFILE=local,compose $(BIN)/nervesys dashboards build
	NERVESYS_PROFILE=local,compose $(BIN)/nervesys alerts build
	$(BIN)/nervesys kubernetes build

pictures: install ## Draw the pictures of the documentation, from the running stack
	$(BIN)/nervesys docs pictures

# A hostile client, branch, agent (two) and archive, in short form.
HOSTILE = tests/nervesys/metrics/test_listener.py tests/nervesys/stores/test_hostile_branches.py \
	tests/exporters/shared/test_bounds.py tests/exporters/store/test_turns.py tests/nervesys/stores/test_archive.py

faults: .venv/tools ## Kill writers and the receiver hundreds of times, break their stores, disks and clocks, and attack
	$(BIN)/python -m tests.nervesys.workspace.faults
	$(BIN)/python -m tests.nervesys.artifacts.faults
	$(BIN)/python -m tests.nervesys.agent.logs.faults
	$(BIN)/python -m tests.alerting.receiver.kills
	$(BIN)/python -m pytest tests/alerting/receiver/test_faults.py tests/alerting/receiver/test_cluster.py tests/alerting/receiver/test_clock.py
	$(BIN)/python -m tests.hostile.fuzz
	$(BIN)/python -m pytest $(HOSTILE)

otel: .venv/tools ## Run real instrumentations of PyPI and npm under an agent, and record what they send (3 minutes, network)
	$(BIN)/python -m tests.nervesys.agent.telemetry.real

bench: .venv/tools ## Print the table of measured ratios
	$(BIN)/python -m benchmarks

bench-fleet: .venv/tools ## Run the whole monitoring side against fleets of 100, 1 000 and 10 000 agents (an hour)
	$(BIN)/python -m benchmarks fleet

compare-victoria: .venv/tools ## Compare VictoriaMetrics with Prometheus: every query of every page, every rule
	$(BIN)/python -m tests.hour.compare

image: ## Build the image of our programs, with its version and revision
	docker build --build-arg REVISION=$$(git rev-parse HEAD) --build-arg CREATED=$$(date -u +%Y-%m-%dT%H:%M:%SZ) \
		--build-arg VERSION=$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' nervesys/__init__.py) \
		--tag nervesys-observability:$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' nervesys/__init__.py) .

sbom: install ## Print the bill of materials (CycloneDX) of the lock file
	@$(BIN)/python scripts/sbom.py requirements.lock

lock: install ## Resolve the dependencies again: of all programs, of the tests, and of an agent alone
	$(PIP) install uv
	$(COMPILE) --extra all --output-file requirements.lock
	$(COMPILE) --extra all --extra test --constraint requirements.lock --output-file requirements-test.lock
	$(COMPILE) --extra agent --constraint requirements.lock --output-file requirements-agent.lock

vendor: install ## Copy uPlot, which draws the pages' graphs, from the npm package that its lock names
	@$(BIN)/python scripts/vendor_uplot.py

clean: ## Remove .venv, caches and the stack's data (stop it first)
	rm -rf .venv .nervesys .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .grimp_cache .hypothesis .coverage
