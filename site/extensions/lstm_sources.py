"""What the site takes from the code: the family, the bibliography and the reference equations.

A build needs neither Keras nor TensorFlow. Importing `keras_lstm_ext` would load them, so bare
packages stand in for it and its `export`; modules that need neither are then imported as usual.
"""

import ast
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "site"
PACKAGE = ROOT / "keras_lstm_ext"

if "keras_lstm_ext" not in sys.modules:
    for _name in ("keras_lstm_ext", "keras_lstm_ext.export"):
        sys.modules[_name] = _bare = ModuleType(_name)
        _bare.__path__ = [str(ROOT / _name.replace(".", "/"))]

_TEX = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)


@dataclass(frozen=True)
class Equation:
    """An equation of `keras_lstm_ext.reference`, read from its docstring.

    Args:
        module: Name of the module.
        function: Name of the function, or "" for the module's own equations; of a method, with the
            name of its class before it.
        number: Place among the equations of the module, from 1; 0 for the module's own.
        summary: First sentence of the docstring.
        tex: The equation.
        code: The function without its docstring; empty for a module.
    """

    module: str
    function: str
    number: int
    summary: str
    tex: str
    code: str

    @property
    def name(self) -> str:
        """The name that pages use: `peephole.output_gate`."""
        return f"{self.module}.{self.function}" if self.function else self.module

    @property
    def id(self) -> str:
        """The permanent id: `eq-peephole-output-gate`."""
        return "eq-" + re.sub(r"[._]", "-", self.name)

    @property
    def label(self) -> str:
        """The number as it is printed: `peephole.4`."""
        return f"{self.module}.{self.number}" if self.function else self.module

    @property
    def title(self) -> str:
        """The function's name in words."""
        owner, _, function = self.function.rpartition(".")
        words = function.replace("_", " ").capitalize() or self.module
        return f"{words} of {owner}" if owner else words

    @property
    def sources(self) -> list[dict[str, str]]:
        """Where the equation was published: `key` of the bibliography and `where` in the paper."""
        given = _published()
        return given.get(self.name) or given[self.module]


@cache
def concordance() -> list[dict[str, Any]]:
    """The equations of the 1997 paper by their numbers in journal and preprint."""
    text = (SITE / "includes" / "concordance.toml").read_text("utf-8")
    return tomllib.loads(text)["equation"]


def with_preprint(where: str) -> str:
    """A place in the 1997 paper, its numbers as equations of the journal and of the preprint."""
    numbers = {e["journal"]: e["preprint"] for e in concordance() if "preprint" in e}
    found = re.findall(r"\bA\.(?:\d+)\b(?!\.)", where)
    for journal in dict.fromkeys(found):
        eq = f"eq. {journal} (preprint: {numbers[journal]})"
        where = re.sub(rf"\b{re.escape(journal)}\b(?!\.)", eq, where)
    return where


@cache
def _published() -> dict[str, Any]:
    text = (SITE / "includes" / "sources.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def equations(module: str) -> tuple[Equation, ...]:
    """All equations of a module of `keras_lstm_ext.reference`, its own first."""
    path = PACKAGE / "reference" / f"{module}.py"
    text = path.read_text("utf-8")
    found: list[Equation] = []
    tree = ast.parse(text)
    for name, node in _documented(tree):
        doc = ast.get_docstring(node) or ""
        tex = _TEX.search(doc)
        if tex is None:
            continue
        summary = " ".join(doc.split("\n\n")[0].split())
        if isinstance(node, ast.Module):
            found.append(Equation(module, "", 0, summary, tex[1].strip(), ""))
        else:
            number = 1 + sum(bool(e.function) for e in found)
            code = _code(text, node)
            found.append(Equation(module, name, number, summary, tex[1].strip(), code))
    return tuple(found)


def _documented(tree: ast.Module) -> Iterator[tuple[str, ast.Module | ast.FunctionDef]]:
    """A module, its functions and the methods of its classes, by name."""
    yield "", tree
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            methods = (n for n in node.body if isinstance(n, ast.FunctionDef))
            yield from ((f"{node.name}.{method.name}", method) for method in methods)


def equation(name: str) -> Equation:
    """The equation of a name such as `peephole.output_gate`."""
    module = name.partition(".")[0]
    for candidate in equations(module):
        if candidate.name == name:
            return candidate
    raise ValueError(f"no equation {name!r}; there are {[e.name for e in equations(module)]}")


def _code(text: str, function: ast.FunctionDef) -> str:
    """The source of a function without its docstring."""
    lines = text.splitlines()
    head = lines[function.lineno - 1 : function.body[0].lineno - 1]
    end = function.body[0].end_lineno
    assert end is not None
    return textwrap.dedent("\n".join(head + lines[end : function.end_lineno]))
