"""Draws the network of a paper on a task, with its weights counted connection by connection."""

from collections.abc import Iterator

from sample import TASKS  # which can be imported without Keras

from keras_lstm_ext.diagram.svg import Drawing
from keras_lstm_ext.tasks import Network

WIDTH, HEIGHT = 470, 190


def counts(network: Network, features: int, outputs: int) -> dict[str, int]:
    """Weights by what they connect; their sum is `network.count_weights`."""
    widths = network.variant.widths(network.units)
    columns = sum(widths.values())
    fed_back = sum(network.variant.feedback_widths(network.units).values())
    gates = columns - widths["c"]
    peepholes = len(network.variant.gates) * network.units if network.variant.peepholes else 0
    found = {
        "inputs to cells and gates": features * columns,
        "fed back": fed_back * columns,
        "peepholes": peepholes,
        "biases": {True: columns, "gates": gates, False: 0}[network.use_bias],
        "cells to outputs": network.units * outputs,
        "inputs to outputs": network.shortcut * features * outputs,
        "output biases": network.output_bias * outputs,
    }
    return {name: n for name, n in found.items() if n}


def draw(task: str) -> str:
    """The SVG of the first network of the paper's table."""
    network, problem = TASKS[task].network, TASKS[task]
    found = counts(network, problem.features, problem.outputs)
    hidden = _hidden(network)
    said = f"{problem.features} inputs, {hidden}, {problem.outputs} outputs: {_words(found)}"
    picture = Drawing(f"network-{task}", (0, 0, WIDTH, HEIGHT), f"{task}: the network", said)
    y, boxes = 92, ((46, f"{problem.features}", "inputs"), (235, hidden, "memory cells"))
    for x, text, below in (*boxes, (424, f"{problem.outputs}", "outputs")):
        wide = 190 if x == 235 else 64
        shape = f'<rect x="{x - wide // 2}" y="{y - 24}" width="{wide}" height="48" rx="6"/>'
        picture.add(f'<g class="shape">{shape}</g>')
        picture.text(x, y + 5, text)
        picture.text(x, y + 44, below, "small")
    picture.arrow(f"M78 {y}H138")
    picture.arrow(f"M330 {y}H390")
    picture.text(108, y - 8, f"{found['inputs to cells and gates']:,}", "small")
    picture.text(360, y - 8, f"{found['cells to outputs']:,}", "small")
    if "fed back" in found:
        picture.arrow(f"M295 {y - 24}C305 {y - 74} 165 {y - 74} 175 {y - 26}")
        picture.text(235, y - 68, f"{found['fed back']:,} fed back", "small")
    if "inputs to outputs" in found:
        picture.arrow(f"M60 {y + 24}C90 {y + 110} 380 {y + 110} 410 {y + 26}")
        picture.text(235, y + 84, f"{found['inputs to outputs']:,}", "small")
    return str(picture)


def caption(task: str) -> str:
    """The sum."""
    network, problem = TASKS[task].network, TASKS[task]
    found = counts(network, problem.features, problem.outputs)
    total = network.count_weights(problem.features, problem.outputs)
    assert total == sum(found.values())
    name = next(iter(TASKS[task].networks))
    return f"The network of the first row, {name}. Weights: {_words(found)}; together {total:,}."


def _words(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in found.items())


def _hidden(network: Network) -> str:
    size = network.variant.block_size
    blocks = network.units // size
    cells = f"{blocks} block{'s' * (blocks > 1)} of {size}"
    return cells + (", peepholes" if network.variant.peepholes else "")


def procedure(task: str) -> Iterator[tuple[str, str]]:
    """How the paper trained the network, by name."""
    network = TASKS[task].network
    training, criterion = network.training, TASKS[task].criterion
    yield "learning rate", f"{training.learning_rate:g}"
    if training.momentum:
        yield "momentum", f"{training.momentum:g}"
    yield "weights change", f"after every {training.update}"
    yield "initial weights", f"uniform within ±{network.weight_range:g}"
    for gate, biases in network.gate_bias.items():
        yield f"initial biases of gate {gate}", ", ".join(f"{b:g}" for b in biases)
    many = "s" * (training.judged > 1)
    judged = {
        "window": f"the last {training.judged:,} training sequences",
        "test": f"{training.judged:,} new sequence{many} or stream{many}",
        "sets": "training set and test set",
    }
    yield "judged on", judged[training.judged_on]
    if criterion.tolerance < float("inf"):
        yield "an output is right", f"within {criterion.tolerance:g} of its target"
    if criterion.mean_error < float("inf"):
        yield "mean absolute error", f"below {criterion.mean_error:g}"
    if criterion.tolerance < float("inf"):
        yield "wrong sequences accepted", f"{criterion.wrong}"
