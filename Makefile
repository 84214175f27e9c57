# The course. Needs make, git and a python3 from 3.11 to 3.14.
#
#   make course [PROFILE=quick]   install once, then run all notebooks in order into build/notebooks/
#   make test                     install once, then every check and test
#   make lab                      open the notebooks in JupyterLab, reachable from this machine only
#   make format                   format the code; run every notebook in `read`, keep its outputs, renew the results
#   make clean                    remove what the course made, but not .venv or trained networks
#
# PYTHON is the interpreter that .venv is made from; TORCH_INDEX a package index to take torch and torchvision from
# (Linux without a GPU: https://download.pytorch.org/whl/cpu is 200 MB instead of 5 GB).

PYTHON = python3
PROFILE = quick
TORCH_INDEX =

BIN = .venv/bin
INSTALLED = .venv/installed
PIP = $(BIN)/python -m pip --disable-pip-version-check
NOTEBOOKS = $(BIN)/fctransfer notebooks

.PHONY: course test lab format clean install packages
.DEFAULT_GOAL = course

course: $(INSTALLED)
	$(NOTEBOOKS) $(PROFILE)

# A test trains on one thread, so two processes of tests fill two cores.
test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell .
	$(BIN)/python -m pytest -n 2 --dist worksteal

lab: $(INSTALLED)
	$(BIN)/jupyter lab --ip=127.0.0.1 --notebook-dir=notebooks

format: $(INSTALLED)
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(NOTEBOOKS) read --in-place
	$(BIN)/python -m fctransfer_utils.results

clean:
	rm -rf build/notebooks build/figures .pytest_cache .ruff_cache *.egg-info
	find fctransfer_utils tests -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(INSTALLED)

$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || { \
	  echo "$(PYTHON) is not a Python from 3.11 to 3.14; name one (make PYTHON=python3.12) or take environment.yml" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(MAKE) packages
	@touch $@

# Into the Python in BIN. requirements.txt names every package, so that nothing is left for pip to resolve.
packages:
ifeq ($(strip $(TORCH_INDEX)),)
	$(PIP) install --quiet --no-deps -r requirements.txt
else
	grep -E '^(torch|torchvision)==' requirements.txt | $(PIP) install --quiet --no-deps --index-url $(TORCH_INDEX) -r /dev/stdin
	grep -v -E '^(torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z]+)==' requirements.txt | $(PIP) install --quiet --no-deps -r /dev/stdin
endif
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
