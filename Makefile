# Every task in one list; CI calls the same. `make` alone explains itself.
# Works with any POSIX make; all tools run from .venv, which is made and kept complete by scripts/setup.py.

BIN = .venv/bin
PYTEST = $(BIN)/python -m pytest
JOBS = 2
STUDY = studies/digits
SCHEDULES = "warmup(5%) | cosine(end=0.1)" "wsd(warmup=5%)" "one_cycle()"

.PHONY: help venv frameworks run test lint types tests quick nightly bench picture format clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

venv: ## make .venv, or bring it up to date (the other targets do so themselves)
	@python=$$(sh scripts/python.sh) && exec "$$python" scripts/setup.py

frameworks: ## the same .venv with every framework and trainer in it (the tests do so themselves)
	@python=$$(sh scripts/python.sh) && exec "$$python" scripts/setup.py frameworks

run: venv ## the main job: search schedules for handwritten digits inside a budget, end with a verdict and one HTML page
	@echo "[run] which schedule at which peak is best for a small network on handwritten digits? 1 to 3 minutes"
	@$(BIN)/calando tune examples/digits_torch.py:train --study $(STUDY) --budget 40runs --workers $(JOBS)
	@echo "[run] again: make run shows this verdict at once; rm -r $(STUDY) begins anew"

test: lint types tests ## everything that CI asks: lint, types, all tests

lint: venv ## ruff: rules and layout
	@echo "[test] ruff check, ruff format --check"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "[test] layout differs: make format"; exit 1; }

types: frameworks ## mypy --strict over src
	@echo "[test] mypy --strict"
	@$(BIN)/mypy

tests: frameworks ## all tests, and every example in a docstring or the README
	@echo "[test] pytest: what measures time, by itself"
	@$(PYTEST) -q -m "alone and not nightly"
	@echo "[test] pytest: everything else, on $(JOBS) cores"
	@$(PYTEST) -q -m "not alone and not nightly" -n $(JOBS)

quick: frameworks ## the tests without those marked slow, on one core
	@$(PYTEST) -m "not slow and not nightly and not alone" -x

nightly: frameworks ## all tests with many more random examples and more kills
	@CALANDO_KILLS=12 $(PYTEST) -n $(JOBS) -m "" --hypothesis-profile=nightly --timeout=3600

bench: frameworks ## what steps and studies cost beside their peers, and how well tune and find choose
	@$(BIN)/python bench/overhead.py
	@$(BIN)/python bench/frameworks.py
	@$(BIN)/python bench/lab.py
	@$(BIN)/python bench/tune.py
	@cat bench/results/find.md
	@$(BIN)/python -m bench.replay_llama
	@$(BIN)/python bench/forecast.py
	@$(BIN)/python -m bench.watch.overhead
	@$(BIN)/python -m bench.watch.virtual --tables

picture: venv ## draw the README's picture again
	@$(BIN)/calando show $(SCHEDULES) --horizon 10000 --peak 3e-4 --svg docs/schedules.svg

format: venv ## let ruff lay the code out and repair what it can
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

clean: ## remove .venv and every cache (studies stay)
	rm -rf .venv .setup.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
