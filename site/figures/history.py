"""The drawings of the history pages, and what is said under each."""

from collections.abc import Callable

import history_curves as curves
import history_networks as networks
import history_records as records
import history_zoneout

DRAWINGS: dict[str, tuple[Callable[[], str], str]] = {
    "before": (
        records.before,
        "Three letters of 7 by 7 units are stored as Hopfield's network stores patterns, "
        "in weights that are sums of products; the T is recalled from a copy with ten "
        "units turned over, each unit updated once.",
    ),
    "recurrent": (
        networks.recurrent,
        "Input <i>x</i>, hidden units <i>h</i>, output <i>y</i>. In colour: what is fed "
        "back from one step to the next.",
    ),
    "vanishing": (
        curves.vanishing,
        "A logistic unit that feeds itself, <i>y</i> = \u03c3(<i>w</i>(<i>y</i> \u2212 ½)), where "
        "it rests. Left: the slope times the weight reaches 1 at <i>w</i> = 4 and falls "
        "again, since a larger weight drives the unit into its flat end. Right: what is "
        "left of an error after so many steps, for three weights.",
    ),
    "gates": (
        curves.gates,
        "Left: a gate against its net input, with dots at 1, 2, 3 and 5. Right: what a "
        "forget gate keeps of a state, or of an error, when it stays at the value of the "
        "bias 1, 2, 3 or 5.",
    ),
    "full-gradient": (
        records.full_gradient,
        "All ways to write <i>c a t</i> in seven frames, with blanks (\u2013) between: 210. A "
        "circle's area grows with the number of ways that pass. CTC adds up the "
        "probabilities of all of them.",
    ),
    "speech": (
        curves.speech,
        "Weights of a peephole layer that reads 40 numbers, by its cells: with all "
        "outputs fed back, and with a projection to a quarter of them.",
    ),
    "hardware": (
        networks.hardware,
        "Left: the number in a circle is the tick at which a step of a layer can be "
        "computed when it waits for nothing but what it reads; in colour, three at once. "
        "Right: a running sum, where nothing is squashed on the way, takes three rounds "
        "for eight steps.",
    ),
    "translation": (
        networks.translation,
        "An encoder <i>e</i> reads four words, a decoder <i>d</i> writes three. Under "
        "each word written: the steps from the first word read. With attention (only the "
        "lines to the first word are in colour) it is one.",
    ),
    "generation": (
        curves.generation,
        "A peephole cell without input that fires at every tenth step. Its state counts; "
        "the output gate sees it and opens at 10, and the output, fed back, closes the "
        "forget gate. Weights are set by hand, the run is that of the package's "
        "reference.",
    ),
    "people": (
        records.people,
        "A row for each author, a column for each of twelve works from 1991 to 2009, as "
        "the bibliography of this site has them.",
    ),
    "comparison": (
        networks.comparison,
        "Six elements read one after the other, by one layer of <i>n</i> units: how many "
        "steps it is from the first to the last, and how many numbers have to be kept. A "
        "Transformer keeps a key and a value of each element.",
    ),
    "legacy": (
        curves.legacy,
        "The norm of an error on its way back through 40 layers of 64 units, mean of ten "
        "networks with random weights, 0.7 of the size that keeps a signal, not trained: "
        "tanh layers, the same beside an identity connection (residual), and with gates "
        "that begin closed, bias \u22122 (highway).",
    ),
    "zoneout": (
        history_zoneout.zoneout,
        "The state of a cell that reads a wave, with zoneout of its state with probability ½. "
        "In training it keeps its old value at steps that are drawn (dots); in inference each "
        "step is the mean of old and new.",
    ),
    "sizes": (
        curves.sizes,
        "Numbers of weights that were read in a source; there are many other networks.",
    ),
}
