"""The weights of the LSTMs in a checkpoint of TensorFlow 1, or of Keras 2 in its format."""

import os
from typing import Any

from keras_lstm_ext.convert import h5
from keras_lstm_ext.convert.blocks import Array, Place
from keras_lstm_ext.convert.layouts import LAYOUTS

LAYOUT = "tf1"
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
"""How the name of a variable ends in a checkpoint of objects, as TensorFlow 2 writes them."""

OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""The entry in such a checkpoint that says what its variables are called otherwise."""

IN_SAVED_MODEL = os.path.join("variables", "variables")
"""The checkpoint in the folder of a SavedModel."""

BEFORE_1_2 = {"weights": "kernel", "biases": "bias"}
"""Names that TensorFlow changed in version 1.2."""


def read_checkpoint(path: str | os.PathLike[str]) -> h5.Found:
    """Reads the weights of every LSTM cell of a TensorFlow 1 checkpoint.

    `tf.train.load_checkpoint` reads the file: no session, no graph, no code of the old model.
    Cells are found by the scope of their variables, which has `lstm` in its name unless the old
    model named it otherwise. `LSTMCell`, `BasicLSTMCell`, `LSTMBlockCell` and the cells that
    `CudnnLSTM` saves all have these variables.

    Args:
        path: What the saver was given with the number of the step, such as `"model.ckpt-1000"`,
            the `.index` file beside it, or a folder, of which the latest is taken.

    Returns:
        For each cell, by its scope and in alphabetical order, the arrays that `set_weights` takes
        with the layout `"tf1"`: it adds the forget bias of 1 that these cells add when they run.
        Those of `CudnnLSTM` add 0: give it `forget_bias=0.0` there.

    Raises:
        ValueError: If there is no checkpoint, no LSTM cell in it, or one with a projection.
        ImportError: If TensorFlow is not installed.
    """
    found = cells(variables(path))
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
        scope, _, last = full.rpartition("/")
        name = BEFORE_1_2.get(last, last)
        if name in LAYOUTS[LAYOUT].arrays and "lstm" in scope.rpartition("/")[2].lower():
            scopes.setdefault(scope, {})[name] = array
    for scope in scopes:
        if f"{scope}/projection/kernel" in given or f"{scope}/projection/weights" in given:
            raise ValueError(
                f"`path` must have LSTM cells without projection. Received: {scope!r} with one"
            )
    return {scope: arrays for scope, arrays in scopes.items() if _is_lstm(arrays)}


def _is_lstm(arrays: dict[str, Array]) -> bool:
    kernel = arrays.get("kernel")
    if kernel is None or kernel.ndim != 2 or kernel.shape[1] % 4:
        return False  # such as a ConvLSTMCell
    units = kernel.shape[1] // 4
    kinds = "WRbp" if "w_f_diag" in arrays else "WRb"
    place = Place(LAYOUTS[LAYOUT], kernel.shape[0] - units, units, kinds)
    return {k: place.shape(blocks) for k, blocks in place.arrays.items()} == {
        k: array.shape for k, array in arrays.items()
    }


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
