# Two commands for a newcomer: `make demo` and `make test`. Everything else is for those who change syncd.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test bench servers lab test-all test-cms check lint types contracts coverage bundle lock clean venv

venv: $(STAMP)

# --no-deps: the lock names everything, and an old pip would look for newer releases of what is asked for with extras.
$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "syncd needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "this Python lacks venv; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "making $(VENV): this takes a minute or two, once"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check --disable-pip-version-check >/dev/null || { $(BIN)/python -m pip check; exit 1; }
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/syncd demo $(ARGS)

test: $(STAMP)
	@$(BIN)/python -m pytest -n auto --dist loadgroup -m "not servers and not cms" -q $(ARGS)

servers: $(STAMP)
	@$(BIN)/python -m pytest -m servers -q $(ARGS)

# What the tests with real servers need beside Python (PostgreSQL, WordPress, a booted systemd, a WebSub hub, CMSs): as root on Debian.
lab: $(STAMP)
	@$(BIN)/python -m tests.lab

test-all: test lab servers

# Every CMS that the adapters were made for, also those that take minutes to install; ends with a table.
test-cms: $(STAMP)
	@$(BIN)/python -m tests.lab --all
	@$(BIN)/python -m pytest -m cms -q -p no:randomly tests/cms $(ARGS)

bench: $(STAMP)
	@$(BIN)/python -m bench $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check .

types: $(STAMP)
	@$(BIN)/mypy

contracts: $(STAMP)
	@$(BIN)/lint-imports

check: lint types contracts coverage test

coverage: $(STAMP)
	@$(BIN)/python -m pytest -q -p no:randomly tests/core --cov=syncd.core --cov-branch --cov-report=term --cov-fail-under=100

bundle: $(STAMP)
	@$(BIN)/python -m tools.bundle $(ARGS)

lock: $(STAMP)
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.lock pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) var dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
