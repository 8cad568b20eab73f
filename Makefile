# Every target sets up .venv first, when it is missing or older than the lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-$(notdir $(PYTHON))
unexport PYTHONDONTWRITEBYTECODE # each of the thousands of processes would compile all that it imports

.DEFAULT_GOAL := help
.PHONY: help install demo crash-test test check format sweep chaos chaos-long chaos-postgres otp bench bench-peers docs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@echo "setting up $(VENV) with $(PYTHON) (once; about a minute)"
	@rm -rf $(VENV)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "SCR needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

install: $(STAMP) ## Create .venv and install SCR in it

demo: $(STAMP) ## Research a question with a team of agents, each a process
	@$(BIN)/scr demo

crash-test: $(STAMP) ## Kill a worker in the middle of its task and watch it recover
	@$(BIN)/scr demo --crash-test

test: $(STAMP) ## Run all tests
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

check: $(STAMP) ## Format, lint, types, tests: what CI runs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/basedpyright --level error
	@$(MAKE) --no-print-directory test

format: $(STAMP) ## Rewrite the code in the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

chaos: $(STAMP) ## Inject faults for a minute, and see that nothing is lost or done twice
	@$(BIN)/python scripts/fault_injection.py --kills 1000 --minutes 0.7 --seed $(or $(SEED),1) || \
		{ [ $$? -eq 4 ] && echo "UNKNOWN: too few faults landed here to say that it holds; nothing was seen to break"; }

chaos-long: $(STAMP) ## 10,000 kills with SQLite, 1,000 with PostgreSQL (about an hour); the figures go into scr/docs/survival.md
	@$(BIN)/python scripts/fault_injection.py --kills 10000 --seed $(or $(SEED),1) --report .scr/chaos
	@$(MAKE) --no-print-directory chaos-postgres
	@$(BIN)/python scripts/survived.py .scr/chaos .scr/chaos-postgres

chaos-postgres: $(STAMP) ## 1,000 kills with a PostgreSQL of its own
	@$(BIN)/python scripts/fault_injection.py --kills 1000 --seed $(or $(SEED),1) --store postgres --report .scr/chaos-postgres

sweep: $(STAMP) ## Kill the runtime at every write and fsync of its store (about 30 minutes; EVERY=9 for each 9th)
	@$(BIN)/python scripts/kill_sweep.py --every $(or $(EVERY),1)

otp: $(STAMP) ## Compare supervision with that of Erlang/OTP in 300 random histories (FROM=500 for others)
	@$(BIN)/python scripts/otp_differential.py --from $(or $(FROM),0) --to $$(($(or $(FROM),0) + 195))
	@for mode in time stopkills kills many cross; do \
		$(BIN)/python scripts/otp_differential.py --mode $$mode --from $(or $(FROM),0) --to $$(($(or $(FROM),0) + 20)) \
			|| exit $$?; \
	done
	@$(BIN)/python scripts/otp_differential.py --mode real --to 5

bench: $(STAMP) ## Measure SCR, what the kernel allows and the peers that are installed, on this machine
	@$(BIN)/python scripts/bench.py $(BENCH)

bench-peers: ## Install the peers that SCR is measured beside, in a venv of their own
	@$(PYTHON) -m venv .bench/venv
	@.bench/venv/bin/python -m pip install --quiet --disable-pip-version-check -r scripts/benchmark/peers/requirements.txt

docs: $(STAMP) ## Build the documentation and the API reference as a site in .build/docs
	@$(BIN)/python scripts/docs_site.py

clean: ## Remove what the targets made
	@rm -rf $(VENV) .build .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
