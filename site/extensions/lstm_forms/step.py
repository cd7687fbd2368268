"""One time step as lines of code, in the dialect of each library."""

from dataclasses import dataclass

from keras_lstm_ext.variants import Variant


@dataclass(frozen=True)
class Dialect:
    """How a library writes what a step needs; `{}` is the argument.

    Args:
        sigma: The logistic function.
        tanh: The hyperbolic tangent.
        join: Joins a list of arrays along their columns.
        split: Takes an array apart; `{n}` is the number of parts.
        cut: An array through which no gradient flows; "" where there is none at all.
    """

    sigma: str
    tanh: str
    join: str
    split: str
    cut: str


NUMPY = Dialect("sigma({})", "np.tanh({})", "np.concatenate([{}], 1)", "np.split({}, {n}, 1)", "")
TORCH = Dialect(
    "torch.sigmoid({})", "torch.tanh({})", "torch.cat([{}], 1)", "{}.chunk({n}, 1)", "{}.detach()"
)
JAX = Dialect(
    "sigmoid({})", "jnp.tanh({})", "jnp.concatenate([{}], 1)", "jnp.split({}, {n}, 1)", "stop({})"
)
KERAS = Dialect(
    "ops.sigmoid({})",
    "ops.tanh({})",
    "ops.concatenate([{}], 1)",
    "ops.split({}, {n}, 1)",
    "ops.stop_gradient({})",
)


def step(v: Variant, d: Dialect) -> dict[str, str]:
    """The lines from `x_t`, `h`, `c` and `gates` of the step before to those of this one."""
    lines = _read(v, d)
    for k in v.gates:
        if k != "o":
            lines[k] = f"{k} = {_call(d.sigma, _net(v, d, k))}"
    lines["g"] = f"g = {_squashed(v.activation, d, _net(v, d, 'c'))}"
    lines["c"] = f"c = {_kept(v)} + {'i * g' if 'i' in v.gates else 'g'}"
    if "o" in v.gates:
        lines["o"] = f"o = {_call(d.sigma, _net(v, d, 'o'))}"
    lines["h"] = f"h = {_output(v, d)}"
    if feeds(v):
        lines["gates"] = f"gates = {_call(d.join, ', '.join(v.gates))}"
    return lines


def feeds(v: Variant) -> bool:
    """Whether gates are part of what goes on to the next step."""
    return v.feeds_gates and bool(v.gates)


def _read(v: Variant, d: Dialect) -> dict[str, str]:
    """What nets read of the step before, and the normalised products with it."""
    lines = {}
    fed = _call(d.join, "h, gates") if feeds(v) else "h"
    cuts = v.truncated and d.cut and v.feedback != "none"
    if feeds(v) or cuts:
        lines["r"] = f"r = {_call(d.cut, fed) if cuts else fed}"
    if v.normalize_nets:
        pairs = [("x", "x_t @ W")] + [("r", f"{_fed(v, d, 'i')} @ R")] * (v.feedback != "none")
        for letter, product in pairs:
            names = ", ".join(f"{letter}_{k}" for k in v.nets)
            product = f"normalize({product})"
            split = d.split.replace("{n}", str(len(v.nets))).replace("{}", product)
            lines[f"{letter}_k"] = f"{names} = {split if len(v.nets) > 1 else product}"
    return lines


def _fed(v: Variant, d: Dialect, k: str) -> str:
    """What net k reads of the step before."""
    cuts = v.truncated and d.cut
    if k == "c" and v.gates_to_gates:
        return _call(d.cut, "h") if cuts else "h"
    return "r" if feeds(v) or cuts else "h"


def _net(v: Variant, d: Dialect, k: str) -> str:
    reads = [("W", "x", "x_t")] + [("R", "r", _fed(v, d, k))] * (v.feedback != "none")
    if v.normalize_nets:
        terms = [f'w["g{matrix}_{k}"] * {letter}_{k}' for matrix, letter, _ in reads]
    else:
        terms = [f'{read} @ w["{matrix}_{k}"]' for matrix, _, read in reads]
    if v.peepholes and k != "c":
        terms.append(f'w["p_{k}"] * {_call(d.cut, "c") if v.truncated and d.cut else "c"}')
    return " + ".join([*terms, f'w["b_{k}"]'])


def _kept(v: Variant) -> str:
    if v.coupled:
        return "(1 - i) * c"
    if "f" in v.gates:
        return "f * c"
    return "c" if v.decay == 1.0 else f"{v.decay} * c"


def _output(v: Variant, d: Dialect) -> str:
    shown = 'w["gain"] * normalize(c) + w["shift"]' if v.normalize_output else "c"
    m = _squashed(v.squashes_output, d, shown)
    compound = v.squashes_output != "tanh" if v.squashes_output else v.normalize_output
    if "o" in v.gates:
        m, compound = f"o * ({m})" if compound else f"o * {m}", True
    if v.projection:
        m = (f"({m})" if compound else m) + ' @ w["P"]'
    return m


def _squashed(name: str | None, d: Dialect, text: str) -> str:
    if name is None:
        return text
    if name == "tanh":
        return _call(d.tanh, text)
    factor, less = {"centered_sigmoid_2": (4, 2), "centered_sigmoid_1": (2, 1)}[name]
    return f"{factor} * {_call(d.sigma, text)} - {less}"


def _call(form: str, text: str) -> str:
    return form.replace("{}", text)
