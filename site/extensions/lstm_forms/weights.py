"""The weights of a variant and their shapes, for any number of features I, units H, outputs P."""

from keras_lstm_ext.variants import Variant

Shape = tuple[str, ...]


def arrays(v: Variant) -> dict[str, Shape]:
    """Those of a layer of this package, by name, as `("I", "4H")`."""
    columns, gates = len(v.nets), len(v.gates)
    found: dict[str, Shape] = {"kernel": ("I", _times(columns, "H"))}
    if v.feedback != "none":
        rows = outputs(v)
        if v.feeds_gates and gates and not v.gates_to_gates:
            rows = f"P + {_times(gates, 'H')}" if v.projection else _times(1 + gates, "H")
        found["recurrent_kernel"] = (rows, _times(columns, "H"))
    if v.gates_to_gates:
        found["gate_kernel"] = (_times(gates, "H"), _times(gates, "H"))
    if v.peepholes and gates:
        found["peephole_kernel"] = (str(gates), "H")
    if v.normalize_nets:
        found["norm_kernel"] = ("1" if v.feedback == "none" else "2", _times(columns, "H"))
    if v.normalize_output:
        found["state_norm_kernel"] = ("2", "H")
    if v.projection:
        found["projection_kernel"] = ("H", "P")
    return found | {"bias": (_times(columns, "H"),)}


def outputs(v: Variant) -> str:
    """The letter of the width of h."""
    return "P" if v.projection else "H"


def _times(n: int, letter: str) -> str:
    return letter if n == 1 else f"{n}{letter}"


def pieces(v: Variant) -> dict[str, str]:
    """Each array with its shape, as `I|4H`."""
    return {name: "|".join(shape) for name, shape in arrays(v).items()}


def count(v: Variant, features: int, units: int, width: int) -> int:
    """How many weights there are."""
    sizes = {"I": features, "H": units, "P": width}

    def size(dimension: str) -> int:
        total = 0
        for term in dimension.split(" + "):
            n = term.rstrip("IHP")
            total += int(n or 1) * sizes.get(term[len(n) :], 1)
        return total

    total = 0
    for shape in arrays(v).values():
        entries = 1
        for dimension in shape:
            entries *= size(dimension)
        total += entries
    return total
