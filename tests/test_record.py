"""The files of benchmarks and experiments."""

import json
from pathlib import Path

import pytest

from keras_lstm_ext.bench import record


def test_every_list_of_numbers_is_one_line(tmp_path):
    content = {
        "curve": [[1, 0.25], [20, -1e-9]],
        "none": [],
        "words": ["[\n 1\n]", "a"],
        "null": [None],
    }
    record.write(content, tmp_path / "file.json")
    text = (tmp_path / "file.json").read_text()
    assert json.loads(text) == content
    assert "\n  [20, -1e-09]\n" in text


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"x,y\n1,2\n"])
def test_a_file_that_is_no_record_is_refused_in_our_words(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(text)
    with pytest.raises(ValueError, match=r"record\.json must be a record that this command wrote"):
        record.read(path)
