"""The contender FlashRNN: kernels of its own for PyTorch on a card, one head."""

from typing import Any

import torch
from flashrnn import flashrnn

from benchmarks.torch_lstm import wait
from keras_lstm_ext.bench.problem import Arrays, Problem
from keras_lstm_ext.bench.programs import Program


def sequence(problem: Problem, task: str, kernel: str = "cuda_fused") -> Program:
    """Runs its LSTM on the products of the inputs, which it leaves to its caller.

    Args:
        problem: What to compute.
        task: `"forward"` or `"train"`.
        kernel: Its `backend`; `"vanilla"` runs on a CPU too.

    Returns:
        The program.
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    device = "cuda" if torch.cuda.is_available() else "cpu"
    arrays = {"x": problem.x, **problem.weights}
    leaves = {k: torch.from_numpy(a.copy()).to(device) for k, a in arrays.items()}
    dy = torch.from_numpy(problem.dy.copy()).to(device)
    for leaf in leaves.values():
        leaf.requires_grad_(task == "train")
    units = problem.shape.units

    def outputs(x: Any, W: Any, R: Any, b: Any) -> Any:
        # Its gates are Keras', and its R has the shape (gates, heads, units, units before).
        gates = (x @ W).unflatten(2, (4, 1, units))
        R, b = R.unflatten(1, (4, 1, units)).permute(1, 2, 3, 0), b.unflatten(0, (4, 1, units))
        states, _ = flashrnn(gates, R, b, backend=kernel, dtype="float32")
        return states[0].flatten(2)

    @torch.no_grad()
    def forward() -> list[torch.Tensor]:
        return wait([outputs(**leaves)])

    def train() -> list[torch.Tensor]:
        y = outputs(**leaves)
        return wait([y.detach(), *torch.autograd.grad(y, list(leaves.values()), dy)])

    def check(results: list[torch.Tensor]) -> Arrays:
        names = ["h", *(f"d{name}" for name in leaves)][: len(results)]
        return dict(zip(names, (r.cpu().numpy() for r in results), strict=True))

    return Program(train if task == "train" else forward, check)
