"""Cells by the names or years that people look for, with one cell to a block."""

from dataclasses import dataclass, replace

from keras_lstm_ext.variants import (
    CEC,
    CLASSIC,
    COUPLED,
    LAYER_NORM,
    ODYSSEY,
    ORIGINAL,
    ORIGINS,
    PEEPHOLE,
    PROJECTED,
    Variant,
)


@dataclass(frozen=True)
class Known:
    """A cell under the name or year by which it is known.

    Args:
        title: The name or the years, and what it is.
        variant: Its equations and its sources.
        group: What kind of name it has.
    """

    title: str
    variant: Variant
    group: str = "As published"


_GREFF = {
    "V": "the one that others differ from",
    "NIG": "no input gate",
    "NFG": "no forget gate",
    "NOG": "no output gate",
    "NIAF": "no squasher of the input",
    "NOAF": "no squasher of the output",
    "CIFG": "coupled gates",
    "NP": "no peepholes",
    "FGR": "gates see gates",
}
_LAYERS = {
    "CECLSTM": CEC,
    "OriginalLSTM": ORIGINAL,
    "ClassicLSTM": CLASSIC,
    "PeepholeLSTM": PEEPHOLE,
    "CoupledLSTM": COUPLED,
    "ProjectedLSTM": PROJECTED,
    "LayerNormLSTM": LAYER_NORM,
}

KNOWN = {
    "carousel": Known("1991, 1997: the carousel alone", ORIGINS["cec"].published),
    "1997": Known("1997: input and output gate", ORIGINS["original"].published),
    "1999": Known("1999, 2000: forget gate", ORIGINS["classic"].published),
    "2000": Known(
        "2000, 2002: peepholes", replace(ORIGINS["peephole"].published, sources=PEEPHOLE.sources)
    ),
    "2005": Known(
        "2005, 2012: full gradient",
        replace(PEEPHOLE, sources=("graves2005framewise", "graves2012supervised")),
    ),
    "zaremba": Known(
        "2014: without peepholes (Zaremba et al.)",
        replace(CLASSIC, sources=("zaremba2014recurrent",)),
    ),
    "lstmp": Known("2014: projected outputs (Sak et al.)", PROJECTED),
    "layer-norm": Known("2016: layer normalisation (Ba et al.)", LAYER_NORM),
    **{
        name: Known(
            f"{name}: {_GREFF[name]}",
            replace(variant, sources=("greff2017lstm",)),
            "Greff et al. 2017",
        )
        for name, variant in ODYSSEY.items()
    },
    **{name: Known(name, variant, "Layers here") for name, variant in _LAYERS.items()},
}
"""In the order of a list to choose from."""
