"""The files of benchmarks and experiments."""

import json

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
