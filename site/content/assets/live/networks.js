// The networks of the papers and how they learn, and a simple recurrent network beside them. The
// equations are those of the page and of `keras_lstm_ext.reference`, with which
// tests/site/test_live.py compares this file.

const sigma = (x) => 1 / (1 + Math.exp(-x));
const zeros = (n) => new Float64Array(n);

// A squasher and its slope by its value: of the cell input, and of the cell state.
const G = [(x) => 4 * sigma(x) - 2, (y) => 1 - (y * y) / 4];
const H = [(x) => 2 * sigma(x) - 1, (y) => (1 - y * y) / 2];
const LINEAR = [(x) => x, () => 1];
const SQUASHERS = { 1997: [...G, ...H], linear: [...LINEAR, ...LINEAR] };

// Row n of a matrix times the sources.
function dot(W, n, u) {
  const wide = u.length;
  let sum = 0;
  for (let m = 0, at = n * wide; m < wide; m++, at++) sum += W[at] * u[m];
  return sum;
}

// Faster than `set` for so few numbers.
function put(values, into, at) {
  for (let n = 0; n < values.length; n++) into[at + n] = values[n];
}

// What the networks share: sources, output units, gradient descent.
class Network {
  // form: features, outputs, bias (0 or 1), rate, momentum.
  constructor(form, units, fed) {
    Object.assign(this, { momentum: 0 }, form, { units });
    this.u = zeros(this.features + fed + this.bias).fill(1);
    this.seen = zeros(units + this.bias).fill(1);
    this.y = zeros(this.outputs);
    this.h = zeros(units);
    this.w = { V: zeros(this.outputs * this.seen.length) };
  }

  // Random weights; biases of gates that are given by block.
  begin(random, range, gateBias = {}) {
    [this.d, this.v] = [{}, {}];
    for (const [k, W] of Object.entries(this.w)) {
      for (let n = 0; n < W.length; n++) W[n] = range * (2 * random.unit() - 1);
      [this.d[k], this.v[k]] = [zeros(W.length), zeros(W.length)];
    }
    for (const k in gateBias) gateBias[k].forEach((bias, b) => (this.w[k][(b + 1) * this.u.length - 1] = bias));
    this.reset();
    return this;
  }

  get weights() {
    return Object.values(this.w).reduce((sum, W) => sum + W.length, 0);
  }

  // An input is a symbol's number or an array.
  read(x) {
    if (typeof x === "number") {
      for (let m = 0; m < this.features; m++) this.u[m] = +(m === x);
    } else put(x, this.u, 0);
  }

  answer() {
    put(this.h, this.seen, 0);
    for (let j = 0; j < this.outputs; j++) this.y[j] = sigma(dot(this.w.V, j, this.seen));
    return this.y;
  }

  // Half the squared error by the outputs of the cells; by V it is added up.
  errorOfCells(target) {
    const { y, seen, units, w, d } = this;
    const dh = zeros(units);
    for (let j = 0; j < y.length; j++) {
      const dy = (y[j] - target[j]) * y[j] * (1 - y[j]);
      for (let n = 0, at = j * seen.length; n < seen.length; n++) {
        d.V[at + n] += dy * seen[n];
        if (n < units) dh[n] += dy * w.V[at + n];
      }
    }
    return dh;
  }

  // Gradient descent by what was added up.
  update() {
    for (const k in this.w) {
      const [w, d, v] = [this.w[k], this.d[k], this.v[k]];
      for (let n = 0; n < w.length; n++) w[n] += v[n] = this.momentum * v[n] - this.rate * d[n];
      d.fill(0);
    }
  }
}

// The effects of a net's weights on the state of cell n, carried on by one step.
function carry(partial, n, f, effect, u) {
  const wide = u.length;
  for (let m = 0, at = n * wide; m < wide; m++, at++) partial[at] = f * partial[at] + effect * u[m];
}

const PEEPHOLES = { i: "p_i", f: "p_f", o: "p_o" };

// Memory cells in blocks, with peepholes of one cell each; they learn by the truncated gradient,
// which runs forward beside the state.
export class LSTM extends Network {
  // form, besides: blocks, perBlock, forget, peepholes, gatesFedBack (booleans), squashers.
  constructor(form) {
    const { blocks, perBlock, forget } = form;
    const gates = forget ? ["i", "f", "o"] : ["i", "o"];
    const units = blocks * perBlock;
    super(form, units, units + (form.gatesFedBack ? gates.length * blocks : 0));
    [this.a, this.slope, this.phi, this.slopeOfPhi] = SQUASHERS[this.squashers];
    this.gates = gates;
    this.c = zeros(this.units);
    this.before = zeros(this.units);
    this.squashed = zeros(this.units);
    this.partial = {};
    for (const k of ["c", ...gates]) {
      const rows = k === "c" ? this.units : blocks;
      this.w[k] = zeros(rows * this.u.length);
      if (k !== "c") this[k] = zeros(blocks);
      if (k !== "o") this.partial[k] = zeros(this.units * this.u.length);
      if (k === "c" || !form.peepholes) continue;
      this.w[PEEPHOLES[k]] = zeros(blocks);
      if (k !== "o") this.partial[PEEPHOLES[k]] = zeros(blocks);
    }
  }

  reset() {
    for (const k of ["c", "h", ...this.gates]) this[k].fill(0);
    for (const k in this.partial) this.partial[k].fill(0);
  }

  gate(k, b, c) {
    const net = dot(this.w[k], b, this.u);
    return sigma(this.peepholes ? net + this.w[PEEPHOLES[k]][b] * c[b] : net);
  }

  step(x) {
    const { u, c, h, before, squashed, forget, partial, perBlock, a, slope, phi, w } = this;
    put(h, u, this.features);
    if (this.gatesFedBack) {
      put(this.i, u, this.features + this.units);
      put(this.o, u, u.length - this.bias - this.blocks);
    }
    this.read(x);
    put(c, before, 0);
    for (let b = 0; b < this.blocks; b++) {
      const first = b * perBlock;
      const i = (this.i[b] = this.gate("i", b, before));
      const f = forget ? (this.f[b] = this.gate("f", b, before)) : 1;
      for (let n = first; n < first + perBlock; n++) {
        const g = a(dot(w.c, n, u));
        const by_c = i * slope(g);
        const by_i = g * i * (1 - i);
        const by_f = before[n] * f * (1 - f);
        c[n] = f * before[n] + i * g;
        carry(partial.c, n, f, by_c, u);
        carry(partial.i, n, f, by_i, u);
        if (forget) carry(partial.f, n, f, by_f, u);
        if (this.peepholes) {
          partial.p_i[n] = f * partial.p_i[n] + by_i * before[n];
          partial.p_f[n] = f * partial.p_f[n] + by_f * before[n];
        }
      }
      const o = (this.o[b] = this.gate("o", b, c));
      for (let n = first; n < first + perBlock; n++) h[n] = o * (squashed[n] = phi(c[n]));
    }
  }

  // Adds the truncated gradient of the error at this step.
  learn(target) {
    const { u, o, c, d, perBlock, partial } = this;
    const dh = this.errorOfCells(target);
    for (let b = 0; b < this.blocks; b++) {
      let e_o = 0;
      for (let n = b * perBlock; n < (b + 1) * perBlock; n++) {
        const e_c = dh[n] * o[b] * this.slopeOfPhi(this.squashed[n]);
        e_o += dh[n] * this.squashed[n];
        for (const k in partial) {
          // The cells of a block share a gate's weights.
          const wide = k[0] === "p" ? 1 : u.length;
          const row = k === "c" ? n : b;
          for (let m = 0; m < wide; m++) d[k][row * wide + m] += e_c * partial[k][n * wide + m];
        }
      }
      e_o *= o[b] * (1 - o[b]);
      for (let m = 0; m < u.length; m++) d.o[b * u.length + m] += e_o * u[m];
      if (this.peepholes) d.p_o[b] += e_o * c[b];
    }
  }

  // The steps of a sequence, and the share of the last state's error that reaches each state.
  trace(inputs, target) {
    this.reset();
    const steps = inputs.map((x) => {
      this.step(x);
      const step = { y: [...this.answer()] };
      for (const k of ["c", ...this.gates]) step[k] = [...this[k]];
      return step;
    });
    let share = 1;
    for (const step of [...steps].reverse()) {
      step.share = share;
      if (this.forget) share *= step.f[0];
    }
    this.reset();
    return steps;
  }
}

// A simple recurrent network, learned by full back-propagation through time.
export class Recurrent extends Network {
  constructor(form) {
    super(form, form.units, form.units);
    this.w.W = zeros(this.units * this.u.length);
    this.past = [];
    this.spare = zeros(this.units);
  }

  reset() {
    this.h.fill(0);
    this.steps = 0;
  }

  step(x) {
    put(this.h, this.u, this.features);
    this.read(x);
    for (let n = 0; n < this.units; n++) this.h[n] = 2 * sigma(2 * dot(this.w.W, n, this.u)) - 1; // tanh
    const past = (this.past[this.steps++] ??= {
      u: zeros(this.u.length),
      h: zeros(this.units),
      size: 0, // of the error at h, squared
    });
    put(this.u, past.u, 0);
    put(this.h, past.h, 0);
  }

  // Takes the error at this step back to the first one.
  learn(target) {
    const { u: { length }, units, features, w: { W }, d: { W: dW } } = this;
    let [dh, earlier] = [this.errorOfCells(target), this.spare];
    for (let t = this.steps - 1; t >= 0; t--) {
      const past = this.past[t];
      const { u, h } = past;
      for (let n = 0; n < units; n++) earlier[n] = 0;
      past.size = 0;
      for (let n = 0; n < units; n++) {
        past.size += dh[n] * dh[n];
        const dnet = dh[n] * (1 - h[n] * h[n]);
        for (let m = 0, at = n * length; m < length; m++, at++) dW[at] += dnet * u[m];
        for (let m = 0, at = n * length + features; m < units; m++, at++) earlier[m] += dnet * W[at];
      }
      [dh, earlier] = [earlier, dh];
    }
  }

  trace(inputs, target) {
    this.reset();
    const steps = inputs.map((x) => {
      this.step(x);
      return { y: [...this.answer()], c: [...this.h] };
    });
    this.learn(target);
    const last = this.past[steps.length - 1].size;
    steps.forEach((step, t) => (step.share = Math.sqrt(this.past[t].size / last)));
    for (const d of Object.values(this.d)) d.fill(0);
    this.reset();
    return steps;
  }
}
