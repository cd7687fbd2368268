"""The variant explorer: what a cell has, in every form at once, and the tables that a script reads.

Without JavaScript it shows one cell. `explorer.js` replaces the pieces that depend on the choice.
"""

import json
from functools import cache
from html import escape
from typing import Any

import lstm_citations
import lstm_math
import plot
from lstm_forms import choices, code, gru, gru_picture, package, tables, tikz, weights
from lstm_forms.known import KNOWN
from lstm_forms.shared import share

from keras_lstm_ext.diagram import drawing, sentences, tex
from keras_lstm_ext.variants import Variant

SHOWN = "2005"
"""The cell that is shown to begin with."""

BOX = "0 0 544 324"
ELSE = (
    "<noscript><p>With JavaScript, this page shows any cell of the family. Without, "
    'there is <a href="#side-by-side">a table of the variants</a> below.</p></noscript>'
)
SIZES = {"I": (10, "inputs I"), "H": (100, "cells H"), "P": (50, "outputs P")}
CODE = {
    "numpy": ("NumPy", code.numpy),
    "keras": ("Keras", code.keras),
    "torch": ("PyTorch", code.torch),
    "jax": ("JAX", code.jax),
    "onnx": ("ONNX", package.onnx),
    "package": ("this package", package.layer),
}
OTHERS: dict[str, Any] = {
    "numpy": gru.numpy,
    "keras": gru.keras,
    "torch": gru.torch,
    "jax": gru.jax,
    "onnx": gru.onnx,
    "package": gru.layer,
}
"""The same forms of the GRU, which people look for in the list and no choice of parts makes."""

CREDIT = "Figure: The keras_lstm_ext developers, CC BY 4.0"
STYLE = """\
text { font: 16px serif; text-anchor: middle; fill: #1d2733 }
.small { font-size: 13px } .letter { font-style: italic } .index { font-size: 12px }
.line { fill: none; stroke: #3b4652; stroke-width: 1.5 } .head { fill: #3b4652 }
.shape rect, .shape circle { fill: none; stroke: #3b4652; stroke-width: 1.5 }
.peephole { stroke-dasharray: 6 4 }"""
"""The picture's style where it stands alone."""


def parts(v: Variant) -> dict[str, str]:
    """The parts of the diagram."""
    return {part: part for part in drawing("explorer", v, v, labelled=True).parts}


@cache
def data() -> dict[str, Any]:
    """What the script reads: fields, names, and the slots of each form."""
    of = choices.all_variants()
    forms = {name: tables.table(form, of) for name, (_, form) in CODE.items()}
    forms |= {"equations": tables.table(tex.of, of), "svg": tables.table(parts, of)}
    forms |= {"weights": tables.table(weights.pieces, of), "words": tables.table(sentences, of)}
    others = {name: other(known) for name, known in gru.KNOWN.items()}

    def texts(form: str) -> list[str]:
        found = [t for slot in forms[form] for t in slot["texts"]]
        return list(dict.fromkeys(found + [t for o in others.values() for t in o[form].values()]))

    written, parts_of = share(formula(t) for t in texts("equations"))
    drawn = {t: tikz.tikz(t) for t in texts("svg")}
    for n, slot in enumerate(forms["svg"]):
        slot["name"] = str(n)
    return {
        "fields": [
            [name, label, list(options)] for name, (label, options) in choices.LABELS.items()
        ],
        "known": [
            [name, known.title, list(choices.choice(known.variant)), known.variant.sources]
            for name, known in KNOWN.items()
        ]
        + [[name, o.title, None, o.sources] for name, o in gru.KNOWN.items()],
        "labels": {key: lstm_citations.labels()[key] for key in _cited()},
        "valid": tables.valid(of),
        "forms": forms,
        "others": {name: {k: [*o[k].items()] for k in o} for name, o in others.items()},
        "html": dict(zip(texts("equations"), written, strict=True)),
        "shared": parts_of,
        "tikz": drawn,
        "around": {"head": tikz.HEAD, "foot": tikz.FOOT, "credit": CREDIT, "style": STYLE},
    }


def _cited() -> list[str]:
    named = [known.variant.sources for known in KNOWN.values()]
    return [key for keys in (*named, *(o.sources for o in gru.KNOWN.values())) for key in keys]


def other(kind: gru.GRU) -> dict[str, dict[str, str]]:
    """All forms of a cell that has no fields."""
    drawn = gru_picture.drawing("explorer", kind).parts
    return {name: gru.lines(form(kind)) for name, form in OTHERS.items()} | {
        "equations": gru.equations(kind),
        "svg": {part: part for part in drawn},
        "weights": gru.weights(kind),
        "words": gru_picture.words(kind),
    }


def formula(line: str) -> str:
    """One equation as HTML."""
    return lstm_math.render(line.replace("&", ""), False)


def draw() -> str:
    """The whole figure."""
    v = KNOWN[SHOWN].variant
    equations = "".join(f"<li>{formula(line)}</li>" for line in tex.of(v).values())
    head, *_ = str(drawing("explorer", v, v)).partition("</defs>")
    head = head.replace(head.split('"')[1], BOX, 1)
    svg = f"{head}</defs><g data-part=svg>{''.join(parts(v))}</g></svg>"
    text = escape("\n".join(code.numpy(v).values()))
    return (
        '<figure class="interactive explorer cell" id="explorer" data-search-exclude>'
        f'{controls(v)}<p role="status">{KNOWN[SHOWN].title}.</p>{ELSE}'
        f'<div class="beside"><div>{svg}'
        f"<div>{table(v)}<form><div>{buttons()}</div></form></div></div>"
        f'<div><ol data-part="equations">{equations}</ol><div>'
        f'<form><fieldset class="show"><legend>Code</legend>{forms()}</fieldset></form>'
        f'<pre tabindex="0" aria-label="Code"><code data-part="code">{text}</code></pre></div>'
        f"</div></div><figcaption>{CREDIT}.</figcaption>{plot.scripted('explorer')}</figure>"
    )


def controls(v: Variant) -> str:
    """What can be chosen."""
    groups: dict[str, list[str]] = {}
    for name, known in KNOWN.items():
        chosen = " selected" * (name == SHOWN)
        option = f'<option value="{name}"{chosen}>{escape(known.title)}</option>'
        groups.setdefault(known.group, []).append(option)
    named = "".join(f'<optgroup label="{g}">{"".join(o)}</optgroup>' for g, o in groups.items())
    made = f'<label>name or year<select name="cell"><option value="">none of these</option>{named}'
    others = "".join(
        f'<option value="{n}">{escape(o.title)}</option>' for n, o in gru.KNOWN.items()
    )
    made += f'<optgroup label="Not of the family">{others}</optgroup></select></label>'
    for (name, (label, options)), n in zip(choices.LABELS.items(), choices.choice(v), strict=True):
        entries = "".join(
            f'<option value="{k}"{" selected" * (k == n)}>{o}</option>'
            for k, o in enumerate(options)
        )
        made += f'<label>{label}<select name="{name}" autocomplete="off">{entries}</select></label>'
    for letter, (value, label) in SIZES.items():
        made += (
            f'<label>{label}<input type="number" name="{letter}" value="{value}" min="1" '
            'max="100000" autocomplete="off"></label>'
        )
    return f'<form class="choice">{made}</form>'


def buttons() -> str:
    """What can be taken away."""
    copied = "".join(
        f'<button type="button" data-copy="{name}" data-clipboard-text="">Copy {name}</button>'
        for name in ("TeX", "TikZ", "SVG")
    )
    saved = "".join(
        f'<button type="button" name="save" value="{kind}">Save {kind.upper()}</button>'
        for kind in ("svg", "png")
    )
    return copied + saved


def table(v: Variant) -> str:
    """The weights and their number."""
    sizes = [value for value, _ in SIZES.values()]
    total = weights.count(v, *sizes)
    rows = "".join(
        f"<tr><th scope=row>{name}</th><td>({', '.join(shape)})</td></tr>"
        for name, shape in weights.arrays(v).items()
    )
    return (
        '<table class="values"><caption>Weights of a layer: '
        f"<b data-part=total>{total:,}</b> <span data-part=more></span></caption>"
        f"<tbody data-part=weights>{rows}</tbody></table>"
    )


def forms() -> str:
    """The forms of code to choose from."""
    return "".join(
        f'<label><input type="radio" name="show" value="{name}" autocomplete="off"'
        f"{' checked' * (name == 'numpy')}>{label}</label>"
        for name, (label, _) in CODE.items()
    )


def written() -> bytes:
    """The tables as a file."""
    return json.dumps(data(), separators=(",", ":"), ensure_ascii=False).encode()
