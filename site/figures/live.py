"""Draws a recorded run of the networks that learn in the browser; a script goes on drawing it.

The run is in `live.json`, which `record_live.py` wrote: what the page's own learner reported at the
end. `live/live.js` draws the same picture and table of what its worker reports.
"""

import json
from collections.abc import Sequence
from html import escape

import lstm_sources  # noqa: F401  (stands in for the package, see there)
import plot
from live_pictures import BIN, LOWEST, TASKS, bottom, papers, progress, record, steps

SPEEDS = {
    "1": "1 a second",
    "10": "10 a second",
    "100": "100 a second",
    "1000": "1,000 a second",
    "Infinity": "as fast as it can",
}


def offered() -> str:
    """What the script has to know of the tasks, as JSON."""
    tasks = {
        name: {k: v for k, v in task.items() if k not in ("name", "key")}
        | {"paper": papers(name, task["key"])}
        for name, task in TASKS.items()
    }
    return escape(json.dumps(tasks))


def draw() -> str:
    """The whole figure: controls, pictures, table."""
    data = f'data-tasks="{offered()}" data-bin="{BIN}" data-lowest="{LOWEST}"'
    data += f' data-bottom="{bottom()}"'
    made = record()
    return (
        f'<figure class="interactive live" id="live" data-search-exclude {data}>{controls()}'
        f"<div><div>{progress()}{table()}"
        f'<p role="status" data-part="said">{made["sequences"]:,} sequences.</p></div>'
        f"<div>{steps()}</div></div><figcaption>{caption()}</figcaption>"
        f"{plot.scripted('live/live')}</figure>"
    )


def controls() -> str:
    """Task, length, seed, speed; start and again."""
    made = record()
    tasks = _options({name: task["name"] for name, task in TASKS.items()}, made["task"])
    of_task = TASKS[made["task"]]
    ends = f'min="{of_task["shortest"]}" max="{of_task["longest"]}"'
    return (
        f'<form><label>Task<select name="task" autocomplete="off">{tasks}</select></label>'
        f'<label><span data-part="what-T">{of_task["label"]}</span>'
        f'<input type="number" name="T" {ends} value="{made["T"]}" autocomplete="off"></label>'
        '<label>Seed<input type="number" name="seed" min="0" max="999999" '
        f'value="{made["seed"]}" autocomplete="off"></label>'
        f'<label>Sequences<select name="speed" autocomplete="off">{_options(SPEEDS, "Infinity")}'
        '</select></label><div><button type="button" name="go">Start</button>'
        '<button type="button" name="again">Restart</button></div></form>'
    )


def _options(named: dict[str, str], chosen: str) -> str:
    return "".join(
        f'<option value="{value}"{" selected" * (value == chosen)}>{name}</option>'
        for value, name in named.items()
    )


def table() -> str:
    """How both networks do."""
    made = record()
    heads = (
        "network",
        "weights",
        f"error, last {BIN}",
        "answer",
        "right in a row",
        "read as squares",
    )
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    rows = "".join(_row(n) for n in range(2))
    wanted = _fixed(made["shown"]["targets"][-1])
    return (
        '<table class="values"><caption>After <span data-part="at">'
        f"{made['sequences']:,}</span> sequences; the answer wanted is "
        f'<span data-part="wanted">{wanted}</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(n: int) -> str:
    made = record()
    ruled = (
        f"met after {rule['met']:,}"
        if rule["met"]
        else f"{rule['run']:,}, at most {rule['longest']:,}"
        for rule in made["rules"][n]
    )
    texts = [
        str(made["weights"][n]),
        f"{made['points'][-1][n]:.3f}",
        _fixed(made["traces"][n][-1]["y"]),
        *ruled,
    ]
    name = TASKS[made["task"]]["networks"][n]
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{text}</td>" for text in texts)}</tr>'


def _fixed(values: Sequence[float]) -> str:
    return " ".join(f"{value:.2f}" for value in values)


def caption() -> str:
    """What is recorded, where."""
    made = record()
    return (
        f"Before a start: a recorded run, task {TASKS[made['task']]['name']}, T = {made['T']}, "
        f"seed {made['seed']}, {made['sequences']:,} sequences; written by "
        f"<code>{made['made_by']}</code>, {made['ran_with']}, commit {made['commit'][:10]}."
    )
