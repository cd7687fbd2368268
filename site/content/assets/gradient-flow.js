// How much of an error at the last state reaches each earlier one, in four networks of one unit.
// The equations are on the page; tests/site/test_interactive.py compares this file with the
// package's reference.

const sigma = (x) => 1 / (1 + Math.exp(-x));
const logit = (y) => Math.log(y / (1 - y));

// One step of each: from the state before it, the state after it and its derivative by the former.
export const networks = {
  recurrent(h, { w, x }) {
    const after = Math.tanh(x + w * h);
    return [after, w * (1 - after ** 2)];
  },
  carousel: (c, { x }) => [c + Math.tanh(x), 1],
  forget: (c, { x, i, f }) => [f * c + i * Math.tanh(x), f],
  peephole(c, { x, i, f, p }) {
    const g = Math.tanh(x);
    const i_t = sigma(logit(i) + p * c);
    const f_t = sigma(logit(f) + p * c);
    const through_i = p * i_t * (1 - i_t) * g;
    const through_f = p * f_t * (1 - f_t) * c;
    return [f_t * c + i_t * g, f_t + through_i + through_f];
  },
};

// The states 0 to T, the factors of the steps 1 to T, and the derivatives of state T by each state.
export function flow(name, settings) {
  const states = [0];
  const factors = [];
  for (let t = 0; t < settings.T; t++) {
    const [after, factor] = networks[name](states[t], settings);
    states.push(after);
    factors.push(factor);
  }
  const derivatives = Array(settings.T + 1).fill(1);
  for (let t = settings.T - 1; t >= 0; t--) derivatives[t] = derivatives[t + 1] * factors[t];
  return { states, factors, derivatives };
}

// Three digits.
function number(value) {
  const small = value !== 0 && Math.abs(value) < 1e-4;
  return (small ? value.toExponential(2) : value.toPrecision(3)).replaceAll("-", "\u2212");
}

function start(figure) {
  const inputs = figure.querySelector("form").elements;
  const frame = figure.querySelector(".frame");
  const [left, top, width, height] = ["x", "y", "width", "height"].map((a) => +frame.getAttribute(a));
  const lowest = +figure.dataset.lowest;
  const highest = +figure.dataset.highest;

  // Held a little outside of what is drawn, where it is cut off.
  const exponent = (d) => Math.min(Math.max(Math.log10(Math.abs(d)), lowest - 1), highest + 1);
  const down = (d) => top + (height * (highest - exponent(d))) / (highest - lowest);

  function draw() {
    const settings = {};
    for (const name of ["w", "x", "i", "f", "p", "T"]) settings[name] = inputs[name].valueAsNumber;
    const { T } = settings;
    inputs.t.max = T - 1;
    const t = inputs.t.valueAsNumber;
    const across = (step) => left + (width * step) / T;

    for (const label of figure.querySelectorAll("label")) {
      label.querySelector("b").textContent = label.control.value.replace("-", "\u2212");
    }
    for (const name of Object.keys(networks)) {
      const { states, factors, derivatives } = flow(name, settings);
      const points = derivatives.map((d, n) => `${across(n).toFixed(1)} ${down(d).toFixed(1)}`);
      figure.querySelector(`g .${name}`).setAttribute("d", "M" + points.join("L"));
      const shown = [states[t], factors[t], Math.abs(derivatives[t])];
      const cells = figure.querySelectorAll(`#flow-${name} td`);
      shown.forEach((value, n) => (cells[n].textContent = number(value)));
    }
    figure.querySelectorAll(".tick").forEach((tick, k) => (tick.textContent = (T * k) / 4));
    figure.querySelector(".cursor").setAttribute("d", `M${across(t).toFixed(1)} ${top}v${height}`);
    figure.querySelector(".at").textContent = t;
  }

  figure.addEventListener("input", draw);
  draw();
}

const figure = document.getElementById("gradient-flow");
if (figure) start(figure);
