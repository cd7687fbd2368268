"""The built site, a server for it, and a browser where the machine has one."""

import functools
import http.server
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


@pytest.fixture(scope="session")
def built(request, tmp_path_factory):
    """The folder of the built site; building is strict, so a warning fails every test."""
    if subprocess.run([sys.executable, "-c", "import mkdocs, material"], check=False).returncode:
        missing(request.config, "the site's tools are not installed: pip install -e .[docs]")
    subprocess.run([sys.executable, "site/katex/install.py"], cwd=ROOT, check=True)
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | {
        "NO_MKDOCS_2_WARNING": "1",
        "PYTHONPATH": os.pathsep.join(["site/extensions", "site/figures"]),
        "SITE_URL": ADDRESS,
        "REPO_URL": REPOSITORY,
        "VERSIONS": "tests/site/versions.json",
    }
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    build = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert build.returncode == 0, build.stderr
    return folder


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
