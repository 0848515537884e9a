# make setup, demo, test, test-all, studio, check. Everything is installed in .venv; a second run does nothing again.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
TESTS ?= tests
WORKERS ?= 3
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# llama.cpp for any x86-64 of the last ten years, not for the processor that built it: an environment may be copied, and
# a virtual machine may name instructions (AMX) that it does not carry out. `make setup CMAKE_ARGS=` builds for this one.
export CMAKE_ARGS ?= -DGGML_NATIVE=OFF

.PHONY: setup demo test test-all studio check format chromium clean

setup: $(READY)

$(READY): pyproject.toml packaging/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Understudy needs Python 3.11 or newer; set PYTHON=python3.x")'
	@echo "1/3 Making the virtual environment in .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "2/3 Installing the pinned dependencies (the first time, building llama-cpp-python takes about ten minutes)"
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --constraint packaging/constraints.txt --editable . --group dev
	@echo "3/3 Fetching the GGUF converter and checking the machine"
	@$(BIN)/understudy setup
	@touch $(READY)

demo: setup
	@$(BIN)/understudy demo

studio: setup
	@$(BIN)/understudy open

chromium: setup
	@$(BIN)/python packaging/chromium.py

test: setup chromium
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -ra -m "not slow" $(TESTS)

test-all: setup chromium
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -ra --timeout 1800 $(TESTS)

check: setup chromium
	$(BIN)/ruff format studio tests packaging
	$(BIN)/ruff check --fix studio tests packaging
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -ra -m "not slow" $(TESTS)

clean:
	rm -rf .venv build dist
