# Two commands do all the set-up on a machine that has Python and pip: `make quickstart` and `make test`.
PYTHON ?= python3
PIP_FLAGS ?= --disable-pip-version-check
BIN := .venv/bin
# Empty to install the newest releases that setup.cfg allows.
CONSTRAINTS ?= requirements/constraints.txt
PIP_ARGUMENTS := -m pip install $(PIP_FLAGS) $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
PIP := $(BIN)/python $(PIP_ARGUMENTS)
ONEDL_PIP := .venv-onedl/bin/python $(PIP_ARGUMENTS)

.PHONY: quickstart quickstart-busi test test-slow test-onedl soak lint clean

quickstart: .venv/installed
	$(BIN)/python tools/quickstart.py phantoms

# The same protocol on the published BUSI files: make quickstart-busi BUSI=/path/to/Dataset_BUSI_with_GT
quickstart-busi: .venv/installed
	$(BIN)/python tools/quickstart.py busi --source "$(BUSI)"

test: .venv/tests lint
	# One thread a worker: two workers of two threads each would fight over two cores.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

# Full-size models, the compiler and the audit of all of BUSI: some minutes more.
test-slow: .venv/tests
	OMP_NUM_THREADS=2 $(BIN)/python -m pytest -m slow

# The same tests in a second environment that has onedl-mmengine, the maintained fork, in place of mmengine.
test-onedl: .venv-onedl/tests
	OMP_NUM_THREADS=1 .venv-onedl/bin/python -m pytest -n 2 --dist worksteal -m "not slow"

# Kills runs, damages checkpoints and fuzzes every reader: five minutes on two idle cores. make soak SOAK="--seed 1 --files 5000" does another part.
soak: .venv/tests
	OMP_NUM_THREADS=1 $(BIN)/python tools/benchmarks/soak.py $(SOAK)

lint: .venv/tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.venv/installed: setup.cfg setup.py pyproject.toml requirements/runtime.txt requirements/constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the packages of requirements/runtime.txt; this takes a few minutes the first time"
	$(PIP) torch torchvision
	$(PIP) -e .
	touch $@

.venv/tests: .venv/installed requirements/tests.txt
	$(PIP) -r requirements/tests.txt
	touch $@

# The package itself without its requirements, which would install mmengine over the fork: both write to mmengine/.
.venv-onedl/tests: setup.cfg setup.py pyproject.toml requirements/runtime.txt requirements/tests.txt requirements/constraints.txt
	test -x .venv-onedl/bin/python || $(PYTHON) -m venv .venv-onedl
	grep -v '^mmengine' requirements/runtime.txt > .venv-onedl/requirements.txt
	$(ONEDL_PIP) torch torchvision
	$(ONEDL_PIP) onedl-mmengine -r .venv-onedl/requirements.txt -r requirements/tests.txt
	$(ONEDL_PIP) --no-deps -e .
	touch $@

clean:
	rm -rf .venv .venv-onedl build dist work_dirs/quickstart work_dirs/quickstart_busi
