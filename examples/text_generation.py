"""Title: Text generation, character by character.

Python ships the text of its own `help()` topics. A `ClassicLSTM` learns to forecast the next
character, and then writes: each character is drawn from its forecast and read as the next input,
with the states carried along by `stateful=True`. The naive forecast knows how often each character
follows each other one. Both are measured in bits per character on text that is held out.

Run: python examples/text_generation.py
"""

import argparse
import pydoc_data.topics

import keras
import numpy as np

from keras_lstm_ext import ClassicLSTM

STEPS = 64


def load_text(characters):
    """The text as numbers, of shape `(characters,)`, and the alphabet."""
    topics = pydoc_data.topics.topics
    text = "\n".join(topics[name] for name in sorted(topics))[:characters]
    alphabet = sorted(set(text))
    number = {character: k for k, character in enumerate(alphabet)}
    return np.array([number[character] for character in text]), alphabet


def make_model(size, units, **batch):
    """From characters `(batch, steps)` to scores of each next one, `(batch, steps, size)`."""
    return keras.Sequential(
        [
            keras.Input(**batch),
            keras.layers.Embedding(size, 32),
            ClassicLSTM(units, return_sequences=True, stateful="batch_shape" in batch),
            keras.layers.Dense(size),
        ]
    )


def pair_bits(train, test, size):
    """Bits per character of the naive forecast, with one added to every count."""
    counts = np.ones((size, size))
    np.add.at(counts, (train[:-1], train[1:]), 1)
    probabilities = counts / counts.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log2(probabilities[test[:-1], test[1:]])))


def write(trained, alphabet, units, characters, rng):
    """Text from a trained model, one character per call."""
    writer = make_model(len(alphabet), units, batch_shape=(1, 1))
    writer.set_weights(trained.get_weights())
    text = [alphabet.index("\n")]
    for _ in range(characters):
        scores = writer.predict_on_batch(np.array([text[-1:]]))[0, 0]
        probabilities = np.exp((scores - scores.max()) / 0.7)  # below 1: more of the likely ones
        text.append(rng.choice(len(alphabet), p=probabilities / probabilities.sum()))
    return "".join(alphabet[k] for k in text).strip()


def main(epochs=12, characters=300_000, units=128, length=400):
    """Trains and writes; returns held-out bits per character, the model's and the naive ones."""
    keras.utils.set_random_seed(1997)
    text, alphabet = load_text(characters)
    rows = text[: len(text) // STEPS * STEPS].reshape(-1, STEPS)
    x, y = rows[:, :-1], rows[:, 1:]
    split = int(0.9 * len(rows))

    model = make_model(len(alphabet), units, shape=(None,))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(5e-3, clipnorm=1.0), loss)
    model.fit(x[:split], y[:split], batch_size=32, epochs=epochs, verbose=2)

    bits = model.evaluate(x[split:], y[split:], verbose=0) / np.log(2)
    naive = pair_bits(text[: split * STEPS], text[split * STEPS :], len(alphabet))
    print(f"Bits per character on held-out text: {bits:.2f}, naive {naive:.2f}\n")
    print(write(model, alphabet, units, length, np.random.default_rng(1997)))
    return bits, naive


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--characters", type=int, default=300_000)
    main(**vars(parser.parse_args()))
