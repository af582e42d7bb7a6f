# Two commands do all the set-up on a machine that has Python and pip: `make quickstart` and `make test`.
PYTHON ?= python3
PIP_FLAGS ?= --disable-pip-version-check
BIN := .venv/bin
# Empty to install the newest releases that setup.cfg allows.
CONSTRAINTS ?= requirements/constraints.txt
PIP := $(BIN)/python -m pip install $(PIP_FLAGS) $(if $(CONSTRAINTS),-c $(CONSTRAINTS))

.PHONY: quickstart quickstart-busi test test-slow lint clean

quickstart: .venv/installed
	$(BIN)/python tools/quickstart.py phantoms

# The same cascade on the published BUSI files: make quickstart-busi BUSI=/path/to/Dataset_BUSI_with_GT
quickstart-busi: .venv/installed
	$(BIN)/python tools/quickstart.py busi --source "$(BUSI)"

test: .venv/tests lint
	# One thread a worker: two workers of two threads each would fight over two cores.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

# Full-size models, the compiler and the audit of all of BUSI: some minutes more.
test-slow: .venv/tests
	OMP_NUM_THREADS=2 $(BIN)/python -m pytest -m slow

lint: .venv/tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.venv/installed: setup.cfg pyproject.toml requirements/runtime.txt requirements/constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the packages of requirements/runtime.txt; this takes a few minutes the first time"
	$(PIP) torch torchvision
	$(PIP) -e .
	touch $@

.venv/tests: .venv/installed requirements/tests.txt
	$(PIP) -r requirements/tests.txt
	touch $@

clean:
	rm -rf .venv work_dirs/quickstart work_dirs/quickstart_busi
