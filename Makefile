# What a newcomer types: `make run`, `make test`, `make check`. It needs Python 3.11 or newer and make; a C++ compiler makes it faster.
# Another Python: make PYTHON=python3.12 run. Another folder: make VENV=/somewhere run.

VENV ?= .venv
JOBS ?= 2
PYTHON ?= $(shell for python in python3 python python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

BIN := $(VENV)/bin
NATIVE := $(wildcard bench/kernels/native/*)
# What an install depends on. Python files are not in it: installs are editable.
SOURCES := pyproject.toml setup.py constraints.txt $(NATIVE)

.PHONY: help run test check clean
.DELETE_ON_ERROR:

help:
	@echo "make run     install into $(VENV) and evaluate the shipped DeepLabV3 on the procedural street scenes"
	@echo "make test    install with the developers' tools and run every test"
	@echo "make check   lint, formatting and types"
	@echo "make clean   remove what make made"

run: $(VENV)/.installed-models
	$(BIN)/python -m bench run --model deeplab

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --cov --cov-report term:skip-covered

check: $(VENV)/.installed-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

clean:
	rm -rf $(VENV) build dist segbench.egg-info bench/kernels/*.so

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "bench needs Python 3.11 or newer, and found none: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bench needs Python 3.11 or newer; $(PYTHON) is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-models: $(SOURCES) | $(BIN)/python
	@echo "installing into $(VENV): torch and its CUDA libraries need 6 GB and some minutes (README.md installs without torch)"
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[models]"
	@touch $@

# Oracles of the tests; they ask for NumPy 1 or OpenCV and run without (tests put back what they need), hence --no-deps.
$(VENV)/.installed-dev: $(SOURCES) | $(BIN)/python
	@echo "installing into $(VENV): torch, its CUDA libraries and the developers' tools need 7 GB and some minutes"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[models,onnx,litert,report,dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps panopticapi-lite==0.2.0 lvis==0.5.3 tidecv==1.0.1
	@touch $@ $(VENV)/.installed-models
