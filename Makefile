# Two commands set everything up: `make demo` and `make test`. Both work offline once installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv --quiet

export HF_HUB_OFFLINE := 1

.PHONY: demo test test-network test-corpora check bench wheel lock clean
demo: $(VENV)/.installed
	$(BIN)/dalle demo

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest

# Readers compared with packages that are downloaded for it.
test-network: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m network

# Decoders on public collections of broken images, which are downloaded for it.
test-corpora: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m corpora

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q tests/architecture

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

# Setuptools takes into a wheel whatever an earlier build left in build/.
wheel: $(VENV)/.installed
	rm -rf build dist
	$(UV) build --wheel --no-build-isolation --python $(BIN)/python --out-dir dist .
	rm -rf build

# The pinned set is complete, so nothing is resolved at install: `--no-deps`.
$(VENV)/bin/uv:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or 3.12 is needed, this is %d.%d; try make PYTHON=python3.11" % sys.version_info[:2] if not (3, 11) <= sys.version_info[:2] < (3, 13) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==0.13.8

$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/bin/uv
	$(UV) pip install --python $(BIN)/python --no-deps --require-hashes --compile-bytecode -r requirements.txt
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(UV) pip install --python $(BIN)/python --no-deps --require-hashes --compile-bytecode -r requirements-dev.txt
	touch $@

# Pin again after a change of pyproject.toml. The second file holds only what tests need besides the first, which is
# installed before it; what the first pins under a marker alone is in both, since tests may need it without one.
LOCK = $(UV) pip compile pyproject.toml --extra all --override overrides.txt --generate-hashes --universal \
  --python-version 3.11 --no-emit-index-url --no-header
lock: $(VENV)/bin/uv
	$(LOCK) -o requirements.txt
	$(LOCK) --extra dev -c requirements.txt -o requirements-dev.txt \
	  $$(sed -n 's/^\([a-z0-9._-]*\)==[^;]*$$/--no-emit-package \1/p' requirements.txt)

clean:
	rm -rf $(VENV) runs build dist *.egg-info
