# Every task of the project, on a machine with Python 3.11 and make. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MARKS := chaos phoenix trl model demo

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo serve test test-all check fix bench lock clean
help: ## list the tasks
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile

# A lock file that changed makes the environment anew; the project itself is installed in place.
$(READY): deploy/requirements.lock pyproject.toml
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r deploy/requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

.venvs/%/.ready: deploy/locks/%.lock deploy/requirements.lock pyproject.toml
	@echo "setting up .venvs/$* (once)"
	@$(PYTHON) -m venv .venvs/$*
	@.venvs/$*/bin/python -m pip install --require-hashes -r deploy/locks/$*.lock
	@touch $@

demo: $(READY) ## watch the main job happen, on a real model (DEMO_MODEL=scripted: without one)
	@$(BIN)/backtalk demo $(if $(KEEP),--keep)

serve: $(READY) ## relay to UPSTREAM (a base URL), notice signals, take feedback
	@$(BIN)/backtalk serve $(if $(UPSTREAM),--upstream $(UPSTREAM))

test: $(READY) ## run the tests
	@$(BIN)/python -m pytest -n auto -m "not bench and not chaos and not phoenix and not model and not trl and not demo"

test-all: test ## run the tests and every slow or heavy check
	@$(BIN)/python -m pytest -m "chaos or phoenix or model or trl or demo or bench" -p no:randomly --timeout 3600

check: $(READY) ## formatter, linter, type checkers, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pyright
	@$(BIN)/lint-imports

fix: $(READY) ## let the formatter and the linter mend what they can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## measure CPU per call against nginx and a direct call
	@$(BIN)/python tests/bench/load.py

lock: ## write the lock files anew (needs uv)
	uv pip compile pyproject.toml --group test --group check --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --no-emit-index-url --no-emit-find-links --upgrade -o deploy/requirements.lock
	for mark in $(patsubst deploy/locks/%.in,%,$(wildcard deploy/locks/*.in)); do \
	  uv pip compile deploy/locks/$$mark.in --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --no-header --no-emit-index-url --no-emit-find-links --upgrade -o deploy/locks/$$mark.lock; done

clean: ## remove the environments and what was kept
	rm -rf $(VENV) .venvs .demo backtalk-data
