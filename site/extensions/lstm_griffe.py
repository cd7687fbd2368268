"""Gives the layers their constructors and the `{arguments}` of their docstrings.

The package makes them at import, with `keras_lstm_ext.layers._arguments`; the API pages read the
source only.
"""

import ast
from collections.abc import Iterator
from typing import Any

import griffe

PLACEHOLDER = "{arguments}"


class ArgumentsExtension(griffe.Extension):
    """Makes `__init__` of the groups of arguments among a class's bases."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Called by griffe when all modules of a package are known."""
        machine = pkg["layers._arguments"]
        of_all, docs, step = (
            ast.literal_eval(str(machine[k].value)) for k in ("OF_ALL", "DOCS", "STEP")
        )
        for cls in _classes(pkg):
            if cls.docstring is None or PLACEHOLDER not in cls.docstring.value:
                continue
            parameters, texts = _arguments(cls, of_all)
            entries = (texts | docs).items()
            lines = ["Args:", *(f"    {name}: {text}" for name, text in entries)]
            text = cls.docstring.value.replace(PLACEHOLDER, "\n".join(lines))
            cls.docstring.value = text.replace("{step}", step)
            cls.set_member("__init__", griffe.Function("__init__", parameters=parameters))


def _classes(module: griffe.Module) -> Iterator[griffe.Class]:
    for member in module.members.values():
        if member.is_alias:
            continue
        if member.is_module:
            yield from _classes(member)
        elif member.is_class:
            yield member


def _arguments(
    cls: griffe.Class, last: tuple[str, ...]
) -> tuple[griffe.Parameters, dict[str, str]]:
    """The parameters, and what each means, as `_arguments.declared` and `DOCS` have them."""
    found: dict[str, griffe.Parameter | None] = {}
    texts: dict[str, str] = {}
    for base in reversed([cls, *cls.mro()]):
        by_name = "options" in {str(decorator.value) for decorator in base.decorators}
        for name, member in base.members.items():
            if not member.is_attribute or member.annotation is None or member.value is None:
                continue
            call = ast.parse(str(member.value), mode="eval").body
            if not isinstance(call, ast.Call):
                continue
            given = {k.arg: k.value for k in call.keywords}
            if ast.unparse(call.func) == "absent":
                found[name] = None
                continue
            if call.args:
                texts[name] = ast.literal_eval(call.args[0])
            kw_only = ast.literal_eval(given["kw_only"]) if "kw_only" in given else by_name
            kind = griffe.ParameterKind
            found[name] = griffe.Parameter(
                name,
                annotation=member.annotation,
                kind=kind.keyword_only if kw_only else kind.positional_or_keyword,
                default=ast.unparse(given["default"]) if "default" in given else None,
            )
    present = [p for p in found.values() if p is not None]
    present.sort(key=lambda p: (p.kind is griffe.ParameterKind.keyword_only, p.name in last))
    first = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
    more = griffe.Parameter("kwargs", annotation="Any", kind=griffe.ParameterKind.var_keyword)
    return griffe.Parameters(first, *present, more), {p.name: texts[p.name] for p in present}
