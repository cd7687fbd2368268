"""The endless tape that a network learns from: sequence after sequence, without padding.

A stream is drawn in rows, which are joined where one part of it ends and the next begins.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from keras_lstm_ext.experiments.learner import Array
from keras_lstm_ext.experiments.training import Stretch
from keras_lstm_ext.tasks import (
    ContinualOrder,
    ContinualReber,
    PeriodicFunction,
    Sequences,
    SpikeDelays,
    Task,
    TimedSpikes,
)
from keras_lstm_ext.tasks._grammar import ALPHABET

STREAMS = {
    ContinualReber: "length",
    ContinualOrder: "sequences",
    SpikeDelays: "intervals",
    TimedSpikes: "intervals",
    PeriodicFunction: "periods",
}
"""The tasks whose sequences are streams, and the argument that says how long they are."""


def parts_of_stream(task: Task) -> int:
    """After how many parts a stream without error is over: 1 for a sequence."""
    if isinstance(task, ContinualReber):
        return max(1, task.length // 12)  # the mean length of a string
    return int(getattr(task, STREAMS[type(task)])) if type(task) in STREAMS else 1


def with_length(task: Task, share: float) -> Task:
    """The task with streams of a share of their length; sequences are as long as they are."""
    name = STREAMS.get(type(task))
    if name is None:
        return task
    return replace(task, **{name: max(1, round(share * getattr(task, name)))})  # type: ignore[type-var]


def ends_of_parts(task: Task, drawn: Sequences) -> Array:
    """The last step of every part, `(n, timesteps)`."""
    steps = np.arange(drawn.mask.shape[1])
    match task:
        case ContinualReber():
            E, B = map(ALPHABET.index, "EB")
            ends = np.zeros_like(drawn.mask)
            ends[:, :-1] = (drawn.inputs[:, :-1] == E) & (drawn.inputs[:, 1:] == B)
            return ends
        case PeriodicFunction():
            return np.broadcast_to((steps + 1) % task.F == 0, drawn.mask.shape)
        case TimedSpikes():
            return np.asarray(drawn.targets[..., 0] == 1)
        case ContinualOrder() | SpikeDelays():
            return drawn.mask
        case _:
            return np.asarray(steps == drawn.lengths[:, None] - 1)


def joined(task: Task, drawn: Sequences) -> Stretch:
    """Sequences one after the other, each up to the end of its last part."""
    ends = ends_of_parts(task, drawn)
    kept = np.logical_or.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    return Stretch(drawn.inputs[kept], drawn.targets[kept], drawn.mask[kept], ends[kept])


class Tape:
    """The tape of one network.

    Args:
        draw: Gives a block from its number.
        position: Block and step in it where reading begins.

    Examples:
        >>> from keras_lstm_ext.tasks import Adding
        >>> task = Adding(20)
        >>> tape = Tape(lambda block: joined(task, task.sample((1, block), 5)))
        >>> tape.take(1000).inputs.shape
        (1000, 2)
        >>> tape.position
        (9, 46)
    """

    def __init__(self, draw: Callable[[int], Stretch], position: tuple[int, int] = (0, 0)) -> None:
        self.draw = draw
        self.position = position
        self._block = draw(position[0])

    def take(self, steps: int) -> Stretch:
        """The next steps."""
        pieces = []
        number, start = self.position
        while steps:
            if start == len(self._block.mask):
                number, start = number + 1, 0
                self._block = self.draw(number)
            piece = Stretch(*(array[start : start + steps] for array in self._block))
            pieces.append(piece)
            start += len(piece.mask)
            steps -= len(piece.mask)
        self.position = number, start
        return Stretch(*map(np.concatenate, zip(*pieces, strict=True)))


def _values(task: Task) -> int:
    drawn = task.sample(0, 1, symbols=True)
    return int(drawn.inputs.size + drawn.targets.size)


def steps_of_sequence(task: Task) -> int:
    """About how many steps a sequence has."""
    s = joined(task, task.sample(0, 10, symbols=True))
    return int(np.ceil(len(s.ends) / s.ends.sum()))


def training_draw(task: Task, seed: tuple[int, ...]) -> Callable[[int], Stretch]:
    """How the blocks of a tape are drawn."""
    if isinstance(task, ContinualReber):
        # Strings drawn apart are as good as those of one stream, and sooner drawn.
        task = replace(task, length=min(task.length, 300))
    # As all that is drawn, this is a function of the task alone.
    n = int(np.clip(2**19 // _values(task), 8, 1000))
    return lambda block: joined(task, task.sample((*seed, block), n, symbols=True))


def shuffled(task: Task, drawn: Sequences, seed: tuple[int, ...]) -> Callable[[int], Stretch]:
    """The same for a training set: each block has all of it, in another order."""
    whole = joined(task, drawn)
    pieces = np.split(np.arange(len(whole.ends)), np.flatnonzero(whole.ends)[:-1] + 1)

    def draw(block: int) -> Stretch:
        order = np.random.default_rng((*seed, block)).permutation(len(pieces))
        steps = np.concatenate([pieces[k] for k in order])
        return Stretch(*(array[steps] for array in whole))

    return draw
