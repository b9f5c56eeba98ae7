# A fresh machine needs Python >= 3.10 with venv, git and make; the rest comes into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint types docs wheel check clean

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --durations=10

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.lint $(VENV)/.test $(VENV)/.demo
	$(BIN)/mypy

docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict --quiet

# The wheel in an environment that has nothing else.
wheel: $(VENV)/.package
	rm -rf build/wheel && $(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel .
	$(PYTHON) -m venv --clear build/clean
	build/clean/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt build/wheel/*.whl
	cd build && clean/bin/python -W error -c "import srblocks as sr; print('srblocks', sr.__version__, len(sr.list_models()), 'models')"

check: lint types docs wheel test

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'

$(VENV)/.package: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.demo: $(VENV)/.package
	$(INSTALL) --editable '.[demo]'
	@touch $@

$(VENV)/.test: $(VENV)/.package
	$(INSTALL) --editable '.[onnx,train]' --group test
	@touch $@

$(VENV)/.lint: $(VENV)/.package
	$(INSTALL) --group lint --group bench
	@touch $@

$(VENV)/.docs: $(VENV)/.package
	$(INSTALL) --group docs
	@touch $@

clean:
	rm -rf $(VENV) build dist site demo .mypy_cache .ruff_cache .pytest_cache
