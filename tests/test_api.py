"""The public interface: what there is, that it is documented, and what never changes."""

import inspect
import re
import tomllib
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

import keras
import pytest

import keras_lstm_ext
from keras_lstm_ext import activations, variants
from keras_lstm_ext.demo.forecaster import Forecaster
from keras_lstm_ext.layers import _arguments
from tests import processes

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "keras_lstm_ext"

LAYERS = (
    "CECLSTM",
    "OriginalLSTM",
    "ClassicLSTM",
    "PeepholeLSTM",
    "VariantLSTM",
    "CoupledLSTM",
    "LayerNormLSTM",
    "ProjectedLSTM",
)
CELLS = tuple(f"{name}Cell" for name in LAYERS)
CLASSES = [getattr(keras_lstm_ext, name) for name in LAYERS + CELLS]

REGISTERED = {
    "keras_lstm_ext>CECLSTM",
    "keras_lstm_ext>CECLSTMCell",
    "keras_lstm_ext>ClassicLSTM",
    "keras_lstm_ext>ClassicLSTMCell",
    "keras_lstm_ext>CoupledLSTM",
    "keras_lstm_ext>CoupledLSTMCell",
    "keras_lstm_ext>Forecaster",
    "keras_lstm_ext>LayerNormLSTM",
    "keras_lstm_ext>LayerNormLSTMCell",
    "keras_lstm_ext>OriginalLSTM",
    "keras_lstm_ext>OriginalLSTMCell",
    "keras_lstm_ext>PeepholeLSTM",
    "keras_lstm_ext>PeepholeLSTMCell",
    "keras_lstm_ext>ProjectedLSTM",
    "keras_lstm_ext>ProjectedLSTMCell",
    "keras_lstm_ext>VariantLSTM",
    "keras_lstm_ext>VariantLSTMCell",
    "keras_lstm_ext>centered_sigmoid_1",
    "keras_lstm_ext>centered_sigmoid_2",
    "keras_lstm_ext>hard_sigmoid_of_keras_2",
}
"""Names in saved models: add to them, but never change or remove one."""


def public_names() -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(keras_lstm_ext).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }


def arguments_of(cls: Any) -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(cls.__init__).parameters)
    return {name: p for name, p in parameters.items() if name not in ("self", "kwargs")}


def documented_arguments(cls: Any) -> dict[str, str]:
    """The entries of a docstring's `Args:` section, each in one line."""
    section = inspect.getdoc(cls).split("\nArgs:\n")[1].split("\n\n")[0]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", section, re.M)
    return {name: " ".join(text.split()) for name, text in entries}


def test_public_names_are_unique_and_documented() -> None:
    names = public_names()
    assert {*LAYERS, *CELLS, "Variant"} <= set(names)
    objects = [id(value) for value in names.values()]
    assert len(set(objects)) == len(objects), "one object under two names"
    for name, value in names.items():
        assert inspect.getdoc(value), name
        assert value.__module__.startswith("keras_lstm_ext"), name


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_argument_is_documented_with_its_default(cls: Any) -> None:
    documented = documented_arguments(cls)
    documented.pop("kwargs")
    assert list(documented) == list(arguments_of(cls))
    for name, parameter in arguments_of(cls).items():
        default = re.search(r"Defaults to `(.*)`\.$", documented[name])
        if parameter.default is parameter.empty:
            assert default is None, name
        else:
            assert default, name
            assert default[1] == repr(parameter.default), name


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_class_docstrings_are_complete(cls: Any) -> None:
    doc = cls.__doc__
    assert doc.split("\n")[0].endswith("."), "the first line is a sentence"
    assert "{arguments}" not in doc
    assert "Examples:" in doc
    assert ">>> " in doc
    if not cls.__name__.endswith("Cell") and cls.__name__ != "VariantLSTM":
        assert "$$" in doc
        assert "Source:" in doc
        assert "Raises:" in doc


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_public_methods_are_documented_and_typed(cls: Any) -> None:
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        if name.startswith("_") or not method.__module__.startswith("keras_lstm_ext"):
            continue
        assert inspect.getdoc(method), f"{cls.__name__}.{name}"
        assert "return" in method.__annotations__, f"{cls.__name__}.{name}"


def test_no_argument_is_documented_that_nothing_has() -> None:
    used = {name for cls in CLASSES for name in arguments_of(cls)} | {"kwargs"}
    assert set(_arguments.DOCS) == used


def test_registered_names_are_frozen() -> None:
    objects = [*CLASSES, *activations.OWN_ACTIVATIONS.values(), Forecaster]
    assert {keras.saving.get_registered_name(o) for o in objects} == REGISTERED
    custom = keras.saving.get_custom_objects()
    assert {name for name in custom if name.startswith("keras_lstm_ext>")} == REGISTERED


def test_only_public_keras_is_used() -> None:
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not re.findall(r"^\s*(?:from|import) (?:keras\.src|tensorflow\.python)", text, re.M)
        # The one place that names them looks for them on the call stack, as strings.
        if file.name != "tracing.py":
            assert "keras.src" not in text, file


@pytest.mark.slow
def test_layers_do_not_import_what_looks_into_them() -> None:
    for folder in ("layers", "engines", "diagram"):
        for file in (PACKAGE / folder).rglob("*.py"):
            assert "diagnostics import" not in file.read_text("utf-8"), file
    code = "import sys, keras_lstm_ext as k; k.CECLSTM(2)._repr_html_(); print(*sys.modules)"
    loaded = processes.run(code).split()
    assert not [name for name in loaded if name.startswith("keras_lstm_ext.diagnostics")]


def test_package_data() -> None:
    files = resources.files("keras_lstm_ext")
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    package_data = configured["tool"]["setuptools"]["package-data"]["keras_lstm_ext"]
    for name in ("py.typed", "references.bib"):
        assert files.joinpath(name).is_file()
        assert name in package_data


def test_citation_keys_exist() -> None:
    bibliography = resources.files("keras_lstm_ext").joinpath("references.bib").read_text("utf-8")
    known = re.findall(r"^@\w+\{([^,\s]+),", bibliography, re.M)
    assert len(known) == len(set(known))
    for name, variant in variants.FAMILY.items():
        assert variant.sources, name
        assert set(variant.sources) <= set(known), name


def test_the_family_is_what_history_says() -> None:
    gates = {name: (v.gates, v.peepholes) for name, v in variants.FAMILY.items()}
    assert gates == {
        "cec": ((), False),
        "original": (("i", "o"), False),  # 1997: no forget gate
        "classic": (("i", "f", "o"), False),
        "peephole": (("i", "f", "o"), True),
    }


def test_every_field_of_a_variant_is_documented() -> None:
    doc = variants.Variant.__doc__ or ""
    for field in fields(variants.Variant):
        assert f"    {field.name}: " in doc, field.name


def test_the_version_is_a_release_number() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", keras_lstm_ext.__version__)


def test_citation_and_changelog_have_the_version() -> None:
    root = Path(__file__).parents[1]
    written = re.search(r"^version: (\S+)$", (root / "CITATION.cff").read_text(), re.MULTILINE)
    assert written
    assert written.group(1) == keras_lstm_ext.__version__
    assert f"\n## {keras_lstm_ext.__version__}" in (root / "CHANGELOG.md").read_text()
