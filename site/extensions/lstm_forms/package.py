"""A variant with this package, and as a node of ONNX."""

from dataclasses import fields, replace

from keras_lstm_ext.export import node
from keras_lstm_ext.variants import Variant

Pieces = dict[str, str]
IN_ONNX = "iofc"
"""The order of the nets in the operator `LSTM`."""


def layer(v: Variant) -> Pieces:
    """The layer of the package; a field is given where it is not that of the classic cell."""
    given = replace(v, sources=(), projection=3 if v.projection else None)
    same = v.squashes_output == v.activation
    given = replace(given, output_activation="same" if same else v.squashes_output)
    bare = Variant()
    made = {
        "import": "from keras_lstm_ext import Variant, VariantLSTM\n",
        "variant": "variant = Variant(",
    }
    for name in (field.name for field in fields(v)):
        value = getattr(given, name)
        if value != getattr(bare, name):
            made[name] = f"    {name}={value!r},".replace("'", '"')
    made["end"] = ")"
    return made | {"layer": "layer = VariantLSTM(8, variant=variant, return_sequences=True)"}


def onnx(v: Variant) -> Pieces:
    """A function that makes the node of arrays by name, or why there is none."""
    reason = why_not(v)
    if reason:
        return {
            "why": f"# There is no ONNX LSTM node for this cell:\n# {reason}.",
            "instead": '# As a loop: model.export("model.onnx", format="onnx")',
        }
    made = {
        "import": "import numpy as np\nfrom onnx import helper, numpy_helper\n\n",
        "def": 'def lstm_node(w):\n    """Reads X (timesteps, batch, features), writes Y '
        '(timesteps, 1, batch, units)."""',
        "sizes": '    features, units = w["W_c"].shape',
        "order": "    # The order of the operator: i, o, f, c.",
    }
    made |= _packed(v)
    squashers = [
        node.FUNCTIONS[name or "linear"] for name in ("sigmoid", v.activation, v.squashes_output)
    ]
    names = ", ".join(f'"{name}"' for name, _ in squashers)
    constants = [given for _, given in squashers if given]
    made["node"] = '    given = {"W": W, "R": R, "B": B, "P": P}'
    made["inputs"] = '    inputs = ["X", "W", "R", "B", "", "", "", "P"]'
    made["options"] = f"    options = dict(hidden_size=units, activations=[{names}])"
    if constants:
        alpha, beta = ([value[n] for value in constants] for n in (0, 1))
        made["constants"] = f"    options |= dict(activation_alpha={alpha}, activation_beta={beta})"
    made["end"] = (
        "    arrays = [numpy_helper.from_array(a[None].astype(np.float32), k) "
        "for k, a in given.items()]\n"
        '    return helper.make_node("LSTM", inputs, ["Y"], **options), arrays'
    )
    return made


def why_not(v: Variant) -> str | None:
    """What an ONNX LSTM cannot compute of it."""
    squashers = ("sigmoid", v.activation or "linear", v.squashes_output or "linear")
    more = ["layer normalisation"] * v.normalize_nets + ["a projection"] * bool(v.projection)
    return node.why_not(v, squashers, " and ".join(more))


def _packed(v: Variant) -> Pieces:
    """The arrays of the operator; its 1 - i is a gate of its own, with the negative net of i."""
    made = {}
    has = {*v.nets, *"f" * v.coupled}
    if has != set(IN_ONNX):
        made["none"] = "    none = np.zeros((features, units))  # a gate that is not there"
        made["open"] = f"    always = np.full(units, {node.OPEN})  # its sigmoid is 1"

    def each(letter: str, absent: str, nets: str = IN_ONNX) -> str:
        own = {k: f'w["{letter}_{k}"]' for k in v.nets}
        if v.coupled:
            own["f"] = f'-w["{letter}_i"]'
        return ", ".join(own.get(k, absent) for k in nets)

    made["W"] = f"    W = np.concatenate([{each('W', 'none')}], 1).T"
    made["R"] = "    R = np.zeros((4 * units, units))"
    if v.feedback != "none":
        made["R"] = f"    R = np.concatenate([{each('R', 'np.zeros((units, units))')}], 1).T"
    made["B"] = f"    B = np.concatenate([{each('b', 'always')}, np.zeros(4 * units)])"
    made["P"] = "    P = np.zeros(3 * units)"
    if v.peepholes and v.gates:
        made["P"] = f"    P = np.concatenate([{each('p', 'np.zeros(units)', 'iof')}])"
    return made
