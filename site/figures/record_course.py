"""Records what the lessons compute that need Keras, since the site is built without it.

Run: python site/figures/record_course.py
"""

import hashlib
import importlib
import json
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from keras_lstm_ext.bench import record
from keras_lstm_ext.files import whole

Values = dict[str, Any]

FOLDER = Path(__file__).parents[1] / "content" / "course"
TARGET = Path(__file__).with_name("course.json")

KEPT: dict[str, Callable[[Values], Values]] = {
    "09-keras": lambda v: {"loss": v["learned"].history["loss"], "naive": float(v["naive"])},
    "10-inside": lambda v: {
        key: {f"bias {bias}": series.tolist() for bias, series in v[key].items()}
        for key in ("gates", "reached")
    },
}
"""What the drawing of a lesson needs of what its code has made."""


def code(name: str) -> str:
    """The code of a lesson until its exercise begins."""
    text = (FOLDER / f"{name}.md").read_text("utf-8").split("\n## Exercise\n")[0]
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


def run(name: str) -> Values:
    """What that code makes."""
    values: Values = {}
    with redirect_stdout(StringIO()):
        exec(code(name), values)
    return values


def kept(name: str, values: Values) -> Values:
    """What is recorded of that, rounded, and of which code it is."""
    text = json.dumps(KEPT[name](values))
    made: Values = json.loads(text, parse_float=lambda n: float(f"{float(n):.4g}"))
    return {"code": fingerprint(name)} | made


def fingerprint(name: str) -> str:
    """Tells whether a record is of the code that a lesson has now."""
    return hashlib.sha256(code(name).encode()).hexdigest()[:16]


def main() -> None:
    """Runs and writes."""
    keras, numpy = importlib.import_module("keras"), importlib.import_module("numpy")
    made = {name: kept(name, run(name)) for name in KEPT}
    backend = keras.config.backend()
    about = {
        "made_by": "site/figures/record_course.py",
        "versions": {
            module.__name__: module.__version__
            for module in (keras, numpy, importlib.import_module(backend))
        },
        "commit": record.commit(),
        "machine": record.machine(),
    }
    with whole(TARGET) as path:
        path.write_text(json.dumps(about | made, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
