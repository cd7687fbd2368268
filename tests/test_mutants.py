"""The list of mutants: each can be planted."""

import pytest

from tests.mutants import MUTANTS, ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.description for mutant in MUTANTS])
def test_its_text_is_found_once(mutant: object) -> None:
    assert (ROOT / "keras_lstm_ext" / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.old != mutant.new


def test_descriptions_are_told_apart() -> None:
    assert len({mutant.description for mutant in MUTANTS}) == len(MUTANTS)
