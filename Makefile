# Everything a person does with a checkout. Needs Python 3.11 or newer; every package comes from the package registry,
# pinned by version and hash. Each target sets up what it needs the first time.
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
JOBS ?= auto
BIN := .venv/bin
READY := .venv/.ready
CHECK_READY := .venv/.check-ready
# A lock is complete, so pip resolves nothing: it fetches and compares hashes.
LOCKED := -m pip install --disable-pip-version-check --require-hashes --only-binary :all: --no-deps -r
# What has no wheel is built.
SOURCES_engines := --no-binary pyspark
COMPILE := $(BIN)/uv pip compile $(UPGRADE) -q --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url
HEAVY := browser demo training chaos prometheus engines trl phoenix mlflow model clients node hosts redis formats backends notebook evaluation

.DELETE_ON_ERROR:
.PHONY: help demo demo-training serve test test-all check bench bench-signals train-detectors fix reference lock clean $(HEAVY:%=test-%)

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## Watch the main job on a real model (DEMO_MODEL=scripted: without one; KEEP=1: leave it running)
	@if [ "$(DEMO_MODEL)" = scripted ] || $(MAKE) --no-print-directory .venvs/model/.ready; then \
		$(BIN)/backtalk demo $(if $(DEMO_MODEL),--model $(DEMO_MODEL)) $(if $(KEEP),--keep); \
	else \
		echo "The model's packages cannot be fetched here: the scripted provider answers instead."; \
		$(BIN)/backtalk demo --model scripted $(if $(KEEP),--keep); \
	fi

demo-training: .venvs/evaluation/.backtalk .venvs/model/.ready .venvs/trl/.ready ## Watch corrections become a better model (minutes)
	@.venvs/evaluation/bin/backtalk demo --train

serve: $(READY) ## Run Backtalk here (UPSTREAM=URL of a model API, ARGS=more options)
	@$(BIN)/backtalk serve $(if $(UPSTREAM),--upstream $(UPSTREAM)) $(ARGS)

test: $(READY) ## Run the tests, all but the heavy ones
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

test-all: test $(HEAVY:%=test-%) ## Run those too: kills, TRL, Phoenix, a real model, the demo, the clients

test-browser test-demo test-training test-chaos test-prometheus: test-%: $(READY)
	@$(BIN)/python -m pytest -m $* --timeout=1800 $(ARGS)

test-training: .venvs/evaluation/.backtalk .venvs/model/.ready .venvs/trl/.ready

# The browser is the machine's own; the React of its example comes from npm.
test-browser: .venvs/node/node_modules/.package-lock.json

# The heavy packages live in an environment of their own; the tests start its programs.
test-clients: .venvs/clients-openai2/.ready .venvs/clients-aider/.ready
test-node: .venvs/node/node_modules/.package-lock.json
test-formats: .venvs/formats-ragas/.ready .venvs/promptfoo/node_modules/.package-lock.json
test-engines test-trl test-formats test-backends test-phoenix test-mlflow test-model test-clients test-node test-hosts test-redis test-evaluation test-notebook: test-%: $(READY) .venvs/%/.ready
	@$(BIN)/python -m pytest -m $* --timeout=1800 $(ARGS)

check: $(CHECK_READY) ## Run the linters and the type checkers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-logo

bench: $(READY) ## Measure; the figures of the README come from here (SIZE=10000000: datasets of so many calls)
	@$(BIN)/python tests/bench/load.py $(ARGS)
	@$(BIN)/python tests/bench/worker_cpu.py
	@$(BIN)/python tests/bench/freshness.py
	@$(BIN)/python tests/bench/feedback.py
	@$(BIN)/python tests/bench/telemetry.py
	@$(BIN)/python tests/bench/datasets.py
	@$(BIN)/python -m pytest -m bench -n 0 -p no:randomly -s --timeout=3600

bench-signals: .venv/.signals-ready ## Score the signals on labelled files (DATA=folder, COMPARE=earlier output)
	@$(BIN)/python tests/bench/signals.py $(or $(DATA),../shared/signals/dev) $(if $(COMPARE),--compare $(COMPARE))

train-detectors: .venv/.signals-ready ## Fit the pair model anew (DATA=folder)
	@$(BIN)/backtalk-train-detectors $(or $(DATA),../shared/signals/dev) --out proxy/backtalk/text --seen tests/bench/pairs_seen.bin

fix: $(CHECK_READY) ## Format, and mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

reference: $(READY) ## Write proxy/REFERENCE.md, deploy/example.toml, deploy/grafana/ and deploy/sql/ from the code
	@$(BIN)/python tests/house/reference.py
	@$(BIN)/python tests/house/dashboards.py
	@$(BIN)/python tests/house/sql.py

lock: $(CHECK_READY) .venvs/node/.ready ## Resolve the locks anew (UPGRADE=--upgrade: to the newest versions)
	$(COMPILE) pyproject.toml --group test -o deploy/requirements.lock
	$(COMPILE) --group check -c deploy/requirements.lock -o deploy/locks/check.lock
	$(COMPILE) deploy/locks/backends.in -o deploy/locks/backends.lock
	$(COMPILE) deploy/locks/clients.in -o deploy/locks/clients.lock
	$(COMPILE) deploy/locks/clients-aider.in -o deploy/locks/clients-aider.lock
	$(COMPILE) deploy/locks/clients-openai2.in -o deploy/locks/clients-openai2.lock
	$(COMPILE) deploy/locks/signals.in -c deploy/requirements.lock -o deploy/locks/signals.lock
	$(COMPILE) pyproject.toml --extra evaluation -o deploy/locks/evaluation.lock
	$(COMPILE) deploy/locks/engines.in -o deploy/locks/engines.lock
	$(COMPILE) deploy/locks/formats.in -o deploy/locks/formats.lock
	$(COMPILE) deploy/locks/formats-ragas.in -o deploy/locks/formats-ragas.lock
	$(COMPILE) deploy/locks/hosts.in pyproject.toml -o deploy/locks/hosts.lock
	$(COMPILE) deploy/locks/mlflow.in -o deploy/locks/mlflow.lock
	$(COMPILE) deploy/locks/model.in -o deploy/locks/model.lock
	$(COMPILE) deploy/locks/node.in -o deploy/locks/node.lock
	$(if $(UPGRADE),rm -f deploy/locks/node/package-lock.json)
	.venvs/node/bin/npm install --package-lock-only --prefix deploy/locks/node
	$(if $(UPGRADE),rm -f deploy/locks/promptfoo/package-lock.json)
	.venvs/node/bin/npm install --package-lock-only --force --prefix deploy/locks/promptfoo
	$(COMPILE) deploy/locks/notebook.in pyproject.toml --extra notebook -o deploy/locks/notebook.lock
	$(COMPILE) deploy/locks/phoenix.in -o deploy/locks/phoenix.lock
	$(COMPILE) deploy/locks/redis.in -o deploy/locks/redis.lock
	$(COMPILE) deploy/locks/trl.in --override deploy/locks/trl-overrides.in -o deploy/locks/trl.lock

clean: ## Remove the environments and the demo's data
	rm -rf .venv .venvs .demo

$(READY): deploy/requirements.lock pyproject.toml
	@echo "Setting up .venv"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python $(LOCKED) deploy/requirements.lock -q
	@$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@

$(CHECK_READY): $(READY) deploy/locks/check.lock
	@echo "Adding the linters to .venv"
	@$(BIN)/python $(LOCKED) deploy/locks/check.lock -q
	@touch $@

.venv/.signals-ready: $(READY) deploy/locks/signals.lock
	@echo "Adding the sentence encoder and LightGBM to .venv"
	@$(BIN)/python $(LOCKED) deploy/locks/signals.lock -q
	@touch $@

.venvs/%/.ready: deploy/locks/%.lock
	@echo "Setting up .venvs/$* (once; packages are kept in pip's cache)"
	@$(PYTHON) -m venv .venvs/$*
	@.venvs/$*/bin/python $(LOCKED:-r=) $(addprefix -r ,$^) $(SOURCES_$*)
	@touch $@

# Backtalk itself, as in .venv, where a command needs what only this environment has.
.venvs/evaluation/.backtalk: .venvs/evaluation/.ready $(READY)
	@rm -rf .venvs/evaluation/wheel
	@$(BIN)/python -m hatchling build -t wheel:editable -d .venvs/evaluation/wheel
	@.venvs/evaluation/bin/python -m pip install --disable-pip-version-check -q --no-deps --no-index --force-reinstall .venvs/evaluation/wheel/*.whl
	@touch $@

# torch has a lock of its own, written by hand: of its many builds only those for processors and for Apple's machines.
.venvs/trl/.ready: deploy/locks/torch.lock

.venvs/node/node_modules/.package-lock.json: .venvs/node/.ready deploy/locks/node/package-lock.json
	@cp deploy/locks/node/package.json deploy/locks/node/package-lock.json .venvs/node
	@.venvs/node/bin/npm ci --prefix .venvs/node --ignore-scripts --no-audit --no-fund
	@touch $@

# Left out is what only providers of promptfoo need (2 GB); its database is named in package.json once for each machine.
.venvs/promptfoo/node_modules/.package-lock.json: .venvs/node/.ready deploy/locks/promptfoo/package-lock.json
	@mkdir -p .venvs/promptfoo
	@cp deploy/locks/promptfoo/package.json deploy/locks/promptfoo/package-lock.json .venvs/promptfoo
	@.venvs/node/bin/npm ci --prefix .venvs/promptfoo --ignore-scripts --omit=optional --force --no-audit --no-fund
	@touch $@
