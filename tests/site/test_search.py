"""The search of the built site: what people type finds a right page."""

import re

import pytest

pytestmark = pytest.mark.slow

FIRST = {
    "who invented lstm": "who-invented-lstm/",
    "perceptron": "history/before/",
    "forget gate": "history/forget-gate/",
    "peephole_initializer": "api/peephole/",
    "PeepholeLSTM": "api/peephole/",
    "constant error carousel": "history/carousel/",
    "vanishing gradient": "history/vanishing-gradient/",
    "cuDNN": "history/hardware/",
    "stateful": "guides/long-sequences/",
    "masking": "guides/masking/",
    "mixed precision": "guides/precision/",
    "bidirectional CTC": "history/full-gradient/",
    "quick start": "guides/quick-start/",
    "save model": "guides/saving/",
    "peephole lstm equation": "equations/peephole/",
    "truncated gradient": "equations/gradients/",
    "gate order": "equations/",
    "speech recognition": "history/speech/",
    "machine translation": "history/translation/",
    "citing": "citing/",
}
"""Searches with the one page that must come first."""

AMONG_TWO = {
    "who invented lstm": {"who-invented-lstm/"},
    "peephole lstm equation": {"equations/peephole/"},
    "vanishing gradient": {"history/vanishing-gradient/"},
    "lstm vs gru": {"history/comparison/"},
    "lstm vs transformer": {"history/comparison/"},
    "sepp hochreiter": {"history/people/", "who-invented-lstm/"},
    "felix gers": {"history/people/", "history/forget-gate/", "history/peepholes/"},
    "constant error carousel": {"history/carousel/"},
    "are lstms still used": {"faq/", "history/legacy/"},
    "output gate peephole new state": {"equations/peephole/", "history/peepholes/"},
    "cudnn peephole": {"history/hardware/", "guides/engines/"},
    "xlstm": {"history/legacy/"},
    "idsia": {"history/people/"},
    "peepholes": {"history/peepholes/"},
    "adding problem lstm": {"experiments/adding/", "experiments/1997/"},
    "keras peephole lstm": {"api/peephole/", "guides/quick-start/"},
    "what is lstm": {"what-is-lstm/"},
    "lstm explained": {"what-is-lstm/"},
    "lstm tutorial": {"what-is-lstm/"},
    "lstm gates explained": {"what-is-lstm/", "faq/", "equations/step-through/"},
    "how many gates does lstm have": {"faq/", "equations/comparison/"},
    "lstm from scratch numpy": {"api/reference/"},
    "lstm number of parameters": {"faq/", "equations/"},
    "bidirectional lstm": {"history/full-gradient/"},
    "stateful lstm keras": {"guides/long-sequences/"},
    "return_sequences": {"guides/long-sequences/", "api/classic/", "api/peephole/"},
    "lstm time series forecasting": {"history/generation/", "guides/quick-start/"},
    "lstm cell diagram": {"equations/comparison/"},
    "backpropagation through time lstm derivation": {"equations/gradients/"},
    "coupled input forget gate": {"guides/own-variant/"},
    "layer normalization lstm": {"equations/layer-norm/", "api/layer-norm/"},
    "lstm projection": {"equations/projected/", "api/projected/"},
    "zoneout": {"equations/zoneout/"},
    "gate recurrence": {"equations/greff/"},
    "lstm forget gate bias": {"history/forget-gate/", "faq/"},
    "schmidhuber lstm paper 1997 pdf": {"history/lstm-1997/", "bibliography/"},
    "chatgpt lstm": {"faq/", "history/comparison/"},
    "elmo": {"history/legacy/"},
    "convlstm": {"history/legacy/"},
}
"""Searches with the pages of which one must be among the first two."""


@pytest.fixture(scope="module")
def search(served, browser):
    """Gives the pages that a search finds, best first."""
    here = browser.new_context().new_page()
    here.goto(served, wait_until="networkidle")
    links = here.locator(".md-search-result__item > a")
    # The first answer takes as long as loading the index does.
    here.fill(".md-search__input", "masking")
    links.first.wait_for(timeout=10_000)

    def pages(query):
        here.fill(".md-search__input", query)
        here.press(".md-search__input", "End")
        # What is found may be what was found before, so there is nothing else to wait for.
        here.wait_for_timeout(300)
        links.first.wait_for(timeout=5000)
        found = links.evaluate_all("links => links.map(link => link.href)")
        return list(dict.fromkeys(re.sub(r"[?#].*", "", a).removeprefix(served) for a in found))

    yield pages
    here.context.close()


@pytest.mark.parametrize("query", FIRST)
def test_search_finds_the_page_first(search, query):
    assert search(query)[0] == FIRST[query]


@pytest.mark.parametrize("query", AMONG_TWO)
def test_search_finds_a_right_page_among_the_first_two(search, query):
    assert AMONG_TWO[query] & set(search(query)[:2])


def test_the_index_is_loaded_when_the_search_is_opened(served, browser):
    here = browser.new_context().new_page()
    requests = []
    here.on("request", lambda request: requests.append(request.url))
    here.goto(served + "history/carousel/", wait_until="networkidle")
    assert [r for r in requests if "search_index" in r] == []
    with here.expect_request("**/search/search_index.json"):
        here.click(".md-search__input")
    here.fill(".md-search__input", "peepholes")
    here.locator(".md-search-result__item a").first.wait_for(timeout=5000)
    here.context.close()
