"""Lines that stand for something generated: `::equation peephole.output_gate` and its like.

A line beginning with `::` and a known name is replaced by the Markdown that its function makes,
before anything else reads the page. `[](eq:peephole.output_gate)` becomes a link to an equation.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import example
import lstm_benchmarks
import lstm_board
import lstm_citations
import lstm_course
import lstm_data
import lstm_equations
import lstm_experiments
import lstm_figures
import lstm_ledger
import lstm_related
import lstm_tables
from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor

DIRECTIVES: dict[str, Callable[..., Iterator[str]]] = {
    "equation": lstm_equations.equation,
    "equations": lstm_equations.equations,
    "equation-index": lstm_equations.index,
    "concordance": lstm_equations.concordance,
    "tests": lstm_equations.tests,
    "cell": lstm_figures.cell,
    "timeline": lstm_figures.timeline,
    "drawing": lstm_figures.drawing,
    "figure": lstm_figures.interactive,
    "moving-cell": lstm_figures.moving_cell,
    "example-sentence": example.sentence,
    "example-table": example.table,
    "example-weights": example.weights,
    "example-equation": example.equation,
    "example-equation-again": example.again,
    "variants": lstm_tables.variants,
    "as-published": lstm_tables.as_published,
    "equation-table": lstm_tables.side_by_side,
    "odyssey": lstm_tables.odyssey,
    "benchmark": lstm_benchmarks.benchmark,
    "benchmark-memory": lstm_benchmarks.memory,
    "benchmark-accelerate": lstm_benchmarks.accelerate,
    "benchmark-processors": lstm_benchmarks.processors,
    "benchmark-cards": lstm_benchmarks.tests_on_cards,
    "experiment": lstm_experiments.experiment,
    "experiment-task": lstm_experiments.task,
    "board": lstm_board.board,
    "experiment-flow": lstm_experiments.error_flow,
    "experiment-models": lstm_experiments.models,
    "experiment-odyssey": lstm_experiments.odyssey,
    "experiment-note": lstm_experiments.note,
    "live-rule": lstm_experiments.live_rule,
    "fact-peepholes": lstm_experiments.fact_peepholes,
    "bibliography": lstm_citations.bibliography,
    "ledger": lstm_ledger.ledger,
    "related": lstm_related.related,
    "data": lstm_data.table,
    "lesson": lstm_course.lesson,
    "lessons": lstm_course.overview,
}
NUMBERS = {
    "as-published",
    "benchmark",
    "benchmark-memory",
    "benchmark-accelerate",
    "benchmark-processors",
    "benchmark-cards",
    "concordance",
    "experiment",
    "experiment-flow",
    "experiment-models",
    "experiment-odyssey",
    "experiment-task",
}
"""What nobody searches for: every page loads the index of the search."""
_LINE = re.compile(r"^::([a-z][a-z-]*)((?: +\S+)*) *$")
_LINK = re.compile(r"\[\]\(eq:([\w.]+)\)")


class DirectivePreprocessor(Preprocessor):
    """Expands the directives and equation links of a page."""

    def run(self, lines: list[str]) -> list[str]:
        """Called by Python-Markdown."""
        expanded: list[str] = []
        for line in lines:
            match = _LINE.match(line)
            if match:
                made = DIRECTIVES[match[1]](*match[2].split())
                expanded += unsearched(made) if match[1] in NUMBERS else made
            else:
                expanded.append(_LINK.sub(lambda m: lstm_equations.link(m[1]), line))
        return expanded


def unsearched(lines: Iterable[str]) -> Iterator[str]:
    """The lines, kept out of the search."""
    yield from (
        "",
        '<div class="results" data-search-exclude markdown>',
        "",
        *lines,
        "",
        "</div>",
        "",
    )


class DirectiveExtension(Extension):
    """Registers the preprocessor before those of fences and raw HTML."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Called by Python-Markdown."""
        md.preprocessors.register(DirectivePreprocessor(md), "lstm_directives", 31)


def makeExtension(**options: Any) -> DirectiveExtension:
    """Called by Python-Markdown."""
    return DirectiveExtension(**options)
