# The two commands a newcomer needs: `make demo` and `make test`. Each sets up what it needs.
.PHONY: demo test check bench soak screenshots docs setup setup-dev
PYTEST = .venv/bin/python -m pytest
CODE = src tests scripts $(wildcard bench)
SEED ?= 1
BUDGET ?= 600

demo: setup
	@.venv/bin/tallystick demo $(ARGS)

test: check
	$(PYTEST) -q -n 2 --dist loadfile $(ARGS)

check: setup-dev
	.venv/bin/ruff check $(CODE)
	.venv/bin/ruff format --check $(CODE)
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTEST) -q tests/test_tidy.py

bench: setup-dev
	.venv/bin/python -m bench $(ARGS)

soak: setup-dev
	.venv/bin/python -m bench.soak --seed $(SEED) --budget $(BUDGET) $(ARGS)

screenshots: setup-dev
	scripts/screenshots $(ARGS)

docs: setup-dev
	scripts/docs

setup:
	@scripts/setup run

setup-dev:
	@scripts/setup dev
