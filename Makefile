# Two commands set everything up: `make demo` and `make test`. Both work offline once installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv --quiet

export HF_HUB_OFFLINE := 1

.PHONY: demo test test-network test-corpora test-dataflow test-flink test-flink-rows test-prism test-browser flink-packages flink-up flink-down check bench wheel image-digests image lock clean
demo: $(VENV)/.installed
	$(BIN)/dalle demo

# On all cores; a file's tests stay together, since what they share is made once for each process. The sources are compiled
# before, since each command and each worker is a process, of which some may write no large files, and hence no compiled ones.
test: $(VENV)/.installed-dev
	$(BIN)/python -m compileall -q dalle dalle_model orchestration pipelines
	$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

# Readers compared with packages that are downloaded for it.
test-network: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m network tests/pipelines/crawl/archives

# Decoders on public collections of broken images, which are downloaded for it.
test-corpora: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m corpora tests/pipelines/images

# What Google's cloud needs lies in a folder of its own, beside the environment that all else is tested in.
GCP := $(VENV)/gcp
test-dataflow: $(GCP)/.installed
	PATH="$(CURDIR)/$(GCP)/bin:$$PATH" PYTHONPATH="$(GCP)" $(BIN)/python -m pytest -q \
	  tests/infra/dataflow/graph.py tests/infra/dataflow/policies.py tests/infra/images/lint.py

$(GCP)/.installed: infra/images/requirements-gcp.txt infra/requirements-check.txt $(VENV)/.installed-dev
	rm -rf $(GCP)
	$(UV) pip install --python $(BIN)/python --target $(GCP) --no-deps --require-hashes \
	  -r infra/images/requirements-gcp.txt -r infra/requirements-check.txt
	touch $@

# A cluster of two TaskManagers on this machine: needs Java 17 and Maven, and downloads the rest.
test-flink: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m flink tests/flink tests/infra/flink

# The same of a hundred thousand rows.
test-flink-rows: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m flink tests/flink/rows.py

# Beam's Prism, built by Go, on this project's wheel alone.
test-prism: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q tests/endtoend/prism.py

# Raters at the page of a human study: needs Chromium.
test-browser: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q tests/orchestration/human_study/browser.py

# What the cluster is made of, without starting it.
flink-packages: $(VENV)/.installed
	$(BIN)/python -m tools.flink install

flink-up: $(VENV)/.installed
	$(BIN)/python -m tools.flink up

flink-down:
	$(BIN)/python -m tools.flink down

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

# Setuptools takes into a wheel whatever an earlier build left in build/.
wheel: $(VENV)/.installed
	rm -rf build dist
	$(UV) build --wheel --no-build-isolation --python $(BIN)/python --out-dir dist .
	rm -rf build

# The image; needs Docker, and digests that are looked up once (infra/images/README.md).
VARIANT ?= cpu
IMAGE ?= dalle:$(VARIANT)
DIGESTS := infra/images/digests.env
DIGEST_OF = docker buildx imagetools inspect --format '{{.Manifest.Digest}}'
BASES = $(shell sed -n 's/^FROM \([^@]*\)@.*/\1/p' infra/images/Dockerfile | sort -u)
TORCH = $(shell sed -n 's/^torch==\([^ ]*\).*/\1/p' requirements.txt)
image-digests:
	rm -rf build/torch
	docker run --rm -v "$(CURDIR)/build/torch:/torch" $(filter python:%,$(BASES)) pip download --no-deps --dest /torch \
	  --index-url https://download.pytorch.org/whl/cpu torch==$(TORCH)+cpu
	{ echo "BEAM_DIGEST=$$($(DIGEST_OF) $(filter apache/beam%,$(BASES)))"; \
	  echo "LAUNCHER_DIGEST=$$($(DIGEST_OF) $(filter gcr.io/%,$(BASES)))"; \
	  echo "PYTHON_DIGEST=$$($(DIGEST_OF) $(filter python:%,$(BASES)))"; \
	  echo "TORCH_CPU_SHA256=$$(sha256sum build/torch/*.whl | cut -c1-64)"; } > $(DIGESTS).new
	! grep '=$$' $(DIGESTS).new
	mv $(DIGESTS).new $(DIGESTS)

image: $(DIGESTS)
	set -a && . ./$(DIGESTS) && docker buildx build --load --tag $(IMAGE) --file infra/images/Dockerfile \
	  --build-arg BEAM_DIGEST --build-arg LAUNCHER_DIGEST --build-arg PYTHON_DIGEST \
	  --build-arg TORCH_CPU_SHA256 --build-arg VARIANT=$(VARIANT) .

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
PIN = $(UV) pip compile --override overrides.txt --generate-hashes --universal --python-version 3.11 \
  --no-emit-index-url --no-header
LOCK = $(PIN) pyproject.toml --extra all
NOT_AGAIN = $$(sed -n 's/^\([a-z0-9._-]*\)==[^;]*$$/--no-emit-package \1/p' requirements.txt)
lock: $(VENV)/bin/uv
	$(LOCK) -o requirements.txt
	$(LOCK) --extra dev -c requirements.txt -o requirements-dev.txt \
	  $(NOT_AGAIN)
	$(PIN) pyproject.toml --extra gcp -c requirements.txt -o infra/images/requirements-gcp.txt $(NOT_AGAIN)
	$(PIN) infra/requirements-check.in -c requirements.txt -o infra/requirements-check.txt $(NOT_AGAIN)

clean:
	test ! -d .flink || $(BIN)/python -m tools.flink down
	rm -rf $(VENV) .flink runs build dist *.egg-info
