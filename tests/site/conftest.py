"""The built site, a server for it, and a browser where the machine has one."""

import fcntl
import functools
import http.server
import importlib.util
import os
import shutil
import subprocess
import sys
import threading

import pytest

from tests.site.sources import ADDRESS, REPOSITORY, ROOT

BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_addoption(parser):
    parser.addoption(
        "--require-browser",
        action="store_true",
        help="Fail, instead of skip, where the site cannot be built or there is no Chromium.",
    )


def missing(config, reason):
    # The option is unknown where this file is found only after the command line was read.
    if config.getoption("--require-browser", default=False):
        pytest.fail(reason)
    pytest.skip(reason)


def once(tmp_path_factory, name, make):
    """A folder that one process makes for all that test side by side."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder, done = root / name, root / f"{name}.done"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def built(request, tmp_path_factory):
    """The folder of the built site; building is strict, so a warning fails every test."""
    if subprocess.run([sys.executable, "-c", "import mkdocs, material"], check=False).returncode:
        missing(request.config, "the site's tools are not installed: pip install -e .[docs]")
    return once(tmp_path_factory, "site", build)


def build(folder):
    subprocess.run([sys.executable, "site/katex/install.py"], cwd=ROOT, check=True)
    environment = os.environ | {
        "NO_MKDOCS_2_WARNING": "1",
        "PYTHONPATH": os.pathsep.join(["site/extensions", "site/figures"]),
        "SITE_URL": ADDRESS,
        "REPO_URL": REPOSITORY,
        "VERSIONS": "tests/site/versions.json",
    }
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def served(built):
    """The address of the built site."""
    handler = functools.partial(QuietHandler, directory=str(built))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="session")
def browser(request):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        missing(request.config, "there is no Chromium: apt install chromium")
    with playwright.sync_playwright() as p:
        started = p.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def reference():
    """`keras_lstm_ext.reference`, without the package around it, which loads Keras."""
    path = ROOT / "keras_lstm_ext" / "reference" / "__init__.py"
    specification = importlib.util.spec_from_file_location("reference_alone", path)
    module = importlib.util.module_from_spec(specification)
    sys.modules["reference_alone"] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def opened(served, browser):
    """Opens a page in a tab that is closed after the test."""
    contexts = []

    def open_page(address, **options):
        contexts.append(browser.new_context(reduced_motion="reduce", **options))
        page = contexts[-1].new_page()
        page.goto(served + address, wait_until="networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
