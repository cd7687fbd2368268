"""Two processes that train together, as two machines would, give what one gives."""

import socket
import subprocess
import time

import numpy as np
import pytest

from tests import backends, processes

WITHIN = 300.0
"""Seconds for all processes of a test; one that waits for a dead one is ended then."""

DATA = """
import os, sys
import numpy as np
rank, port, parts = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
x, y = rng.normal(size=(16, 6, 3)).astype("float32"), rng.normal(size=(16, 1)).astype("float32")
# The rows of every batch of eight that are this process's.
own = np.arange(16).reshape(2, parts, 8 // parts)[:, rank].ravel()
"""

JAX = """
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
import keras

if parts > 1:
    # Before anything of Keras asks JAX for its devices.
    keras.distribution.initialize(f"127.0.0.1:{port}", parts, rank)
import jax
from keras_lstm_ext import PeepholeLSTM

assert (jax.process_count(), len(jax.devices())) == (parts, 2 * parts)
keras.utils.set_random_seed(1)
if parts > 1:
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
model = keras.Sequential([keras.Input((6, 3)), PeepholeLSTM(5), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.1), "mse")
model.fit(x[own], y[own], batch_size=8 // parts, epochs=2, shuffle=False, verbose=0)
"""

TORCH = """
import datetime
import keras, torch
from keras_lstm_ext import PeepholeLSTM

keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((6, 3)), PeepholeLSTM(5), keras.layers.Dense(1)])
module = model
if parts > 1:
    torch.distributed.init_process_group(
        "gloo", f"tcp://127.0.0.1:{port}", datetime.timedelta(seconds=60), parts, rank
    )
    module = torch.nn.parallel.DistributedDataParallel(model)
optimizer = torch.optim.SGD(module.parameters(), 0.1)
x, y = torch.from_numpy(x[own]), torch.from_numpy(y[own])
for _ in range(2):
    for rows in torch.arange(len(own)).split(8 // parts):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(x[rows], training=True), y[rows]).backward()
        optimizer.step()
if parts > 1:
    torch.distributed.destroy_process_group()
"""

RESULT = """
print(model.layers[0].explain((8 // parts, 6, 3), training=True).engine)
print(" ".join(repr(float(v)) for w in model.get_weights() for v in w.ravel()))
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def together(script: str, parts: int) -> list[tuple[str, np.ndarray]]:
    """Runs so many processes that know of each other; gives the engine and weights of each.

    None outlives the test, whatever happens to the others.
    """
    port, end = free_port(), time.monotonic() + WITHIN
    started = [processes.start(script, rank, port, parts) for rank in range(parts)]
    try:
        said = [p.communicate(timeout=max(end - time.monotonic(), 1.0)) for p in started]
    except subprocess.TimeoutExpired:
        pytest.fail(f"{parts} processes did not end within {WITHIN:.0f} s")
    finally:
        for process in started:
            process.kill()
    for process, (_, errors) in zip(started, said, strict=True):
        assert process.returncode == 0, errors[-3000:]
    ends = [output.strip().splitlines()[-2:] for output, _ in said]
    return [(engine, np.array(weights.split(), float)) for engine, weights in ends]


@pytest.mark.slow
@pytest.mark.skipif(backends.BACKEND not in ("jax", "torch"), reason="of JAX and PyTorch")
def test_two_processes_train_as_one() -> None:
    script = DATA + {"jax": JAX, "torch": TORCH}[backends.BACKEND] + RESULT
    [(engine, alone)] = together(script, 1)
    pair = together(script, 2)
    assert [name for name, _ in pair] == [engine, engine]
    np.testing.assert_array_equal(pair[0][1], pair[1][1])
    np.testing.assert_allclose(pair[0][1], alone, rtol=1e-4, atol=1e-6)
