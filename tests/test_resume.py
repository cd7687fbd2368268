"""Training that was killed in the middle of an epoch and resumed ends with the same weights."""

import signal
from pathlib import Path

import numpy as np
import pytest

from tests import processes

# The backup is made at the end of every epoch. A resumed run repeats the epoch it was killed in
# from the weights and the optimizer at its start, so the two runs can be compared bit by bit.
TRAIN = """
import sys, keras, numpy as np
from pathlib import Path
from keras_lstm_ext import PeepholeLSTM

folder, stateful, crash = Path(sys.argv[1]), sys.argv[2] == "stateful", sys.argv[3] == "crash"
keras.utils.set_random_seed(3)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(24, 6, 3)).astype("float32"), rng.normal(size=(24, 2)).astype("float32")
layer = PeepholeLSTM(4, stateful=stateful, peephole_initializer="glorot_uniform")
model = keras.Sequential([keras.Input(batch_shape=(4, 6, 3)), layer, keras.layers.Dense(2)])
model.compile(keras.optimizers.Adam(0.02), "mse")


class Reset(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        layer.reset_state()


class Crash(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if crash and (self.epoch, batch) == (2, 3):
            print("ready", flush=True)
            sys.stdin.read()  # until it is killed


backup = keras.callbacks.BackupAndRestore(str(folder / "backup"))
history = model.fit(
    x, y, batch_size=4, epochs=5, shuffle=False, verbose=0, callbacks=[Reset(), backup, Crash()]
)
print(len(history.epoch))
np.savez(folder / "weights.npz", *model.get_weights(), *model.optimizer.variables)
"""


@pytest.mark.slow
def test_resumed_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    kinds = ("stateless", "stateful")
    straight = {kind: made(tmp_path / "straight" / kind) for kind in kinds}
    resumed = {kind: made(tmp_path / "resumed" / kind) for kind in kinds}
    crashing = [processes.start(TRAIN, resumed[kind], kind, "crash") for kind in kinds]
    assert finish(straight) == ["5\n", "5\n"]
    for process in crashing:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert finish(resumed) == ["3\n", "3\n"], "a run started anew"
    for kind in kinds:
        assert_same_arrays(straight[kind] / "weights.npz", resumed[kind] / "weights.npz")


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def finish(folders: dict[str, Path]) -> list[str]:
    """Trains in several processes at once, and returns what they print."""
    started = [processes.start(TRAIN, folders[kind], kind, "finish") for kind in folders]
    return [processes.finish(process) for process in started]


def assert_same_arrays(a: Path, b: Path) -> None:
    with np.load(a) as expected, np.load(b) as given:
        assert given.files == expected.files
        for name in given.files:
            np.testing.assert_array_equal(given[name], expected[name])
