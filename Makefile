# `make demo` and `make test` do all the set-up on a fresh clone: they make .venv and install into it what constraints.txt pins.
#
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu     PyTorch without CUDA, on Linux
#   make demo PYTHON=python3.12                                    another Python, 3.11 or newer

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
WORKERS ?= auto

.PHONY: help demo test test-slow lint format book bench clean

help:
	@echo "make demo       forecast real weather, translate English to Japanese, and write a page of both"
	@echo "make test       the tests"
	@echo "make test-slow  the slow tests: training, kills and resumes, browsers"
	@echo "make lint       ruff and pyright; what pre-commit runs"
	@echo "make format     let ruff mend what it can"
	@echo "make book       build the book into book/_build/html"
	@echo "make bench      measure speed and memory into benchmarks/results"
	@echo "make clean      remove .venv and everything built"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "unrolled needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make demo PYTHON=python3.12" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install -q -c constraints.txt --index-url $(TORCH_INDEX) torch)
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev,book]"
	@touch $(READY)

demo: $(READY)
	$(BIN)/unrolled demo

# One torch thread a worker: the workers are the parallelism.
test: export OMP_NUM_THREADS = 1
test: $(READY)
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not slow and not browser"

test-slow: export OMP_NUM_THREADS = 1
test-slow: $(READY)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal --durations 20 -m "slow or browser"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# One thread, so that a page and the command it runs compute the same bits. Executes every page; what didn't change comes from the cache. A failing cell or a request off the machine fails it.
book: export OMP_NUM_THREADS = 1
book: $(READY)
	$(BIN)/sphinx-build -W --keep-going -b html book book/_build/html
	@echo "open book/_build/html/index.html"

bench: $(READY)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) book/_build dist build .pytest_cache .ruff_cache .hypothesis
