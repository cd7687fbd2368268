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
    fields_ = ("normalize_nets", "normalize_output", "projection")
    more = [name for name in fields_ if getattr(v, name)]
    return node.why_not(
        v, ("sigmoid", v.activation or "linear", v.squashes_output or "linear"), more
    )


def _packed(v: Variant) -> Pieces:
    made = {}
    if set(v.nets) != set(IN_ONNX):
        made["none"] = "    none = np.zeros((features, units))  # a gate that is not there"
    weights = [f'w["W_{k}"]' if k in v.nets else "none" for k in IN_ONNX]
    made["W"] = f"    W = np.concatenate([{', '.join(weights)}], 1).T"
    if v.feedback == "none":
        made["R"] = "    R = np.zeros((4 * units, units))"
    else:
        absent = "np.zeros((units, units))"
        recurrent = [f'w["R_{k}"]' if k in v.nets else absent for k in IN_ONNX]
        made["R"] = f"    R = np.concatenate([{', '.join(recurrent)}], 1).T"
    if set(v.nets) != set(IN_ONNX):
        made["open"] = f"    always = np.full(units, {node.OPEN})  # its sigmoid is 1"
    biases = [f'w["b_{k}"]' if k in v.nets else "always" for k in IN_ONNX]
    made["B"] = f"    B = np.concatenate([{', '.join(biases)}, np.zeros(4 * units)])"
    peepholes = [
        f'w["p_{k}"]' if v.peepholes and k in v.gates else "np.zeros(units)" for k in "iof"
    ]
    made["P"] = f"    P = np.concatenate([{', '.join(peepholes)}])"
    return made
