# The two commands a newcomer needs: `make demo` and `make test`. Each sets up what it needs.
.PHONY: demo test check docs bench soak screenshots calibrate notebook setup setup-dev
PYTEST = .venv/bin/python -m pytest
CODE = src tests bench
SEED ?= 1
BUDGET ?= 600

demo: setup
	@.venv/bin/tallystick demo $(ARGS)

test: check
	scripts/test $(ARGS)

check: setup-dev
	.venv/bin/ruff check $(CODE)
	.venv/bin/ruff format --check $(CODE)
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTEST) -q tests/test_tidy.py

bench: setup-dev
	.venv/bin/python -m bench --save $(ARGS)

soak: setup-dev
	.venv/bin/python -m bench.soak --seed $(SEED) --seconds $(BUDGET)

screenshots: setup-dev
	scripts/screenshots

docs: setup-dev
	scripts/docs

# The posterior of `whatif hubs` and its report, from the figures in the package.
calibrate: setup-dev
	.venv/bin/tallystick whatif calibrate --save --smc --docs docs/concepts/whatif-calibration

notebook: setup-dev
	.venv/bin/jupyter execute notebooks/whatif_hubs.ipynb --output=whatif_hubs_run

setup:
	@scripts/setup run

setup-dev:
	@scripts/setup dev
