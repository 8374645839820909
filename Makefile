# The two commands a newcomer needs: `make demo` and `make test`. Each sets up what it needs.
.PHONY: demo test check docs bench soak screenshots calibrate notebook setup setup-dev
PYTEST = .venv/bin/python -m pytest
CODE = src tests bench
SEED ?= 1
BUDGET ?= 600
FUZZ_TIMES ?= 5

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

# Customers in trouble for so many seconds, then other cases for each interface, by the seed.
soak: setup-dev
	.venv/bin/python -m bench.soak --seed $(SEED) --seconds $(BUDGET)
	FUZZ_SEED=$(SEED) FUZZ_TIMES=$(FUZZ_TIMES) $(PYTEST) -q -n 3 tests/web/test_fuzz.py tests/web/test_fuzz_console.py

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
