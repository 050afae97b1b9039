# Every target sets itself up: a Python 3.10+ and a C++ compiler are all it needs.
# The rest (CMake and Ninja too) comes from the package index into .venv, in the checkout.

PYTHON ?= python3
CPP_PRESET ?= plain
PYTEST_ARGS ?=
# Files of tests go to so many processes; 0: all in one.
TEST_JOBS ?= $(shell nproc 2>/dev/null || echo 1)
BENCH_ARGS ?=
FUZZ_SECONDS ?= 60
KILLS ?= 1000
TRIALS ?= 100
MUTANTS ?= 100000
FUZZ_READERS ?= v1_messages state_file object_graph safetensors_header npy_header riegeli npz npy safetensors v1
DEMO ?= tests/golden/data/demo/model.ckpt-2000
DEMO_TENSOR ?= dense/kernel

VENV := .venv
BIN := $(VENV)/bin
# Two makes of one checkout share .venv and the build folder: one waits for the other.
ALONE := $(PYTHON) -c 'import fcntl, subprocess, sys; lock = open(".make.lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX); sys.exit(subprocess.call(sys.argv[1:]))'
PIP := $(ALONE) $(BIN)/python -m pip --disable-pip-version-check --quiet
export PATH := $(CURDIR)/$(BIN):$(PATH)

# What pyproject.toml names as build-system.requires, and the two tools pip would otherwise fetch
# for every single build. Without isolation a build folder stays valid.
BUILD_TOOLS := 'scikit-build-core>=1.0' 'pybind11>=3.0' 'numpy>=2.0' 'hatch-fancy-pypi-readme>=24' 'cmake>=3.21' ninja
# Kept between builds, so that an edit recompiles what it concerns.
KEPT_BUILD := --config-settings=build-dir='build/{wheel_tag}'
PACKAGE_FILES := pyproject.toml CMakeLists.txt $(shell find cpp src -name __pycache__ -prune -o -print)
CPP_FILES := $(wildcard cpp/*/*.?pp cpp/*/*/*.?pp tests/cpp/*.?pp tests/fuzz/*.?pp)
PYTHON_DIRS := $(wildcard src tests benchmarks docs)
TIDY_STAMPS := $(patsubst %,build/tidy/%.ok,$(wildcard cpp/*/*.cpp cpp/*/*/*.cpp))

.DEFAULT_GOAL := help
.PHONY: help venv build demo test test-cpp test-python test-clients test-remote figures-remote test-page screenshots kills blind chaos faults truncations differential hostile lint format tidy asan tsan fuzz fuzz-cpp fuzz-python bench golden docs dist clean
.DELETE_ON_ERROR:

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

venv: $(VENV)/tools.ok  ## make .venv with the build tools
build: $(VENV)/package.ok  ## compile and install the package into .venv

$(VENV)/tools.ok:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "error: Python 3.10 or newer is needed: make PYTHON=python3.12 ...")'
	@$(ALONE) $(PYTHON) -m venv $(VENV) || { echo "error: this Python cannot make virtual environments (on Debian: apt install python3-venv)" >&2; exit 1; }
	@echo 'installing the build tools into $(VENV)'
	@$(PIP) install $(BUILD_TOOLS)
	@touch $@

$(VENV)/package.ok: $(VENV)/tools.ok $(PACKAGE_FILES)
	@echo 'compiling tensorbundle and installing it into $(VENV): a minute or two the first time'
	@$(PIP) install --no-build-isolation $(KEPT_BUILD) '.[cli]'
	@touch $@

# An extra is installed once, and again when pyproject.toml changes.
$(VENV)/%-extra.ok: pyproject.toml | $(VENV)/package.ok
	@echo 'installing what the extra "$*" needs into $(VENV)'
	@$(PIP) install --no-build-isolation $(KEPT_BUILD) '.[$*]'
	@touch $@

demo: $(VENV)/package.ok  ## list, verify and extract a real checkpoint, without TensorFlow
	$(BIN)/tensorbundle ls $(DEMO)
	$(BIN)/tensorbundle verify $(DEMO)
	$(BIN)/tensorbundle show $(DEMO) $(DEMO_TENSOR)
	@mkdir -p build
	$(BIN)/tensorbundle export $(DEMO) build/demo.npz
	$(BIN)/python -c 'import numpy as np; [print(f"{name:40} {array.dtype} {array.shape}") for name, array in np.load("build/demo.npz").items()]'

test: test-cpp test-python  ## run the C++ and the Python tests

test-cpp: build/$(CPP_PRESET)/run.ok

test-python: $(VENV)/package.ok $(VENV)/test-extra.ok
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile $(PYTEST_ARGS)

test-clients: $(VENV)/package.ok $(VENV)/test-extra.ok $(VENV)/clients-extra.ok build/clients/fetched.ok  ## run the tests with torch, JAX and programs of others
	$(BIN)/python -m pytest tests/clients $(PYTEST_ARGS)

test-remote: $(VENV)/package.ok $(VENV)/test-extra.ok $(VENV)/servers-extra.ok  ## run the tests against real servers: S3, GCS, HTTP, Dask
	$(BIN)/python -m pytest tests/remote $(PYTEST_ARGS)

figures-remote: $(VENV)/package.ok $(VENV)/test-extra.ok $(VENV)/servers-extra.ok  ## print requests, round trips, processor time and memory of far reading
	$(BIN)/python -m tests.remote.figures

# Programs that read checkpoints, out of packages that would bring TensorFlow or old libraries along.
# Those of 2023 have no wheels for Pythons after 3.11: there they are left out.
build/clients/fetched.ok: Makefile | $(VENV)/clients-extra.ok
	@mkdir -p build/clients
	@$(PIP) install --no-deps llms-from-scratch==1.0.19
	@$(PIP) download --no-deps --no-binary ggml-python --dest build/clients ggml-python==0.0.45
	@tar -xzf build/clients/ggml_python-0.0.45.tar.gz -C build/clients
	-@$(PIP) install --no-deps --only-binary :all: --target build/clients/transformers-4.30 \
	  transformers==4.30.2 tokenizers==0.13.3 huggingface-hub==0.16.4
	@touch $@

test-page: $(VENV)/package.ok $(VENV)/test-extra.ok $(VENV)/page-extra.ok  ## look at report pages in Chromium (from the system)
	@command -v chromedriver >/dev/null || { echo "error: make test-page needs Chromium and its driver (on Debian: apt install chromium chromium-driver)" >&2; exit 1; }
	$(BIN)/python -m pytest tests/page $(PYTEST_ARGS)

screenshots: $(VENV)/package.ok $(VENV)/page-extra.ok  ## take the pictures of the documentation again
	$(BIN)/python -m docs.screenshots

kills: $(VENV)/package.ok $(VENV)/test-extra.ok  ## kill each writing verb a thousand times, at any moment, and look what is there
	KILLS=$(KILLS) $(BIN)/python -m pytest -q -rP -o faulthandler_timeout=0 -k random_moments tests/export/test_export_kills.py tests/write/test_writer_crash.py

chaos: $(VENV)/package.ok $(VENV)/chaos-extra.ok  ## crash trainings at every boundary of their files, by an independent tester
	$(BIN)/python -m tests.chaos.crash

differential: $(VENV)/package.ok $(VENV)/test-extra.ok  ## compare with TensorFlow on MUTANTS mutated bundles
	MUTANTS=$(MUTANTS) $(BIN)/python -m pytest -q -rP -o faulthandler_timeout=0 tests/differential/test_differential.py

hostile: $(VENV)/package.ok $(VENV)/test-extra.ok  ## read MUTANTS mutated files of each kind in little memory and time
	MUTANTS=$(MUTANTS) $(BIN)/python -m pytest -q -rP -o faulthandler_timeout=0 tests/differential/test_hostile.py

faults: $(VENV)/package.ok $(VENV)/test-extra.ok  ## make every call to the system fail in turn, for every writing verb
	FAULTS=all $(BIN)/python -m pytest -q -rP -o faulthandler_timeout=0 -k failing_in_turn tests/write/test_writer_crash.py

truncations: $(VENV)/package.ok $(VENV)/test-extra.ok  ## cut files off under every verb that reads
	TRIALS=$(TRIALS) $(BIN)/python -m pytest -q -o faulthandler_timeout=0 tests/checkpoint/test_changed_files.py

blind: $(VENV)/package.ok $(VENV)/test-extra.ok  ## build hundreds of programs, and count whose outputs are found
	BLIND=1 $(BIN)/python -m pytest -q tests/outputs/blind

asan tsan: %: build/%/run.ok
asan:  ## run the C++ tests under AddressSanitizer and UBSan
tsan:  ## run the C++ tests under ThreadSanitizer

# A run of one preset's C++ tests; .FORCE, since a test reads files that make does not see.
build/%/run.ok: $(VENV)/tools.ok .FORCE
	cmake --preset $* --log-level=WARNING
	cmake --build --preset $*
	ctest --preset $* --output-junit ctest.xml

.FORCE:

lint: $(VENV)/lint-extra.ok tidy  ## check style, types and common mistakes, Python and C++
	$(BIN)/ruff check $(PYTHON_DIRS)
	$(BIN)/ruff format --check $(PYTHON_DIRS)
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(CPP_FILES)

format: $(VENV)/lint-extra.ok  ## rewrite the sources in the house style
	$(BIN)/ruff check --fix-only --quiet $(PYTHON_DIRS)
	$(BIN)/ruff format $(PYTHON_DIRS)
	$(BIN)/clang-format -i $(CPP_FILES)

tidy: $(VENV)/lint-extra.ok  ## run clang-tidy on what has changed
	cmake --preset tidy --log-level=WARNING -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python \
	  -Dpybind11_DIR="$$($(BIN)/python -m pybind11 --cmakedir)"
	@$(MAKE) --no-print-directory --keep-going -j2 $(TIDY_STAMPS)

build/tidy/%.ok: % .clang-tidy $(wildcard cpp/*/*.hpp cpp/*/*/*.hpp) | $(VENV)/lint-extra.ok
	$(BIN)/clang-tidy --quiet -p build/tidy $<
	@mkdir -p $(@D) && touch $@

fuzz: fuzz-cpp fuzz-python  ## fuzz each target for FUZZ_SECONDS (needs clang++)

fuzz-python: $(VENV)/package.ok $(VENV)/test-extra.ok $(VENV)/fuzz-extra.ok  ## fuzz the readers that are in Python
	@$(BIN)/python -m tests.fuzz.readers seeds build/fuzz/seeds
	@set -e; for name in $(FUZZ_READERS); do \
	  found=build/fuzz/found/$$name; mkdir -p $$found; echo "$$name: $(FUZZ_SECONDS) s"; \
	  $(BIN)/python -m tests.fuzz.readers $$name -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$found- -print_final_stats=1 $$found build/fuzz/seeds/$$name; \
	done

fuzz-cpp: $(VENV)/tools.ok
	@command -v clang++ >/dev/null || { echo "error: make fuzz needs clang++ with libFuzzer (on Debian: apt install clang)" >&2; exit 1; }
	cmake --preset fuzz --log-level=WARNING
	cmake --build --preset fuzz
	@set -e; for source in $(wildcard tests/fuzz/fuzz_*.cpp); do \
	  name=$$(basename $$source .cpp); found=build/fuzz/found/$$name; seeds=tests/fuzz/seeds/$$name; mkdir -p $$found; \
	  if [ ! -d $$seeds ]; then seeds=; fi; \
	  echo "$$name: $(FUZZ_SECONDS) s"; \
	  build/fuzz/tests/fuzz/$$name -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$found- -print_final_stats=1 $$found $$seeds; \
	done

bench: $(VENV)/package.ok $(VENV)/bench-extra.ok  ## measure against the rivals; writes benchmarks/results
	$(BIN)/python -m benchmarks.run $(BENCH_ARGS)
	$(BIN)/python -m benchmarks.plot

docs: $(VENV)/package.ok $(VENV)/docs-extra.ok  ## build the documentation's site into build/site; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

dist: $(VENV)/tools.ok  ## build the wheel and the sdist into dist, and try them in clean environments
	@$(PIP) install build
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m tests.packaging.try_distributions dist

golden: $(VENV)/package.ok $(VENV)/test-extra.ok  ## write the golden checkpoints again, with real TensorFlow
	$(BIN)/python -m tests.golden.make_golden

clean:  ## remove .venv and everything built
	rm -rf $(VENV) .make.lock build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
