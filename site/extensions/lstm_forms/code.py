"""Whole programs around a time step: NumPy, PyTorch, JAX and Keras, each needing nothing else."""

from keras_lstm_ext.variants import Variant

from . import step as steps
from .step import JAX, KERAS, NUMPY, TORCH, feeds

Pieces = dict[str, str]


def numpy(v: Variant) -> Pieces:
    """A function of a sequence and of arrays by name."""
    made = {"import": "import numpy as np\n\n"}
    if v.gates or "sigmoid" in f"{v.activation} {v.squashes_output}":
        made["sigma"] = "def sigma(x):\n    return 1 / (1 + np.exp(-x))\n\n"
    made |= _normalize(v, "y.mean(1, keepdims=True)", "np.sqrt(y.var(1, keepdims=True) + {})")
    made |= {"def": "def lstm(x, w):"} | _documented(v) | _start(v, "np.zeros({})", "len(x)")
    made |= _joined(v, NUMPY.join) | {"for": "    outputs = []\n    for t in range(x.shape[1]):"}
    made["x_t"] = "        x_t = x[:, t]"
    made |= _indented(steps.step(v, NUMPY), 8)
    return made | {"end": "        outputs.append(h)\n    return np.stack(outputs, 1)"}


def torch(v: Variant) -> Pieces:
    """A module."""
    made = {"import": "import torch\nfrom torch import nn\n\n"}
    mean, variance = "y.mean(1, keepdim=True)", "y.var(1, keepdim=True, unbiased=False)"
    made |= _normalize(v, mean, f"({variance} + {{}}).sqrt()")
    sizes = "features, units, projection" if v.projection else "features, units"
    made["class"] = f"class LSTM(nn.Module):\n    def __init__(self, {sizes}):"
    made["super"] = "        super().__init__()\n        self.units = units"
    if v.projection:
        made["projection"] = "        self.projection = projection"
    made |= _indented(_shapes(v), 8)
    made["w"] = (
        "        self.w = nn.ParameterDict(\n"
        "            {k: nn.Parameter(0.1 * torch.randn(shape)) for k, shape in shapes.items()}\n"
        "        )\n"
    )
    made["def"] = "    def forward(self, x):\n        w = self.w"
    made |= _start(v, "x.new_zeros({})", "len(x)", "self.", 8) | _joined(v, TORCH.join, 8)
    made |= {"for": "        outputs = []\n        for x_t in x.unbind(1):"}
    made |= _indented(steps.step(v, TORCH), 12)
    return made | {"end": "            outputs.append(h)\n        return torch.stack(outputs, 1)"}


def jax(v: Variant) -> Pieces:
    """A function of a sequence and of arrays by name, its loop a scan."""
    made = {"import": "import jax\nimport jax.numpy as jnp"}
    if v.gates or "sigmoid" in f"{v.activation} {v.squashes_output}":
        made["sigmoid"] = "from jax.nn import sigmoid"
    if v.truncated and (v.feedback != "none" or (v.peepholes and v.gates)):
        made["stop"] = "from jax.lax import stop_gradient as stop"
    made["space"] = "\n"
    made |= _normalize(v, "y.mean(1, keepdims=True)", "jnp.sqrt(y.var(1, keepdims=True) + {})")
    made |= {"def": "def lstm(x, w):"} | _documented(v) | _start(v, "jnp.zeros({})", "len(x)")
    made |= _joined(v, JAX.join)
    state = "h, c, gates" if feeds(v) else "h, c"
    made["step"] = f"\n    def step(state, x_t):\n        {state} = state"
    made |= _indented(steps.step(v, JAX), 8)
    made["state"] = f"        return ({state}), h\n"
    made["scan"] = f"    _, outputs = jax.lax.scan(step, ({state}), x.swapaxes(0, 1))"
    return made | {"end": "    return outputs.swapaxes(0, 1)"}


def keras(v: Variant) -> Pieces:
    """A cell for `keras.layers.RNN`."""
    made = {"import": "import keras\nfrom keras import ops\n\n"}
    mean, variance = "ops.mean(y, 1, keepdims=True)", "ops.var(y, 1, keepdims=True)"
    made |= _normalize(v, mean, f"ops.sqrt({variance} + {{}})")
    sizes = "units, projection" if v.projection else "units"
    made["class"] = (
        f"class Cell(keras.layers.Layer):\n    def __init__(self, {sizes}, **options):\n"
        f"        super().__init__(**options)\n        self.units = units"
    )
    if v.projection:
        made["projection"] = "        self.projection = projection"
    width = "projection" if v.projection else "units"
    gates = f", {len(v.gates)} * units" if feeds(v) else ""
    made["sizes"] = f"        self.state_size = [{width}, units{gates}]\n"
    made["build"] = (
        "    def build(self, input_shape):\n        features, units = input_shape[-1], self.units"
    )
    made |= _indented(_shapes(v, "self."), 8)
    made["w"] = (
        "        self.w = {\n"
        "            k: self.add_weight(shape=shape, name=k) for k, shape in shapes.items()\n"
        "        }\n"
    )
    state = "h, c, gates" if feeds(v) else "h, c"
    made["def"] = f"    def call(self, x_t, states):\n        w, ({state}) = self.w, states"
    made |= _joined(v, KERAS.join, 8) | _indented(steps.step(v, KERAS), 8)
    made["end"] = f"        return h, [{state}]\n\n"
    arguments = "8, projection=3" if v.projection else "8"
    layer = f"layer = keras.layers.RNN(Cell({arguments}), return_sequences=True)"
    return made | {"layer": layer}


def _normalize(v: Variant, mean: str, root: str) -> Pieces:
    """The function that layer normalisation needs."""
    if not (v.normalize_nets or v.normalize_output):
        return {}
    value = f"(y - {mean}) / {root.format(v.epsilon)}"
    return {"normalize": f"def normalize(y):\n    return {value}\n\n"}


def _names(v: Variant, letters: str) -> str:
    return ", ".join(f"{letter}_{k}" for letter in letters.split() for k in v.nets)


def shapes(v: Variant) -> dict[str, tuple[str, ...]]:
    """The arrays by name and their shapes, as the code has them."""
    width = "projection" if v.projection else "units"
    gates = len(v.gates)
    rows = width
    if feeds(v):
        rows = f"{width} + {gates} * units" if v.projection else f"{gates + 1} * units"
    found: dict[str, tuple[str, ...]] = {}
    for k in v.nets:
        found[f"W_{k}"] = ("features", "units")
    order = (*v.gates, "c") if v.gates_to_gates else v.nets
    for k in order if v.feedback != "none" else ():
        found[f"R_{k}"] = (width if k == "c" and v.gates_to_gates else rows, "units")
    names = [f"p_{k}" for k in v.gates if v.peepholes]
    if v.normalize_nets:
        letters = ("gW", "gR") if v.feedback != "none" else ("gW",)
        names += [f"{letter}_{k}" for letter in letters for k in v.nets]
    names += ["gain", "shift"] * v.normalize_output + [f"b_{k}" for k in v.nets]
    found |= dict.fromkeys(names, ("units",))
    if v.projection:
        found["P"] = ("units", "projection")
    return found


def _grouped(v: Variant) -> dict[str, tuple[list[str], tuple[str, ...]]]:
    """The arrays by the first part of their names, with the last parts, and their shape."""
    groups: dict[str, tuple[list[str], tuple[str, ...]]] = {}
    for name, shape in shapes(v).items():
        letter, _, k = name.partition("_")
        key = f"{letter} of c" if (letter, k) == ("R", "c") and v.gates_to_gates else letter
        groups.setdefault(key, ([], shape))[0].append(k)
    return groups


def _documented(v: Variant) -> Pieces:
    """A docstring with the arrays that the function takes."""
    made = {"doc": '    """x (batch, timesteps, features); w has arrays by name:\n'}
    for key, (ks, shape) in _grouped(v).items():
        letter = key.split()[0]
        names = ", ".join(f"{letter}_{k}" if k else letter for k in ks)
        written = ", ".join(shape) + ("," if len(shape) == 1 else "")
        made[f"doc {key}"] = f"    {names} ({written})"
    return made | {"doc end": '    """'}


def _shapes(v: Variant, owner: str = "") -> Pieces:
    """The same as a dictionary."""
    made: Pieces = {}
    for key, (ks, shape) in _grouped(v).items():
        letter = key.split()[0]
        written = ", ".join(shape) + ("," if len(shape) == 1 else "")
        written = written.replace("projection", f"{owner}projection")
        if len(ks) == 1:
            name = f"{letter}_{ks[0]}" if ks[0] else letter
            text = (
                f'shapes["{name}"] = ({written})' if made else f'shapes = {{"{name}": ({written})}}'
            )
            made[f"shapes {key}"] = text
        else:
            entries = f'{{f"{letter}_{{k}}": ({written}) for k in "{"".join(ks)}"}}'
            text = f"shapes {'|=' if made else '='} {entries}"
            made[f"shapes {key}"] = text
    return made


def _start(v: Variant, zeros: str, batch: str, owner: str = "", indent: int = 4) -> Pieces:
    """The state before the first step."""
    units = f"{owner}units" if owner else 'w["W_c"].shape[1]'
    width = units
    if v.projection:
        width = f"{owner}projection" if owner else 'w["P"].shape[1]'
    made = {}
    if not owner:
        made["units"] = f"units = {units}"
        units = "units"
        width = width if v.projection else units
    sized = "({}, {})" if zeros.startswith(("np", "jnp")) else "{}, {}"

    def zero(columns: str) -> str:
        return zeros.replace("{}", sized.format(batch, columns))

    made |= {"h_0": f"h = {zero(width)}", "c_0": f"c = {zero(units)}"}
    if feeds(v):
        made["gates_0"] = f"gates = {zero(f'{len(v.gates)} * {units}')}"
    return _indented(made, indent)


def _joined(v: Variant, join: str, indent: int = 4) -> Pieces:
    """The matrices that are normalised as one."""
    if not v.normalize_nets:
        return {}
    letters = "WR" if v.feedback != "none" else "W"
    made = {
        letter: f"{letter} = "
        + join.replace("[{}]", f'[w[f"{letter}_{{k}}"] for k in "{"".join(v.nets)}"]')
        for letter in letters
    }
    return _indented(made, indent)


def _indented(pieces: Pieces, by: int) -> Pieces:
    return {name: " " * by + text for name, text in pieces.items()}
