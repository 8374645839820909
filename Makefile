# The two commands a newcomer needs: `make demo` and `make test`. Both set up what they need.
.PHONY: demo test check bench soak setup setup-dev
PYTEST = .venv/bin/python -m pytest

setup:
	@scripts/setup run

setup-dev:
	@scripts/setup dev

demo: setup
	@.venv/bin/tallystick demo $(ARGS)

check: setup-dev
	.venv/bin/ruff check src tests
	.venv/bin/ruff format --check src tests
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTEST) -q tests/test_tidy.py

test: check
	$(PYTEST) -q -n 2 --dist loadfile $(ARGS)
