# Everything happens inside .venv; `make help` lists what there is.
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench

.PHONY: help run test editors faults crash fuzz lint bench fmt lock clean

help:
	@echo "make run     install, then make the three videos of recipes/quickstart.yaml"
	@echo "make test    install the test tools too and run the suite"
	@echo "make editors install the language server that 'make test' then checks recipes with (needs npm)"
	@echo "make faults  pay for recipes/week12.yaml in fifty worlds full of troubles (simulated), and the thorough tests"
	@echo "make crash   kill the command 320 times while it pays simulated services; nothing may be paid twice or lost"
	@echo "make fuzz    put 10,000 faults into valid recipes, and make 20,000 recipes up: each is told what is wrong, where"
	@echo "make lint    ruff, mypy, flake8-async, import-linter"
	@echo "make bench   every measurement of docs/performance.md"
	@echo "make fmt     format the code"
	@echo "make lock    resolve the lock files anew"
	@echo "make clean   remove .venv, caches and output"

run: $(VENV)/.run
	$(BIN)/tiktoker-batch run recipes/quickstart.yaml

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 3

editors: tests/editors/node_modules/.package-lock.json

tests/editors/node_modules/.package-lock.json: tests/editors/package-lock.json
	@echo "installing the language server into tests/editors"
	@npm ci --silent --no-audit --no-fund --prefix tests/editors
	@touch $@

faults: $(VENV)/.dev
	FAULT_SEEDS=50 $(BIN)/python -m pytest -n 2 tests/faults/test_paying.py
	$(BIN)/python -m pytest -n 2 -m thorough

crash: $(VENV)/.dev
	FRESH_STARTS=1 CRASH_KILLS=320 $(BIN)/python -m pytest -s -m "thorough or not thorough" tests/faults/test_crash.py
	REPLAY_EXAMPLES=500 $(BIN)/python -m pytest tests/engine/test_replay.py

fuzz: $(VENV)/.dev
	MADE_RECIPES=20000 MUTATIONS=10000 $(BIN)/python -m pytest -s -n 2 -m thorough tests/unit/test_made_recipes.py tests/unit/test_mutations.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/flake8-async --disable ASYNC114,ASYNC124,ASYNC127,ASYNC9 $$(find tiktoker_batch tests -name '*.py')
	$(BIN)/lint-imports

# moviepy wants an older Pillow, so it and the other baselines (Snakemake, Prefect) have a house of their own.
bench: $(VENV)/.dev $(BENCH)/.ready
	$(BIN)/python -m tests.benchmarks.quickstart
	$(BIN)/python -m tests.benchmarks.validation
	$(BIN)/python -m tests.benchmarks.expansion
	$(BIN)/python -m tests.benchmarks.narration_accuracy
	$(BENCH)/bin/python -m tests.benchmarks.assembly_vs_moviepy
	$(BIN)/python -m tests.benchmarks.crash
	$(BIN)/python -m tests.benchmarks.journal
	$(BIN)/python -m tests.benchmarks.schedule
	$(BIN)/python -m tests.benchmarks.throttling
	$(BIN)/python -m tests.benchmarks.in_flight
	$(BIN)/python -m tests.benchmarks.estimates
	$(BIN)/python -m tests.benchmarks.waiting
	$(BIN)/python -m tests.benchmarks.scale
	$(BIN)/python -m tests.benchmarks.tail
	$(BENCH)/bin/python -m tests.benchmarks.engines
	$(BIN)/python -m tests.benchmarks.resume
	$(BIN)/python -m tests.benchmarks.startup
	$(BIN)/python -m tests.benchmarks.hedging
	$(BIN)/python -m tests.benchmarks.against_tiktoker

fmt: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Universal: one file for every platform and Python from 3.11 on.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" pyproject.toml
lock: $(VENV)/.dev
	$(LOCK) -o requirements.lock
	$(LOCK) --group test --group lint -o requirements-dev.lock
	$(LOCK) --group bench -o requirements-bench.lock

clean:
	rm -rf $(VENV) $(BENCH) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist output

# ---------------------------------------------------------------------- installing
# Each stamp is newer than the lock file it was installed from.

$(VENV)/.run: $(VENV)/.made requirements.lock
	@echo "installing into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements-dev.lock
	@echo "installing the test tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.run

$(BENCH)/.ready: $(VENV)/.made requirements-bench.lock
	@echo "installing the bench tools into $(BENCH)"
	@[ -x $(BENCH)/bin/python ] || $(BIN)/python -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

# The project itself: hatchling comes pinned by pyproject.toml.
$(VENV)/.made: pyproject.toml
	@python=; \
	for candidate in "$(PYTHON)" python3.13 python3.12 python3.11 python3.14 python3 python; do \
		if [ -n "$$candidate" ] && "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
		then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "tiktoker-batch needs Python 3.11 or newer: apt install python3 python3-venv, or brew install python" >&2; exit 1; \
	fi; \
	if [ ! -x $(BIN)/python ]; then \
		"$$python" -m venv $(VENV) || { echo "the venv module is missing: apt install python3-venv" >&2; rm -rf $(VENV); exit 1; }; \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
