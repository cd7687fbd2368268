"""The contender `torch.nn.LSTM`."""

import os
from typing import Any

import numpy as np
import torch

from keras_lstm_ext.bench.problem import Arrays, Problem
from keras_lstm_ext.bench.programs import Program


def sequence(problem: Problem, task: str) -> Program:
    """Runs `torch.nn.LSTM` time-major, which is the order it computes in."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    device = "cuda" if torch.cuda.is_available() else "cpu"
    lstm = with_weights(problem).to(device)
    lstm.flatten_parameters()
    x, dy = (time_major(a).to(device) for a in (problem.x, problem.dy))
    x.requires_grad_(task == "train")
    sources = [x, *lstm.parameters()]

    @torch.inference_mode()
    def forward() -> list[torch.Tensor]:
        y, (_, c) = lstm(x)
        return wait([y, c])

    def train() -> list[torch.Tensor]:
        y, _ = lstm(x)
        return wait([y.detach(), *torch.autograd.grad(y, sources, dy)])

    return Program(train if task == "train" else forward, check if task == "train" else check_h)


def with_weights(problem: Problem) -> torch.nn.LSTM:
    """PyTorch has Keras' gate order, transposed weights, and two biases that are added."""
    w = problem.weights
    lstm = torch.nn.LSTM(problem.shape.features, problem.shape.units)
    values = [w["W"].T, w["R"].T, w["b"], np.zeros_like(w["b"])]
    with torch.no_grad():
        for parameter, value in zip(lstm.parameters(), values, strict=True):
            parameter.copy_(torch.from_numpy(value.copy()))
    return lstm


def time_major(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.swapaxes(0, 1).copy())


def wait(results: list[torch.Tensor]) -> list[torch.Tensor]:
    if results[0].is_cuda:
        torch.cuda.synchronize()
    return results


def check(results: list[torch.Tensor]) -> Arrays:
    _, dx, dW, dR, db, _ = (r.cpu().numpy() for r in results)
    return check_h(results) | {"dx": dx.swapaxes(0, 1), "dW": dW.T, "dR": dR.T, "db": db}


def check_h(results: list[Any]) -> Arrays:
    return {"h": results[0].cpu().numpy().swapaxes(0, 1)}
