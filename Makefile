# Each target makes the virtual environment that it needs under build/venv and runs there.
#   make demo     train the four layers beside keras.layers.LSTM on handwritten digits
#   make test     the default tests; make test ALL=1 runs every one, on three backends,
#                 make test OLDEST=1 the default ones with the oldest versions that are supported
#   make wheels   the wheels of a release and its sdist, into dist; make test-elsewhere runs those
#                 for ARM and Windows in emulators
#   make site     build the knowledge base and serve it; make site-build only builds it,
#                 make test-site tests it in Chromium, make test-firefox in Debian's Firefox
#   make bench    measure the engines on this machine
#   make lint     ruff and mypy
#   make mutants  plant lies in the package, which the tests must notice
PYTHON ?= python3
VENV := build/venv
PYTEST := python -m pytest -n 2 --dist worksteal

.PHONY: demo test test-elsewhere wheels site site-build site-version test-site test-firefox bench lint mutants machine clean
demo: $(VENV)/demo/ok
	$(VENV)/demo/bin/python -m keras_lstm_ext demo $(ARGS)

ifdef ALL
test: $(VENV)/all/ok
	$(VENV)/all/bin/$(PYTEST) -m "" --durations=15 $(ARGS)
else ifdef OLDEST
test: $(VENV)/oldest/ok
	$(VENV)/oldest/bin/$(PYTEST) $(ARGS)
else
test: $(VENV)/test/ok
	$(VENV)/test/bin/$(PYTEST) $(ARGS)
endif

wheels: $(VENV)/wheels/ok
	$(VENV)/wheels/bin/python -m release.wheels $(ARGS)

# In emulators: apt install qemu-user-static libc6-arm64-cross wine wine64.
test-elsewhere: $(VENV)/all/ok $(VENV)/wheels/ok
	$(VENV)/all/bin/python -m pytest -n 2 --dist loadfile -m "" --require-elsewhere tests/elsewhere $(ARGS)

site: site-build
	$(SITE) -m http.server --directory build/site --bind 127.0.0.1 8000

# With the releases that `make site-version` kept on the branch gh-pages, here or at the origin.
site-build: $(VENV)/docs/ok
	$(SITE) site/katex/install.py
	rm -rf build/versions && mkdir -p build
	{ git archive gh-pages versions || git archive origin/gh-pages versions; } 2>/dev/null \
		| tar -x -C build 2>/dev/null || true
	VERSIONS=$$(ls build/versions/versions.json 2>/dev/null) $(SITE) -m mkdocs build
	test ! -d build/versions || cp -R build/versions build/site/

# Commits the documentation of a release: make site-version VERSION=0.1.0
site-version: $(VENV)/docs/ok
	$(SITE) site/katex/install.py
	PATH="$(abspath $(VENV))/docs/bin:$$PATH" SITE_URL="$${SITE_URL:+$${SITE_URL}versions/}" \
		$(subst python,mike,$(SITE)) deploy --deploy-prefix versions $(VERSION)

# In a browser: Debian's Chromium (apt install chromium).
test-site: $(VENV)/docs/ok
	$(subst python,$(PYTEST),$(SITE)) --confcutdir=tests/site -m "" --require-browser tests/site $(ARGS)

# In Debian's Firefox (apt install firefox-esr), with Mozilla's driver.
test-firefox: $(VENV)/docs/ok
	$(VENV)/docs/bin/python -m pip install --quiet "marionette-driver>=3.7"
	$(subst python,python -m pytest,$(SITE)) --confcutdir=tests/site -m "" -rs tests/site/test_firefox.py $(ARGS)

bench: $(VENV)/all/ok
	$(VENV)/all/bin/python -m benchmarks $(ARGS)

lint: $(VENV)/lint/ok
	$(VENV)/lint/bin/ruff format --check .
	$(VENV)/lint/bin/ruff check .
	$(VENV)/lint/bin/mypy

mutants: $(VENV)/test/ok
	$(VENV)/test/bin/python -m tests.mutants $(ARGS)

SITE := NO_MKDOCS_2_WARNING=1 PYTHONPATH=.:site/extensions:site/figures $(VENV)/docs/bin/python

EXTRAS_demo := cpu,demo
EXTRAS_test := cpu,test
EXTRAS_oldest := cpu,test
CONSTRAINTS_oldest := constraints-oldest.txt
EXTRAS_all := cpu,test,backends,bench
EXTRAS_lint := lint
EXTRAS_docs := docs

# What is compiled into it is made anew with it.
$(VENV)/%/ok: pyproject.toml constraints.txt constraints-oldest.txt setup.py $(wildcard keras_lstm_ext/native/*.cpp keras_lstm_ext/native/*.h) | machine
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --upgrade pip
	$(@D)/bin/python -m pip install --quiet --constraint $(or $(CONSTRAINTS_$*),constraints.txt) --editable ".[$(EXTRAS_$*)]"
	touch $@

$(VENV)/wheels/ok: release/requirements.txt | machine
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --require-hashes --requirement $<
	touch $@

machine:
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, found: $$($(PYTHON) --version). Try: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "venv is missing: apt install python3-venv"; exit 1; }

clean:
	rm -rf build dist *.egg-info
