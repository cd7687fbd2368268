"""Title: A model as an ONNX file.

A bidirectional `PeepholeLSTM` over padded sequences of words becomes an ONNX file with a real LSTM
node: peepholes, both directions and the lengths of the sequences are inputs of the node. ONNX
Runtime runs it, without Keras, and gives the same answers. Needs `onnx` and `onnxruntime`.

Run: python examples/export_onnx.py
"""

import argparse
import time

import keras
import numpy as np
import onnxruntime

from keras_lstm_ext import PeepholeLSTM
from keras_lstm_ext.export import export_onnx

WORDS, LONGEST = 1000, 60


def make_model():
    """Reads words, 0 being padding, and gives the probability of a class."""
    layer = PeepholeLSTM(64, peephole_initializer="random_normal")
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32", name="words"),
            keras.layers.Embedding(WORDS, 32, mask_zero=True),
            keras.layers.Bidirectional(layer),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def main(path="model.onnx"):
    """Exports, runs the file, and returns the largest difference."""
    keras.utils.set_random_seed(2002)
    rng = np.random.default_rng(2002)
    lengths = rng.integers(1, LONGEST + 1, size=32)
    words = [rng.integers(1, WORDS, size=length) for length in lengths]
    words = keras.utils.pad_sequences(words, LONGEST, padding="post")

    model = make_model()  # a trained one, in real life
    expected = model.predict(words, verbose=0)
    export_onnx(model, path)

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    start = time.perf_counter()
    (given,) = session.run(None, {"words": words})
    milliseconds = 1000 * (time.perf_counter() - start)
    difference = float(np.abs(given - expected).max())
    print(f"ONNX Runtime took {milliseconds:.1f} ms for {len(words)} sequences")
    print(f"Its answers differ from those of Keras by at most {difference:.1g}")
    return difference


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", default="model.onnx")
    main(**vars(parser.parse_args()))
