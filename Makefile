# `make run` and `make test` are all a newcomer needs; both set up what is missing first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt
# What PyTorch brings on Linux with an NVIDIA GPU; which of it fits, PyTorch's own build says.
NOT_LOCKED := triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-, cublas \
	cuda-cupti cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse \
	cusparselt-cu13 nccl-cu13 nvjitlink nvshmem-cu13 nvtx)
# One worker a core; tests/conftest.py says which tests stay together, files in their order.
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: run ready test test-fast e2e lint format bench screenshots lock

run: $(READY)
	$(BIN)/python -m alembic upgrade head
	$(BIN)/streamlit run app.py --server.maxUploadSize $${FADEBENCH_MAX_UPLOAD_MB:-200}

ready: $(READY_DEV)

test: $(READY_DEV)
	$(BIN)/python -m pytest -m "not e2e" $(SIDE_BY_SIDE)

# What needs no processes, servers or browser and trains nothing for long (tests/lanes.py).
test-fast: $(READY_DEV)
	$(BIN)/python -m pytest -m fast $(SIDE_BY_SIDE)

e2e: $(READY_DEV)
	$(BIN)/python -m pytest -m e2e

lint: $(READY_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY_DEV)
	$(BIN)/python -m benchmarks.train_loops

screenshots: $(READY_DEV)
	$(BIN)/python -m tests.e2e.screenshots

# Versions stay as they are where they still fit. Installs uv alone: the rest may not fit yet.
lock:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "$$(grep '^uv==' requirements-dev.txt)"
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile requirements-dev.txt --quiet \
		--universal --python-version 3.11 --no-annotate --output-file constraints.txt \
		$(NOT_LOCKED:%=--no-emit-package %)

# Stamps are written last, so that an interrupted installation is taken up again.
$(READY): requirements.txt constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --requirement requirements.txt
	touch $@

$(READY_DEV): requirements-dev.txt $(READY)
	$(INSTALL) --requirement requirements-dev.txt
	touch $@
