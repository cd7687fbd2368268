"""The BibTeX of the papers behind a layer."""

import re

import pytest

from keras_lstm_ext import ClassicLSTM, PeepholeLSTMCell, variants
from keras_lstm_ext.citations import cite, parse, plain, references

PAPERS = [
    ("cec", ["hochreiter1991untersuchungen", "hochreiter1997long"]),
    ("original", ["hochreiter1997long"]),
    ("classic", ["gers1999learning", "gers2000learning"]),
    ("peephole", ["gers2000recurrent", "gers2002learning"]),
    (variants.ORIGINAL, ["hochreiter1997long"]),
    (ClassicLSTM(3), ["gers1999learning", "gers2000learning"]),
    (PeepholeLSTMCell(3, gradient="truncated"), ["gers2000recurrent", "gers2002learning"]),
]


@pytest.mark.parametrize(("what", "keys"), PAPERS)
def test_cites_the_papers_in_order(what, keys):
    assert re.findall(r"^@\w+\{(\w+),$", cite(what), re.MULTILINE) == keys


@pytest.mark.parametrize("what", ["gru", variants.Variant(), None, 3])
def test_refuses_what_no_paper_is_known_of(what):
    with pytest.raises(ValueError, match=r"`what` must be one of \('cec', .* Received: what="):
        cite(what)


def test_bibtex_can_be_read_again():
    again = {entry.key: entry.fields for r in references().values() for entry in parse(r.bibtex)}
    fields = {key: dict(reference.fields) for key, reference in references().items()}
    # How a work is known here is nothing to give away.
    assert all(of_one.pop("read") for of_one in fields.values())
    assert again == fields


def test_every_source_of_the_family_is_in_the_bibliography():
    sources = {key for variant in variants.FAMILY.values() for key in variant.sources}
    assert sources <= references().keys()


@pytest.mark.parametrize("key", references())
def test_references_have_author_title_and_year(key):
    reference = references()[key]
    assert reference.text("author")
    assert reference.text("title")
    assert re.fullmatch(r"\d{4}", reference.text("year"))
    texts = [reference.text(field) for field in reference.fields if field not in ("url", "doi")]
    assert not any(sign in text for text in texts for sign in "\\{}")


KNOWN = (
    "in full|in part|in another version|abstract|quotations|notes by others|its authors' code|"
    "code by others|through|record"
)


@pytest.mark.parametrize("key", references())
def test_references_say_how_they_are_known(key):
    reference = references()[key]
    assert re.match(rf"({KNOWN})\b", reference.read)
    named = set(re.findall(r"\b[a-z]+\d{4}[a-z]+", reference.read))
    assert named <= references().keys() - {key}
    if reference.read.startswith(("through", "in another version")):
        assert named


LATEX = [
    (r"J{\"u}rgen", "Jürgen"),
    (r"Koutn{\'i}k", "Koutník"),
    (r"Ha{\c s}im", "Haşim"),
    (r"Fran{\c c}oise", "Françoise"),
    (r"{\L}ukasz", "Łukasz"),
    (r"\'{E}cole", "École"),
    (r"a \& b", "a & b"),
    ("``quoted'' {LSTM} 1--2", "\u201cquoted\u201d LSTM 1\u20132"),
]


@pytest.mark.parametrize(("latex", "text"), LATEX)
def test_latex_becomes_plain_text(latex, text):
    assert plain(latex) == text


def test_an_open_brace_is_an_error():
    with pytest.raises(ValueError, match="brace is not closed"):
        list(parse("@misc{a, title={An {LSTM}, year={1997}}"))
