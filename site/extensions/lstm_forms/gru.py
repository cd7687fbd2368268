"""The gated recurrent unit in every form: no member of the family, but often compared with it."""

import re
from dataclasses import dataclass
from textwrap import indent

from .step import JAX, KERAS, NUMPY, TORCH, Dialect

NETS = "rzg"
_IN_ONNX = "zrg"


@dataclass(frozen=True)
class GRU:
    """One of its two kinds.

    Args:
        title: The name or the year, and what it is.
        sources: Keys of the bibliography.
        after: Whether the reset gate acts after the product with the recurrent weights.
    """

    title: str
    sources: tuple[str, ...]
    after: bool


KNOWN = {
    "gru": GRU("2014: GRU (Cho et al.), reset before", ("cho2014learning",), after=False),
    "gru-after": GRU("GRU of Keras and PyTorch, reset after", (), after=True),
}


def equations(gru: GRU) -> dict[str, str]:
    """Its equations in TeX; it has no biases d where the reset gate acts before."""
    d = {k: f" + d_{k}" if gru.after else "" for k in NETS}
    rows = {
        k: rf"{k}_t &= \sigma(W_{k} x_t + R_{k} h_{{t-1}} + b_{k}{d[k]})" for k in NETS if k != "g"
    }
    fed = r"R_g (r_t \odot h_{t-1})"
    if gru.after:
        fed = rf"r_t \odot (R_g h_{{t-1}}{d['g']})"
    rows["g"] = rf"g_t &= \tanh(W_g x_t + {fed} + b_g)"
    return rows | {"h": r"h_t &= z_t \odot h_{t-1} + (1 - z_t) \odot g_t"}


def weights(gru: GRU) -> dict[str, str]:
    """The weights of `keras.layers.GRU`, as the explorer counts them."""
    bias = "2|3H" if gru.after else "3H"
    return {"kernel": "I|3H", "recurrent_kernel": "H|3H", "bias": bias}


def _step(gru: GRU, d: Dialect) -> str:
    """The lines from `x_t` and `h` to the next h."""
    extra = {k: f' + w["d_{k}"]' if gru.after else "" for k in NETS}
    lines = []
    for k in "rz":
        net = f'x_t @ w["W_{k}"] + h @ w["R_{k}"] + w["b_{k}"]{extra[k]}'
        lines.append(f"{k} = {d.sigma.replace('{}', net)}")
    fed = f'r * (h @ w["R_g"]{extra["g"]})' if gru.after else '(r * h) @ w["R_g"]'
    net = f'x_t @ w["W_g"] + {fed} + w["b_g"]'
    return "\n".join([*lines, f"g = {d.tanh.replace('{}', net)}", "h = z * h + (1 - z) * g"])


_DOC = '''\
    """x (batch, timesteps, features); w has arrays by name:

    W_r, W_z, W_g (features, units)
    R_r, R_z, R_g (units, units)
    BIASES (units,)
    """'''
_SHAPES = """\
shapes = {f"W_{k}": (features, units) for k in "rzg"}
shapes |= {f"R_{k}": (units, units) for k in "rzg"}
shapes |= {f"{b}_{k}": (units,) for b in "LETTERS" for k in "rzg"}"""
_NUMPY = f"""\
import numpy as np


def sigma(x):
    return 1 / (1 + np.exp(-x))


def gru(x, w):
{_DOC}
    h = np.zeros((len(x), len(w["b_g"])))
    outputs = []
    for t in range(x.shape[1]):
        x_t = x[:, t]
        STEP
        outputs.append(h)
    return np.stack(outputs, 1)"""
_TORCH = """\
import torch
from torch import nn


class GRU(nn.Module):
    def __init__(self, features, units):
        super().__init__()
        self.units = units
        SHAPES
        self.w = nn.ParameterDict(
            {k: nn.Parameter(0.1 * torch.randn(shape)) for k, shape in shapes.items()}
        )

    def forward(self, x):
        w = self.w
        h = x.new_zeros(len(x), self.units)
        outputs = []
        for x_t in x.unbind(1):
            STEP
            outputs.append(h)
        return torch.stack(outputs, 1)"""
_JAX = f"""\
import jax
import jax.numpy as jnp
from jax.nn import sigmoid


def gru(x, w):
{_DOC}

    def step(h, x_t):
        STEP
        return h, h

    h = jnp.zeros((len(x), len(w["b_g"])))
    _, outputs = jax.lax.scan(step, h, x.swapaxes(0, 1))
    return outputs.swapaxes(0, 1)"""
_KERAS = """\
import keras
from keras import ops


class Cell(keras.layers.Layer):
    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units
        self.state_size = [units]

    def build(self, input_shape):
        features, units = input_shape[-1], self.units
        SHAPES
        self.w = {
            k: self.add_weight(shape=shape, name=k) for k, shape in shapes.items()
        }

    def call(self, x_t, states):
        w, (h,) = self.w, states
        STEP
        return h, [h]


layer = keras.layers.RNN(Cell(8), return_sequences=True)"""


def numpy(gru: GRU) -> str:
    """A function of a sequence and of arrays by name."""
    return _filled(_NUMPY, gru, NUMPY)


def torch(gru: GRU) -> str:
    """A module."""
    return _filled(_TORCH, gru, TORCH)


def jax(gru: GRU) -> str:
    """A function of a sequence and of arrays by name, its loop a scan."""
    return _filled(_JAX, gru, JAX)


def keras(gru: GRU) -> str:
    """A cell for `keras.layers.RNN`."""
    return _filled(_KERAS, gru, KERAS)


def layer(gru: GRU) -> str:
    """The layer of Keras: this package has none."""
    return (
        "# No layer of this package. In Keras:\nimport keras\n\n"
        f"layer = keras.layers.GRU(8, reset_after={gru.after}, return_sequences=True)"
    )


def onnx(gru: GRU) -> str:
    """A function that makes the node of arrays by name."""

    def joined(letter: str) -> str:
        return ", ".join(f'w["{letter}_{k}"]' for k in _IN_ONNX)

    second = joined("d") if gru.after else "np.zeros(3 * units)"
    return f'''\
import numpy as np
from onnx import helper, numpy_helper


def gru_node(w):
    """Reads X (timesteps, batch, features), writes Y (timesteps, 1, batch, units)."""
    units = len(w["b_g"])
    # The order of the operator: z, r, g.
    W = np.concatenate([{joined("W")}], 1).T
    R = np.concatenate([{joined("R")}], 1).T
    B = np.concatenate([{joined("b")}, {second}])
    given = {{"W": W, "R": R, "B": B}}
    options = dict(hidden_size=units, linear_before_reset={int(gru.after)})
    arrays = [numpy_helper.from_array(a[None].astype(np.float32), k) for k, a in given.items()]
    return helper.make_node("GRU", ["X", *given], ["Y"], **options), arrays'''


def _filled(template: str, gru: GRU, d: Dialect) -> str:
    letters = "bd" if gru.after else "b"
    biases = ", ".join(f"{letter}_{k}" for letter in letters for k in NETS)
    shapes = _SHAPES.replace("LETTERS", letters)
    for name, text in {"STEP": _step(gru, d), "SHAPES": shapes}.items():
        template = re.sub(
            rf"^( *){name}$", lambda m, t=text: indent(t, m[1]), template, flags=re.MULTILINE
        )
    return template.replace("BIASES", biases)


def lines(text: str) -> dict[str, str]:
    """The lines of a program by what they define, so that two kinds can be compared."""
    made: dict[str, str] = {}
    for line in text.split("\n"):
        name = line.partition(" = ")[0] if " = " in line else line
        while name in made:
            name += "'"
        made[name] = line
    return made
