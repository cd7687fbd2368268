"""The weights of the LSTMs in a checkpoint of TensorFlow 1, or of Keras 2 in its format."""

import os
from typing import Any

from keras_lstm_ext.convert import h5
from keras_lstm_ext.convert.blocks import Array, Place
from keras_lstm_ext.convert.layouts import LAYOUTS

TF1 = ("tf1", "tf1_coupled")
"""The layouts of the cells in such a checkpoint."""

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
"""How the name of a variable ends in a checkpoint of objects, as TensorFlow 2 writes them."""

OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""The entry in such a checkpoint that says what its variables are called otherwise."""

IN_SAVED_MODEL = os.path.join("variables", "variables")
"""The checkpoint in the folder of a SavedModel."""

NAMES = {name: name for layout in TF1 for name in LAYOUTS[layout].arrays} | {
    "weights": "kernel",
    "biases": "bias",
    "projection/weights": "projection/kernel",
}
"""The names in a layout by those in a checkpoint, which TensorFlow changed in version 1.2."""

FUSED = {"LSTMBlockCell": 3.0, "BlockLSTM": 3.0, "BlockLSTMV2": 0.0}
"""Operations that clip the state at their attribute `cell_clip` if it is positive.

By operation, what it is where a graph does not say so: TensorFlow may leave such values out.
"""


def read_checkpoint(path: str | os.PathLike[str]) -> h5.Found:
    """Reads the weights of every LSTM cell of a TensorFlow 1 checkpoint.

    `tf.train.load_checkpoint` reads the file: no session, no graph, no code of the old model.
    Cells are found by the scope of their variables, which has `lstm` in its name unless the old
    model named it otherwise. `LSTMCell`, `BasicLSTMCell`, `LSTMBlockCell`, the cells that
    `CudnnLSTM` saves and those of Haste's `LSTM` all have the same variables;
    `CoupledInputForgetGateLSTMCell` has others. Whether a cell clips is not among them: where the
    graph was saved beside the checkpoint, as `.meta`, it is looked up there.

    Args:
        path: What the saver was given with the number of the step, such as `"model.ckpt-1000"`,
            the `.index` file beside it, or a folder, of which the latest is taken.

    Returns:
        For each cell, by its scope and in alphabetical order, the arrays that `set_weights` takes
        with the layout `"tf1"`, or `"tf1_coupled"` where they are called `W_0` and `B`: it adds the
        forget bias of 1 that these cells add when they run. Those of `CudnnLSTM` and Haste add 0:
        give it `forget_bias=0.0` there.

    Raises:
        ValueError: If there is no checkpoint, no LSTM cell in it, or one that no layer here
            computes, since it clips or normalises.
        ImportError: If TensorFlow is not installed.
    """
    found = cells(variables(path))
    check_graph(path, found)
    if not found:
        raise ValueError(
            "`path` must be a checkpoint with the variables kernel and bias in a scope with `lstm` "
            "in its name; of another scope, read it with tf.train.load_checkpoint and give the "
            f"arrays to set_weights with prefix. Received: none in {os.fspath(path)}"
        )
    return found


def variables(path: str | os.PathLike[str]) -> dict[str, Any]:
    """All variables of a checkpoint by their names."""
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            'checkpoints are read by TensorFlow: pip install "keras-lstm-ext[cpu]"'
        ) from error
    inside = os.path.join(path, IN_SAVED_MODEL)
    name = inside if os.path.isfile(f"{inside}.index") else os.fspath(path)
    try:
        reader = tf.train.load_checkpoint(name.removesuffix(".index"))
        names = sorted(reader.get_variable_to_shape_map())
    except (ValueError, tf.errors.OpError) as error:
        raise ValueError(
            "`path` must be a checkpoint of TensorFlow, a name to which .index and "
            f".data-00000-of-00001 are added. Received: {os.fspath(path)!r}"
        ) from error
    return {name: reader.get_tensor(name) for name in names}


def cells(given: dict[str, Any]) -> h5.Found:
    """The arrays of every LSTM cell among the variables of TensorFlow 1."""
    scopes: h5.Found = {}
    for full, array in given.items():
        for parts in (2, 1):  # the longer name first
            scope, *name = full.rsplit("/", parts)
            known = NAMES.get("/".join(name))
            if known and "lstm" in scope.rpartition("/")[2].lower():
                scopes.setdefault(scope, {})[known] = array
                break
    found = {scope: arrays for scope, arrays in scopes.items() if place_of(arrays)}
    for scope in found:
        if f"{scope}/W_1" in given or f"{scope}/W_P_1" in given:
            raise ValueError(
                "`path` must have LSTM cells whose matrices are in one piece: join W_0, W_1 and so "
                "on by their rows, and give them to set_weights as W_0, likewise W_P_0. "
                f"Received: {scope!r} in several"
            )
    h5.check_norms(given, found)
    return found


def place_of(arrays: dict[str, Array]) -> Place | None:
    """Where the weights of a TensorFlow 1 cell stand; None if these are not all that one has."""
    layout = LAYOUTS[TF1["W_0" in arrays]]
    kernel, projection = arrays.get("W_0", arrays.get("kernel")), None
    if kernel is None or kernel.ndim != 2 or kernel.shape[1] % len(layout.order):
        return None  # such as a ConvLSTMCell
    units = kernel.shape[1] // len(layout.order)
    projection = arrays.get("W_P_0", arrays.get("projection/kernel"))
    outputs = None if projection is None else projection.shape[-1]
    peepholes = "w_f_diag" in arrays or "W_F_diag" in arrays
    kinds = "WRb" + "p" * peepholes + "P" * (projection is not None)
    features = kernel.shape[0] - (outputs or units)
    place = Place(layout, features, units, kinds, outputs=outputs)
    shapes = {k: place.shape(blocks) for k, blocks in place.arrays.items()}
    return place if shapes == {k: array.shape for k, array in arrays.items()} else None


def check_graph(path: str | os.PathLike[str], found: h5.Found) -> None:
    """Refuses cells that clip, by the graph that TensorFlow 1 saves beside a checkpoint."""
    import tensorflow as tf

    name = os.fspath(path)
    if os.path.isdir(name):
        name = tf.train.latest_checkpoint(name) or name
    graph = f"{name.removesuffix('.index')}.meta"
    if not os.path.isfile(graph):
        return
    with open(graph, "rb") as file:
        saved = tf.compat.v1.MetaGraphDef.FromString(file.read()).graph_def
    nodes = [*saved.node, *(node for f in saved.library.function for node in f.node_def)]
    for scope in found:
        clips = f"{scope.rpartition('/')[2]}/clip_by_value"
        for node in nodes:
            if clips in node.name or _clips_at(node) > 0:
                raise ValueError(
                    "`path` must have LSTM cells without cell_clip and proj_clip, since no layer "
                    f"here clips. Received: {scope!r}, whose graph has {node.name!r}"
                )


def _clips_at(node: Any) -> float:
    """Where an operation clips the state; it does not if this is not positive."""
    given = "cell_clip" in node.attr
    return node.attr["cell_clip"].f if given else FUSED.get(node.op, 0.0)


def of_objects(given: dict[str, Any]) -> dict[str, Array]:
    """The variables of a checkpoint of objects by their paths; none of another checkpoint."""
    found = {k.removesuffix(VALUE): v for k, v in given.items() if k.endswith(VALUE)}
    if not any(_is_number(path) for path in found):
        return found
    names = _names(given[OBJECTS])
    return {names[path] if _is_number(path) else path: array for path, array in found.items()}


def _is_number(path: str) -> bool:
    """Whether a path ends in a place in a list, as in a SavedModel: `variables/7`."""
    return path.rpartition("/")[2].isdigit()


def _names(objects: bytes) -> dict[str, str]:
    """The names that variables had in the model, by their paths."""
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(objects)
    attributes = [attribute for node in graph.nodes for attribute in node.attributes]
    return {a.checkpoint_key.removesuffix(VALUE): a.full_name for a in attributes}
