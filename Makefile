# `make run` and `make test` are all a newcomer needs; both set up what is missing first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# One worker a core; tests/conftest.py says which tests stay together, files in their order.
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: run test e2e lint format bench screenshots

run: $(READY)
	$(BIN)/python -m alembic upgrade head
	$(BIN)/streamlit run app.py --server.maxUploadSize $${FADEBENCH_MAX_UPLOAD_MB:-200}

test: $(READY)
	$(BIN)/python -m pytest -m "not e2e" $(SIDE_BY_SIDE)

e2e: $(READY)
	$(BIN)/python -m pytest -m e2e

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m benchmarks.train_loops

screenshots: $(READY)
	$(BIN)/python -m tests.e2e.screenshots

# Written last, so that an interrupted installation is taken up again.
$(READY): requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	touch $(READY)
