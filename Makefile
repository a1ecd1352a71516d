# Everything starts from Python >= 3.11 and make: `make demo`, `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-long check lint types imports unit bench lock clean

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

# --no-deps: the lock file is complete, so nothing outside it can come in.
$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Mend: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@echo "setting up $(VENV) from requirements.lock"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.ready  ## the main job on a simulated portfolio, in ./demo; then serves it (SERVE=0 does not)
	@$(BIN)/roadworthy demo --out $(OUT) $(if $(filter 0,$(SERVE)),,--serve)

test: check unit  ## everything: lint, types, import contracts, all tests

check: lint types imports

lint: $(VENV)/.ready
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.ready
	@$(BIN)/mypy

imports: $(VENV)/.ready
	@$(BIN)/lint-imports

unit: $(VENV)/.ready
	@$(BIN)/python -m pytest -n 2 --no-loadscope-reorder

test-long: $(VENV)/.ready  ## the promises at full length: kills, cuts, fuzzing, every model; takes many hours
	@LONG_TESTS=1 $(BIN)/python -m pytest -n 0 -s tests/faults tests/jobs/test_killed.py tests/http/test_fuzzing.py tests/model

bench: $(VENV)/.ready  ## what we claim about speed, one JSON line each
	@for file in benchmarks/*.py; do $(BIN)/python $$file; done

lock:  ## resolve the dependencies anew (needs uv)
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --custom-compile-command "make lock" --all-extras --group dev pyproject.toml -o requirements.lock

clean:  ## remove what make made
	rm -rf $(VENV) demo build dist site
