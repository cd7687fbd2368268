"""The other systems: the shapes of their arrays, and what they compute from them.

TensorFlow, Keras and ONNX Runtime are run here, PyTorch and the libraries of JAX in `in_torch` and
`in_jax`; these and the others also stand here by their documented equations. Nothing here knows the
layouts of the package. Each takes sequences `(batch, timesteps, features)` and the
states, and returns the outputs of every step and the last h and c.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pytest

from tests.convert import onnx_files

Arrays = Mapping[str, np.ndarray]
Shapes = dict[str, tuple[int, ...]]
Run = Callable[..., list[np.ndarray]]

I, H, P = 5, 4, 3  # noqa: E741


def shapes(**sizes: tuple[int, ...]) -> Shapes:
    return sizes


TF = {"kernel": (I + H, 4 * H), "bias": (4 * H,)}
KERAS = {"kernel": (I, 4 * H), "recurrent_kernel": (H, 4 * H), "bias": (4 * H,)}
BLOCK = {"w": (I + H, 4 * H), "b": (4 * H,), "wci": (H,), "wcf": (H,), "wco": (H,)}
GATES_1 = "icfo"  # Keras 1 names its gates
TORCH = {"weight_ih": (4 * H, I), "weight_hh": (4 * H, H), "bias_ih": (4 * H,), "bias_hh": (4 * H,)}

NORM = {"gamma": (2, 4 * H), "gamma_h": (H,), "beta_h": (H,)}
COUPLED = {"W_0": (I + H, 3 * H), "B": (3 * H,), "W_F_diag": (H,), "W_O_diag": (H,)}

SHAPES: dict[str, Shapes] = {
    "keras": KERAS,
    "cudnn_lstm": KERAS | {"bias": (8 * H,)},
    "keras_1": {f"W_{k}": (I, H) for k in GATES_1}
    | {f"U_{k}": (H, H) for k in GATES_1}
    | {f"b_{k}": (H,) for k in GATES_1},
    "tfa": KERAS
    | {f"{gate}_gate_peephole_weights": (H,) for gate in ("input", "forget", "output")},
    "tf1": TF | {f"w_{gate}_diag": (H,) for gate in "ifo"},
    "tf1 without peepholes": TF,
    "tf1 projected": {"kernel": (I + P, 4 * H), "bias": (4 * H,), "projection/kernel": (H, P)}
    | {f"w_{gate}_diag": (H,) for gate in "ifo"},
    "tf1_coupled": COUPLED,
    "tf1_coupled projected": COUPLED | {"W_0": (I + P, 3 * H), "W_P_0": (H, P)},
    "block_lstm_v1": BLOCK,
    "block_lstm_v2": BLOCK,
    "pytorch": {f"{name}_l0": shape for name, shape in TORCH.items()},
    "pytorch projected": {f"{name}_l0": shape for name, shape in TORCH.items()}
    | {"weight_hh_l0": (4 * H, P), "weight_hr_l0": (P, H)},
    "pytorch_cell": TORCH,
    "flax": {f"i{gate}/kernel": (I, H) for gate in "ifgo"}
    | {f"h{gate}/kernel": (H, H) for gate in "ifgo"}
    | {f"h{gate}/bias": (H,) for gate in "ifgo"},
    "flax_nnx": {
        "dense_i/kernel": (I, 4 * H),
        "dense_h/kernel": (H, 4 * H),
        "dense_h/bias": (4 * H,),
    },
    "haiku": {"linear/w": (I + H, 4 * H), "linear/b": (4 * H,)},
    "haste": KERAS,
    "haste zoneout": KERAS,
    "haste_layer_norm": KERAS | NORM,
    "haste_layer_norm zoneout": KERAS | NORM,
    "haste_tf_layer_norm": TF | NORM,
    "lasagne": {f"W_in_to_{net}": (I, H) for net in ("ingate", "forgetgate", "cell", "outgate")}
    | {f"W_hid_to_{net}": (H, H) for net in ("ingate", "forgetgate", "cell", "outgate")}
    | {f"b_{net}": (H,) for net in ("ingate", "forgetgate", "cell", "outgate")}
    | {f"W_cell_to_{net}": (H,) for net in ("ingate", "forgetgate", "outgate")},
    "dl4j": {"W": (I, 4 * H), "RW": (H, 4 * H + 3), "b": (1, 4 * H)},
    "dl4j without peepholes": {"W": (I, 4 * H), "RW": (H, 4 * H), "b": (1, 4 * H)},
    "onnx": {"W": (1, 4 * H, I), "R": (1, 4 * H, H), "B": (1, 8 * H), "P": (1, 3 * H)},
    "onnx_input_forget": {
        "W": (1, 3 * H, I),
        "R": (1, 3 * H, H),
        "B": (1, 6 * H),
        "P": (1, 2 * H),
    },
}
ZONEOUT = 0.3
WITH_PEEPHOLES = ("tfa", "tf1", "block_lstm_v1", "block_lstm_v2", "lasagne", "dl4j", "onnx")


def random_arrays(system: str, seed: int = 11) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(scale=0.7, size=shape).astype("float32")
        for name, shape in SHAPES[system].items()
    }


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def over_time(step: Callable[..., Any], x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
    outputs = []
    for t in range(x.shape[1]):
        h, c = step(x[:, t], h, c)
        outputs.append(h)
    return [np.stack(outputs, axis=1), h, c]


def tfa(a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
    p_i, p_f, p_o = (a[f"{gate}_gate_peephole_weights"] for gate in ("input", "forget", "output"))

    def step(x: Any, h: Any, c: Any) -> Any:
        z = x @ a["kernel"] + h @ a["recurrent_kernel"] + a["bias"]
        z0, z1, z2, z3 = np.split(z, 4, axis=1)
        i = sigmoid(z0 + p_i * c)
        f = sigmoid(z1 + p_f * c)
        c = f * c + i * np.tanh(z2)
        return sigmoid(z3 + p_o * c) * np.tanh(c), c

    return over_time(step, x, h, c)


def without_peepholes(nets: Callable[..., Any]) -> Run:
    """From the net inputs i, f, g and o of a step to the whole."""

    def run(a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
        def step(x: Any, h: Any, c: Any) -> Any:
            i, f, g, o = nets(a, x, h)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            return sigmoid(o) * np.tanh(c), c

        return over_time(step, x, h, c)

    return run


def haste(a: Arrays, x: np.ndarray, h: np.ndarray) -> Any:
    v = x @ a["kernel"] + h @ a["recurrent_kernel"] + a["bias"]
    i, g, f, o = np.split(v, 4, axis=1)
    return i, f, g, o


def haste_norm(v: np.ndarray) -> np.ndarray:
    mean, variance = v.mean(axis=-1, keepdims=True), v.var(axis=-1, keepdims=True)
    return (v - mean) / np.sqrt(variance + 1e-5)


def haste_layer_norm(zoneout: float) -> Run:
    """In inference, where zoneout is its mean; it has no part in c."""

    def run(a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
        kernel, recurrent = a["kernel"][:I], a.get("recurrent_kernel", a["kernel"][I:])

        def step(x: Any, h: Any, c: Any) -> Any:
            v = haste_norm(x @ kernel) * a["gamma"][0] + haste_norm(h @ recurrent) * a["gamma"][1]
            i, g, f, o = np.split(v + a["bias"], 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            made = sigmoid(o) * np.tanh(haste_norm(c) * a["gamma_h"] + a["beta_h"])
            return zoneout * h + (1 - zoneout) * made, c

        return over_time(step, x, h, c)

    return run


def haste_zoneout(a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
    def step(x: Any, h: Any, c: Any) -> Any:
        i, f, g, o = haste(a, x, h)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return ZONEOUT * h + (1 - ZONEOUT) * sigmoid(o) * np.tanh(c), c

    return over_time(step, x, h, c)


def pytorch_projected(a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
    def step(x: Any, h: Any, c: Any) -> Any:
        i, f, g, o = pytorch(a, x, h)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return (sigmoid(o) * np.tanh(c)) @ a["weight_hr_l0"].T, c

    return over_time(step, x, h, c)


def tf1_coupled(
    a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray, forget_bias: float = 1.0
) -> Any:
    """As TensorFlow 1.15 documents it: j, f, o; 1 - f lets in; peepholes of f and o."""

    def step(x: Any, h: Any, c: Any) -> Any:
        j, f, o = np.split(np.concatenate([x, h], axis=1) @ a["W_0"] + a["B"], 3, axis=1)
        kept = sigmoid(f + forget_bias + a.get("W_F_diag", 0.0) * c)
        c = kept * c + (1 - kept) * np.tanh(j)
        m = sigmoid(o + a.get("W_O_diag", 0.0) * c) * np.tanh(c)
        return m @ a["W_P_0"] if "W_P_0" in a else m, c

    return over_time(step, x, h, c)


def pytorch(a: Arrays, x: np.ndarray, h: np.ndarray) -> Any:
    from_x = x @ a["weight_ih_l0"].T + a["bias_ih_l0"]
    return np.split(from_x + h @ a["weight_hh_l0"].T + a["bias_hh_l0"], 4, axis=1)


def pytorch_cell(a: Arrays, x: np.ndarray, h: np.ndarray) -> Any:
    return pytorch({f"{name}_l0": array for name, array in a.items()}, x, h)


def keras_1(a: Arrays, x: np.ndarray, h: np.ndarray) -> Any:
    return [x @ a[f"W_{k}"] + h @ a[f"U_{k}"] + a[f"b_{k}"] for k in "ifco"]


def cudnn_lstm(a: Arrays, x: np.ndarray, h: np.ndarray) -> Any:
    """What cuDNN makes of the numbers: a matrix per gate, row by row, that stands before x or h.

    Keras 2 handed it each gate's columns, flattened, in the order i, f, c, o; and two biases.
    """
    nets = []
    for k in range(4):
        columns = slice(k * H, (k + 1) * H)
        w = np.ravel(a["kernel"][:, columns]).reshape(H, I)
        r = np.ravel(a["recurrent_kernel"][:, columns]).reshape(H, H)
        b = a["bias"][columns] + a["bias"][4 * H + k * H : 4 * H + (k + 1) * H]
        nets.append((w @ x.T + r @ h.T).T + b)
    return nets


def flax(a: Arrays, x: np.ndarray, h: np.ndarray) -> Any:
    return [x @ a[f"i{k}/kernel"] + h @ a[f"h{k}/kernel"] + a[f"h{k}/bias"] for k in "ifgo"]


def flax_nnx(a: Arrays, x: np.ndarray, h: np.ndarray) -> Any:
    y = x @ a["dense_i/kernel"] + h @ a["dense_h/kernel"] + a["dense_h/bias"]
    return np.split(y, 4, axis=1)


def haiku(a: Arrays, x: np.ndarray, h: np.ndarray) -> Any:
    gated = np.concatenate([x, h], axis=1) @ a["linear/w"] + a["linear/b"]
    i, g, f, o = np.split(gated, 4, axis=1)
    return i, f + 1, g, o


def lasagne(a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
    def net(name: str, x: Any, h: Any) -> Any:
        return x @ a[f"W_in_to_{name}"] + h @ a[f"W_hid_to_{name}"] + a[f"b_{name}"]

    def step(x: Any, h: Any, c: Any) -> Any:
        ingate = sigmoid(net("ingate", x, h) + c * a["W_cell_to_ingate"])
        forgetgate = sigmoid(net("forgetgate", x, h) + c * a["W_cell_to_forgetgate"])
        c = forgetgate * c + ingate * np.tanh(net("cell", x, h))
        outgate = sigmoid(net("outgate", x, h) + c * a["W_cell_to_outgate"])
        return outgate * np.tanh(c), c

    return over_time(step, x, h, c)


def dl4j(a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
    peepholes = a["RW"][:, 4 * H :].T
    w_ff, w_oo, w_gg = peepholes if len(peepholes) else np.zeros((3, H))

    def step(x: Any, h: Any, c: Any) -> Any:
        ifog = x @ a["W"] + h @ a["RW"][:, : 4 * H] + a["b"]
        inputs = np.tanh(ifog[:, 0:H])
        forget_gate = sigmoid(ifog[:, H : 2 * H] + c * w_ff)
        input_mod_gate = sigmoid(ifog[:, 3 * H : 4 * H] + c * w_gg)
        c = forget_gate * c + input_mod_gate * inputs
        output_gate = sigmoid(ifog[:, 2 * H : 3 * H] + c * w_oo)
        return output_gate * np.tanh(c), c

    return over_time(step, x, h, c)


def keras_lstm(a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
    layer = keras.layers.LSTM(H, return_sequences=True, return_state=True)
    layer.build(x.shape)
    layer.set_weights([a["kernel"], a["recurrent_kernel"], a["bias"]])
    return [keras.ops.convert_to_numpy(y) for y in layer(x, initial_state=[h, c])]


def tf1(
    a: Arrays,
    x: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    forget_bias: float = 1.0,
    checkpoint: Any = None,
    **clipping: float,
) -> Any:
    """A graph of TensorFlow 1, with its variables in a scope of their own."""
    tf = pytest.importorskip("tensorflow").compat.v1
    # No public name is left for it beside Keras 3.
    legacy = pytest.importorskip("tensorflow.python.keras.layers.legacy_rnn.rnn_cell_impl")
    with tf.Graph().as_default(), tf.Session() as session:
        cell = legacy.LSTMCell(
            H,
            use_peepholes="w_i_diag" in a,
            forget_bias=forget_bias,
            num_proj=P if "projection/kernel" in a else None,
            **clipping,
        )
        state = legacy.LSTMStateTuple(c=tf.constant(c), h=tf.constant(h))
        outputs, last = tf.nn.dynamic_rnn(cell, tf.constant(x), initial_state=state)
        for variable in tf.global_variables():
            name = variable.op.name.removeprefix("rnn/lstm_cell/")
            session.run(tf.assign(variable, a[name]))
        if checkpoint is not None:
            tf.train.Saver().save(session, str(checkpoint))
        return session.run([outputs, last.h, last.c])


def tf1_fused(
    a: Arrays,
    x: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    name: str,
    checkpoint: Any,
    in_function: bool = False,
    strip: bool = False,
    **attributes: float,
) -> Any:
    """A graph of TensorFlow 1 with one of its fused operations, and a checkpoint of it."""
    tf = pytest.importorskip("tensorflow")
    v1, fused = tf.compat.v1, getattr(tf.raw_ops, name)
    blocks = {"w": "kernel", "b": "bias", "wci": "w_i_diag", "wcf": "w_f_diag", "wco": "w_o_diag"}

    def unrolled(x: Any, h: Any, c: Any, **w: Any) -> Any:
        outputs = []
        for t in range(x.shape[1]):
            step = {"x": x[:, t], "cs_prev": c, "h_prev": h, **w}
            c, h = fused(**step, use_peephole=True, **attributes)[1::5]
            outputs.append(h)
        return tf.stack(outputs, axis=1), h, c

    def at_once(x: Any, h: Any, c: Any, **w: Any) -> Any:
        whole = {"x": tf.transpose(x, (1, 0, 2)), "cs_prev": c, "h_prev": h, **w}
        length = tf.constant(x.shape[1], "int64")
        made = fused(seq_len_max=length, **whole, use_peephole=True, **attributes)
        return tf.transpose(made[6], (1, 0, 2)), made[6][-1], made[1][-1]

    run = unrolled if name == "LSTMBlockCell" else at_once
    with v1.Graph().as_default(), v1.Session() as session:
        with v1.variable_scope("rnn/lstm_cell"):
            w = {k: v1.get_variable(old, initializer=a[old]) for k, old in blocks.items()}
        read = {k: tf.convert_to_tensor(v) for k, v in w.items()}
        made = (tf.function(run) if in_function else run)(*map(tf.constant, (x, h, c)), **read)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(checkpoint), strip_default_attrs=strip)
        return session.run(made)


def block_lstm(name: str, **attributes: float) -> Run:
    def run(a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
        tf = pytest.importorskip("tensorflow")
        _, cs, _, _, _, _, hs = getattr(tf.raw_ops, name)(
            seq_len_max=x.shape[1],
            x=x.swapaxes(0, 1),
            cs_prev=c,
            h_prev=h,
            **a,
            use_peephole=True,
            **attributes,
        )
        return [hs.numpy().swapaxes(0, 1), hs[-1].numpy(), cs[-1].numpy()]

    return run


def onnx(a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
    y, h, c = onnx_files.run(onnx_files.model(a, H), x, h[None], c[None])
    return [y[:, :, 0], h[0], c[0]]


def onnx_input_forget(a: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> Any:
    """A node whose forget gate has any weights, which must not matter."""
    whole = onnx_files.with_forget_gate(a, H)
    y, h, c = onnx_files.run(onnx_files.model(whole, H, input_forget=1), x, h[None], c[None])
    return [y[:, :, 0], h[0], c[0]]


RUNS: dict[str, Run] = {
    "keras": keras_lstm,
    "cudnn_lstm": without_peepholes(cudnn_lstm),
    "keras_1": without_peepholes(keras_1),
    "tfa": tfa,
    "tf1": tf1,
    "tf1 without peepholes": tf1,
    "tf1 projected": tf1,
    "tf1_coupled": tf1_coupled,
    "tf1_coupled projected": tf1_coupled,
    "block_lstm_v1": block_lstm("BlockLSTM", cell_clip=-1),
    "block_lstm_v2": block_lstm("BlockLSTMV2"),
    "pytorch": without_peepholes(pytorch),
    "pytorch projected": pytorch_projected,
    "pytorch_cell": without_peepholes(pytorch_cell),
    "flax": without_peepholes(flax),
    "flax_nnx": without_peepholes(flax_nnx),
    "haiku": without_peepholes(haiku),
    "haste": without_peepholes(haste),
    "haste zoneout": haste_zoneout,
    "haste_layer_norm": haste_layer_norm(0.0),
    "haste_layer_norm zoneout": haste_layer_norm(ZONEOUT),
    "haste_tf_layer_norm": haste_layer_norm(0.0),
    "lasagne": lasagne,
    "dl4j": dl4j,
    "dl4j without peepholes": dl4j,
    "onnx": onnx,
    "onnx_input_forget": onnx_input_forget,
}
"""Those that run in this process."""
