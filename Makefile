# The verbs of the course. Needs GNU make 3.81 or newer, git and a python3 of version 3.11 or newer.
#
#   make course [PROFILE=quick] [DATA=glyphs]   install once, then run all notebooks in order into build/notebooks/
#   make test                                   install once, then all checks and tests
#   make lab                                    open the notebooks in JupyterLab, reachable from this machine only
#   make format                                 format the code; run every notebook in `read` and save its outputs
#   make check-notebooks                        say whether the committed notebooks keep the rules
#   make evidence [PROFILE=full] [DATA=...]     renew figures/ : tables and pictures, then the notebooks that show them
#   make report [OUT=build/report]              write all claims, figures and the reproducibility statement as one page
#   make licences                               list every installed package with its licence
#   make audit                                  look the exact versions up among known vulnerabilities (needs the network)
#   make clean                                  remove what the course made, but not .venv, trained networks or images
#
# Variables: PYTHON, the interpreter that .venv is made from; TORCH_INDEX, a package index to take torch and torchvision
# from, without the libraries for NVIDIA cards (Linux without a GPU: TORCH_INDEX=https://download.pytorch.org/whl/cpu
# installs 200 MB instead of 5 GB); WORKERS, how many networks learn at the same time (default: one per core).

PYTHON = python3
PROFILE = quick
DATA = glyphs
WORKERS =
OUT =
TORCH_INDEX =

BIN = .venv/bin
INSTALLED = .venv/installed
PIP = $(BIN)/python -m pip --disable-pip-version-check
TOOL = $(BIN)/python -m fctransfer_utils.course.notebooktool
AUDIT = build/audit
AUDITOR = pip-audit==2.10.1
WITH_WORKERS = $(if $(WORKERS),FCTRANSFER_WORKERS=$(WORKERS))
# The tests that train use one thread per network, so two processes of tests fill two cores.
TEST_PROCESSES = 2

.PHONY: course test lab format check-notebooks evidence report licences audit clean install
.DEFAULT_GOAL = course

course: $(INSTALLED)
	$(WITH_WORKERS) $(BIN)/fctransfer notebooks $(PROFILE) --data $(DATA)

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(TOOL) check
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal

lab: $(INSTALLED)
	$(BIN)/jupyter lab --ip=127.0.0.1 --notebook-dir=notebooks

format: $(INSTALLED)
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(TOOL) format

check-notebooks: $(INSTALLED)
	$(TOOL) check

evidence: PROFILE = full
evidence: $(INSTALLED)
	FCTRANSFER_RENEW=1 $(WITH_WORKERS) $(BIN)/fctransfer notebooks $(PROFILE) --data $(DATA)
	$(TOOL) format

report: $(INSTALLED)
	$(BIN)/fctransfer report $(if $(OUT),--out $(OUT))

licences: $(INSTALLED)
	@$(BIN)/python -m fctransfer_utils.course.licences

# The auditor has dependencies of its own, so it gets an environment of its own and the course's stays what it is.
audit:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip --disable-pip-version-check install --quiet $(AUDITOR)
	$(AUDIT)/bin/pip-audit --requirement requirements.txt --no-deps --disable-pip

clean:
	rm -rf build/notebooks build/figures build/claims build/report .pytest_cache .ruff_cache .hypothesis *.egg-info
	find fctransfer_utils tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "kept: .venv, build/store (trained networks), build/data (images)"

install: $(INSTALLED)

# requirements.txt names every package, so nothing is left for pip to resolve; the stamp is renewed when the pins change.
$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is not Python 3.11 or newer; install one and name it: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
ifeq ($(strip $(TORCH_INDEX)),)
	$(PIP) install --quiet --no-deps -r requirements.txt
else
	grep -E '^(torch|torchvision)==' requirements.txt > .venv/torch.txt
	grep -v -E '^(torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z]+)==' requirements.txt > .venv/others.txt
	$(PIP) install --quiet --no-deps --index-url $(TORCH_INDEX) -r .venv/torch.txt
	$(PIP) install --quiet --no-deps -r .venv/others.txt
endif
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
