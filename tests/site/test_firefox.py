"""The interactive pages in Debian's Firefox, driven by Mozilla's marionette-driver.

Playwright needs a Firefox of its own. Skipped without both: `make test-firefox`.
"""

import json
import os
import shutil
import time

import numpy as np
import pytest

from tests.site.test_live import (
    LEARN,
    NETWORKS,
    UPDATES,
    Paper,
    Simple,
    forms,  # noqa: F401  (a fixture)
    learned,
    sequences_for,
)

pytestmark = pytest.mark.slow

INTERACTIVE = {
    "": "#moving-cell",
    "what-is-lstm/": "#moving-cell",
    "equations/comparison/": "#explorer",
    "equations/gradient-flow/": "#gradient-flow",
    "equations/step-through/": "#cell-at-work",
    "experiments/1997-live/": "#live",
}
THROWN = """
return Services.console.getMessageArray()
  .filter((m) => m instanceof Ci.nsIScriptError && !(m.flags & 1))
  .filter((m) => m.sourceName.startsWith(arguments[0]))
  .map((m) => m.errorMessage);
"""
FAILED = """performance.getEntriesByType("resource")
  .filter((e) => e.responseStatus >= 400 || !e.name.startsWith(location.origin))
  .map((e) => e.name)"""


class Firefox:
    """A browser with one tab, and the root of the site in it."""

    def __init__(self, driver, root):
        self.driver, self.root = driver, root

    def open(self, address):
        with self.driver.using_context("chrome"):
            self.driver.execute_script("Services.console.reset()")
        self.driver.navigate(self.root + address)

    def errors(self):
        """What scripts and workers have thrown, and what was not to be had or is elsewhere."""
        with self.driver.using_context("chrome"):
            thrown = self.driver.execute_script(THROWN, [self.root])
        return thrown + self.ask(FAILED)

    def ask(self, expression):
        return self.driver.execute_script(f"return {expression}")

    def until(self, expression, seconds=60):
        """Waits until an expression is true."""
        end = time.monotonic() + seconds
        while not self.ask(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def run(self, source, given):
        """What a module returns, which the page itself runs."""
        self.driver.execute_script(
            """const script = document.createElement("script");
            script.type = "module";
            script.textContent = arguments[0];
            document.body.append(script);""",
            [
                f"const given = {json.dumps(given)}; const main = async () => {{ {source} }};"
                "const give = (made) => { document.body.dataset.made = JSON.stringify(made); };"
                "delete document.body.dataset.made;"
                "main().then((made) => give(made ?? null), (e) => give({ error: String(e) }));"
            ],
        )
        self.until("document.body.dataset.made")
        return json.loads(self.ask("document.body.dataset.made"))


@pytest.fixture(scope="module")
def driver():
    marionette = pytest.importorskip(
        "marionette_driver.marionette", reason="marionette-driver is not installed"
    )
    firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    if firefox is None:
        pytest.skip("there is no Firefox: apt install firefox-esr")
    started = marionette.Marionette(
        bin=firefox,
        headless=True,
        gecko_log=os.devnull,
        app_args=["-remote-allow-system-access"],  # to read the console
        prefs={"ui.prefersReducedMotion": 1},
    )
    started.start_session()
    started.set_window_rect(width=1280, height=900)
    yield started
    started.quit()
    started.cleanup()


@pytest.fixture
def firefox(served, driver):
    return Firefox(driver, served)


@pytest.mark.parametrize("address", INTERACTIVE)
def test_a_page_loads_without_errors_and_has_its_figure(firefox, address):
    firefox.open(address)
    figure = INTERACTIVE[address]
    firefox.until(f"document.querySelector('{figure} form')?.checkVisibility()")
    assert firefox.ask("document.documentElement.scrollWidth <= innerWidth")
    time.sleep(0.3)
    assert firefox.errors() == []


def test_an_error_would_be_seen(firefox):
    firefox.open("")
    firefox.run("setTimeout(() => { throw new Error('thrown') }); await fetch('no-file')", {})
    time.sleep(0.3)
    thrown, failed = firefox.errors()
    assert "thrown" in thrown
    assert failed == firefox.root + "no-file"


def test_it_learns_starts_pauses_and_keeps_it_in_the_address(firefox):
    firefox.open("experiments/1997-live/?task=adding&T=20&seed=3")
    go = firefox.find("#live [name=go]")
    assert firefox.find("#live [name=T]").get_property("value") == "20"
    go.send_keys("\ue007")
    firefox.until("document.querySelector('#live [name=go]').textContent === 'Pause'")
    assert firefox.ask("location.search") == "?task=adding&T=20&seed=3&speed=Infinity&run"
    firefox.until("+document.getElementById('live').dataset.sequences >= 2000")
    go.send_keys("\ue007")
    firefox.until("!location.search.includes('run')")
    firefox.until("document.querySelector('#live [name=go]').textContent !== 'Pause'")
    time.sleep(0.3)
    reached = firefox.ask("document.getElementById('live').dataset.sequences")
    time.sleep(0.3)
    assert firefox.ask("document.getElementById('live').dataset.sequences") == reached
    assert firefox.errors() == []


@pytest.mark.parametrize(("task", "which"), NETWORKS)
def test_the_learner_has_the_weights_of_the_reference(
    firefox,
    reference,
    forms,  # noqa: F811
    task,
    which,
):
    rng = np.random.default_rng(153)
    form = forms[task][which]
    kind = Simple if which and task != "timed-spikes" else Paper
    paper = kind(reference, form, rng)
    sequences = sequences_for(task, form, rng, UPDATES)
    given = {"task": task, "which": which, "weights": paper.in_javascript(), "sequences": sequences}
    firefox.open("experiments/1997-live/")
    made = firefox.run(LEARN.replace("RACE", firefox.root + "assets/live/race.js"), given)
    answers = learned(paper, sequences)
    np.testing.assert_allclose(made["answers"], answers, rtol=0, atol=1e-9)
    for k, w in paper.in_javascript().items():
        np.testing.assert_allclose(made["weights"][k], w, rtol=0, atol=1e-9, err_msg=k)


def test_the_explorer_follows_the_choice_and_the_address(firefox):
    firefox.open("equations/comparison/?cell=zaremba&show=torch&H=7&I=3")
    firefox.until("document.querySelector('#explorer[data-ready]')")
    total = "document.querySelector('#explorer [data-part=total]').textContent"
    assert firefox.ask(total) == str(4 * (3 * 7 + 7 * 7 + 7))
    firefox.find("#explorer [name=peepholes]").send_keys("y")
    firefox.until("location.search === '?cell=2005&show=torch&I=3&H=7'")
    assert firefox.ask(total) == str(4 * (3 * 7 + 7 * 7 + 7) + 3 * 7)
    assert firefox.ask("document.querySelectorAll('#explorer svg .changed path.peephole').length")
    firefox.open("equations/comparison/?cell=gru")
    firefox.until("document.querySelector('#explorer[data-ready]')")
    assert "def gru" in firefox.find("#explorer [data-part=code]").text
    assert firefox.errors() == []


def test_the_cells_move_by_keyboard(firefox):
    firefox.open("what-is-lstm/")
    now = "document.querySelector('#moving-cell .now').textContent"
    firefox.until(f"{now} === 'keys'")
    firefox.find("#moving-cell [name=back]").send_keys("\ue007")
    firefox.until(f"{now} === 'The'")
    firefox.open("equations/step-through/?sequence=adding&unit=1&way=backward&step=3")
    firefox.until("document.querySelector('#cell-at-work form')?.checkVisibility()")
    firefox.find("#cell-at-work [name=step]").send_keys("\ue014")
    firefox.until("location.search.endsWith('step=4')")
    assert firefox.errors() == []
