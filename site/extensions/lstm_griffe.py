"""Fills the `{arguments}` of the layers' docstrings from their one table, without importing them.

The package does the same at import, with `documented`; the API pages read the source only.
"""

import ast
from functools import cache
from typing import Any

import griffe
import lstm_sources

PLACEHOLDER = "{arguments}"


@cache
def descriptions() -> dict[str, str]:
    """`DOCS` of `keras_lstm_ext.layers._arguments`."""
    path = lstm_sources.PACKAGE / "layers" / "_arguments.py"
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCS":
            return ast.literal_eval(node.value)
    raise LookupError(f"{path} defines no DOCS")


class ArgumentsExtension(griffe.Extension):
    """Replaces the placeholder by an `Args:` section, from the signature of `__init__`."""

    def on_class(self, *, cls: griffe.Class, **kwargs: Any) -> None:
        """Called by griffe for every class, when its members are known."""
        if cls.docstring is None or PLACEHOLDER not in cls.docstring.value:
            return
        init = cls.members["__init__"]
        assert isinstance(init, griffe.Function)
        lines = ["Args:"]
        for parameter in list(init.parameters)[1:]:
            if parameter.name:
                lines.append(f"    {parameter.name}: {descriptions()[parameter.name]}")
        lines = [line for line in lines if not line.startswith("    *")]
        cls.docstring.value = cls.docstring.value.replace(PLACEHOLDER, "\n".join(lines))
