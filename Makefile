# make run     sets the environment up and runs the studies of config/config.yaml
# make test    sets it up and runs the tests
# make coverage  counts how often intervals hold in the cases of benchmarks/README.md (hours on two cores)
# make setup   only sets it up;  make lock   writes the lock files anew

PYTHON ?= python3.11
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Python keeps what it has compiled, also where the environment says otherwise: a workflow is many short processes.
export PYTHONDONTWRITEBYTECODE :=
# As in the Snakefile: memory that is freed is asked for again at once.
export MALLOC_TRIM_THRESHOLD_ ?= 268435456
export MALLOC_MMAP_THRESHOLD_ ?= 268435456

.PHONY: run test coverage setup lock

run: .venv/.run
	snakemake --cores all
	@for report in results/*/report.html; do [ ! -e "$$report" ] || echo "Report: $(CURDIR)/$$report"; done

test: .venv/.test
	python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

coverage: .venv/.test
	OMP_NUM_THREADS=1 python benchmarks/coverage.py

setup: .venv/.run

# torch first, pinned but without hash: its builds differ by machine (CPU, CUDA, Metal). The rest is locked.
.venv/.run: envs/torch.txt envs/requirements.lock pyproject.toml
	@echo "Setting up .venv (a few minutes the first time) ..."
	$(PYTHON) -m venv .venv
	$(PIP) install -r envs/torch.txt
	$(PIP) install --no-deps --require-hashes -r envs/requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	.venv/bin/python -m compileall -q src
	@touch $@

.venv/.test: .venv/.run envs/requirements-dev.lock
	$(PIP) install --no-deps --require-hashes -r envs/requirements-dev.lock
	@touch $@

# Needs pip-tools; keeps the versions that are locked unless told otherwise (PIP_COMPILE_FLAGS=--upgrade).
PIP_COMPILE := pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(PIP_COMPILE_FLAGS)
lock:
	cd envs && $(PIP_COMPILE) --output-file requirements.lock requirements.in
	cd envs && $(PIP_COMPILE) --output-file requirements-dev.lock requirements-dev.in
