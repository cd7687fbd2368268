# Each target makes the virtual environment that it needs under build/venv and runs there.
#   make demo              train the four layers beside keras.layers.LSTM on handwritten digits
#   make test              the default tests; make test ALL=1 runs every one, on three backends
#   make lint              ruff and mypy
PYTHON ?= python3
VENV := build/venv
PYTEST := python -m pytest -n 2

.PHONY: demo test lint machine clean
demo: $(VENV)/demo/ok
	$(VENV)/demo/bin/python -m keras_lstm_ext demo $(ARGS)

ifdef ALL
test: $(VENV)/all/ok
	$(VENV)/all/bin/$(PYTEST) -m "" $(ARGS)
else
test: $(VENV)/test/ok
	$(VENV)/test/bin/$(PYTEST) $(ARGS)
endif

lint: $(VENV)/lint/ok
	$(VENV)/lint/bin/ruff format --check .
	$(VENV)/lint/bin/ruff check .
	$(VENV)/lint/bin/mypy

EXTRAS_demo := cpu,demo
EXTRAS_test := cpu,test
EXTRAS_all := cpu,test,backends
EXTRAS_lint := lint

$(VENV)/%/ok: pyproject.toml constraints.txt | machine
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --upgrade pip
	$(@D)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[$(EXTRAS_$*)]"
	touch $@

machine:
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, found: $$($(PYTHON) --version). Try: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "venv is missing: apt install python3-venv"; exit 1; }

clean:
	rm -rf build dist *.egg-info
