// The tasks, as `keras_lstm_ext.tasks` has them, and two networks that learn one from the same
// sequences. The page says what the tasks are; tests/site/test_live.py compares.

import { LSTM, Recurrent } from "./networks.js";

// Steps of equal size, mixed by the last rounds of MurmurHash3 (Appleby).
function mix(n) {
  n = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
  n = Math.imul(n ^ (n >>> 13), 0xc2b2ae35);
  return (n ^ (n >>> 16)) >>> 0;
}

export class Random {
  constructor(...seeds) {
    this.at = seeds.reduce((hash, seed) => mix(hash + seed + 0x9e3779b9), 0);
  }

  unit = () => mix((this.at = (this.at + 0x9e3779b9) | 0)) / 2 ** 32;
  below = (n) => Math.floor(this.unit() * n);
}

// Of all tasks: two blocks as in 1997, everything with a bias.
const USUAL = { bias: 1, blocks: 2, perBlock: 2, gatesFedBack: true, squashers: "1997" };
const WITHOUT_BIAS = { ...USUAL, bias: 0, perBlock: 1 };
const IN_2002 = { ...USUAL, blocks: 1, perBlock: 1, forget: true, gatesFedBack: false, squashers: "linear" };

// A sequence is { inputs, targets: [at the end] or [at every step], marks: [[step, name], ...] }.
export const TASKS = {
  adding: {
    range: 0.1,
    gateBias: { i: [-3, -6] },
    form: { ...USUAL, features: 2, outputs: 1, rate: 0.5 },
    window: 2000,
    rules: { absolute: [0.04, 0.01], squared: [0.2, 0.1] },
    draw(random, T) {
      const length = T + random.below(Math.floor(T / 10) + 1);
      const marked = [random.below(10), random.below(Math.floor(T / 2) - 1)];
      if (marked[1] >= marked[0]) marked[1]++;
      const inputs = Array.from({ length }, () => [2 * random.unit() - 1, 0]);
      inputs[0][1] = inputs[length - 1][1] = -1;
      let sum = 0;
      const marks = marked.map((t) => {
        inputs[t][1] = 1;
        const counted = t ? inputs[t][0] : 0;
        sum += counted;
        return [t, counted.toFixed(2)];
      });
      return { inputs, targets: [[0.5 + sum / 4]], marks };
    },
  },
  "lag-2c": {
    range: 0.2,
    form: { ...WITHOUT_BIAS, features: 54, outputs: 2, rate: 0.01 },
    window: 10000,
    rules: { absolute: [0.2, Infinity] },
    draw(random, T) {
      const [e, b, x] = [50, 51, 52];
      const y = random.below(2);
      const inputs = [b, x + y];
      for (let k = 0; k < T || random.unit() >= 0.1; k++) inputs.push(random.below(50));
      inputs.push(e);
      return { inputs, targets: [[1 - y, y]], marks: [[1, "xy"[y]]] };
    },
  },
  "order-6a": {
    range: 0.1,
    gateBias: { i: [-2, -4] },
    form: { ...USUAL, features: 8, outputs: 4, rate: 0.5 },
    window: 2000,
    rules: { absolute: [0.3, 0.1] },
    draw(random) {
      const [E, B, a, X] = [0, 1, 2, 6];
      const length = 100 + random.below(11);
      const inputs = Array.from({ length }, () => a + random.below(4));
      [inputs[0], inputs[length - 1]] = [E, B];
      let order = 0;
      const marks = [10, 50].map((start) => {
        const y = random.below(2);
        const t = start - 1 + random.below(11);
        inputs[t] = X + y;
        order = 2 * order + y;
        return [t, "XY"[y]];
      });
      const target = [0, 0, 0, 0];
      target[order] = 1;
      return { inputs, targets: [target], marks };
    },
  },
  "timed-spikes": {
    range: 0.1,
    gateBias: { i: [0], f: [2], o: [-2] },
    form: { ...IN_2002, features: 1, outputs: 1, rate: 1e-5, momentum: 0.999 },
    stream: 0.49,
    draw(random, T, intervals = 100) {
      const [inputs, targets, marks] = [[], [], []];
      for (let n = 0; n < intervals; n++) {
        const late = random.below(2);
        for (let left = T + late - 1; left >= 0; left--) {
          targets.push([+!left]);
          inputs.push([late]);
        }
        marks.push([inputs.length - 1, ""]);
      }
      return { inputs, targets, marks };
    },
  },
};

// The number of units with which a simple recurrent network comes nearest to a number of weights.
export function unitsFor({ features, outputs, bias }, weights) {
  const size = (n) => n * (features + n + bias) + outputs * (n + bias);
  let n = 1;
  while (Math.abs(size(n + 1) - weights) < Math.abs(size(n) - weights)) n++;
  return n;
}

export function networksOf(task) {
  const { form, stream } = TASKS[task];
  if (stream) return [true, false].map((peepholes) => new LSTM({ ...form, peepholes }));
  const lstm = new LSTM(form);
  return [lstm, new Recurrent({ ...form, units: unitsFor(form, lstm.weights) })];
}

// How a network does: the errors of the last sequences, and when it met a rule.
class Score {
  constructor({ window, rules = {} }) {
    this.last = [];
    this.window = window;
    this.rules = Object.entries(rules).map(([name, [tolerance, mean]]) => (
      { name, tolerance, mean, run: 0, longest: 0, met: null }));
    this.sum = 0;
  }

  add(largest, mean, sequences) {
    this.sum += mean - (this.last[sequences % this.window] ?? 0);
    this.last[sequences % this.window] = mean;
    for (const rule of this.rules) {
      rule.run = largest < rule.tolerance ? rule.run + 1 : 0;
      rule.longest = Math.max(rule.longest, rule.run);
      if (rule.run >= this.window && this.sum / this.window < rule.mean) rule.met ??= sequences + 1;
    }
  }
}

export const BIN = 500; // sequences of which a point of the curve is the mean

export class Race {
  constructor({ task, T, seed }) {
    this.task = TASKS[task];
    this.T = T;
    this.random = new Random(seed, T, 0);
    this.networks = networksOf(task).map((network, n) =>
      network.begin(new Random(seed, n + 1), this.task.range, network.gates ? this.task.gateBias : {}),
    );
    this.shown = this.task.draw(new Random(seed, T, 9), T, 10);
    this.scores = this.networks.map(() => new Score(this.task));
    this.sequences = 0;
    this.bins = [];
    this.sums = [0, 0];
  }

  // Both networks read and learn one more sequence.
  next() {
    const sequence = this.task.draw(this.random, this.T);
    const read = this.task.stream ? "readStream" : "readSequence";
    this.networks.forEach((network, n) => (this.sums[n] += this[read](network, sequence, n) / BIN));
    if (++this.sequences % BIN) return;
    this.bins.push(this.sums);
    this.sums = [0, 0];
  }

  readSequence(network, { inputs, targets: [target] }, n) {
    network.reset();
    for (const x of inputs) network.step(x);
    network.answer();
    const errors = target.map((t, j) => Math.abs(network.y[j] - t));
    const mean = errors.reduce((a, b) => a + b) / errors.length;
    network.learn(target);
    network.update();
    this.scores[n].add(Math.max(...errors), mean, this.sequences);
    return mean;
  }

  // Weights change at every step; an error ends the stream. Gives the share that was not read.
  readStream(network, { inputs, targets }) {
    network.reset();
    for (let t = 0; t < inputs.length; t++) {
      const target = targets[t];
      network.step(inputs[t]);
      const wrong = Math.abs(network.answer()[0] - target[0]) >= this.task.stream;
      network.learn(target);
      network.update();
      if (wrong) return 1 - t / inputs.length;
    }
    return 0;
  }

  // How both networks do, and what they make of the sequence shown.
  state() {
    const { sequences, shown, scores, networks } = this;
    return {
      sequences,
      shown,
      rules: scores.map((score) => score.rules),
      weights: networks.map((network) => network.weights),
      traces: networks.map((network) => network.trace(shown.inputs, shown.targets.at(-1))),
    };
  }
}
