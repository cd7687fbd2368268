// A small trained peephole layer, step by step, with every term. The equations are on the page;
// tests/site/test_interactive.py compares this file with the package's reference.

const sigma = (x) => 1 / (1 + Math.exp(-x));
const sum = (values) => values.reduce((a, b) => a + b, 0);

// The terms of net k of every unit; `seen` is the state that its peepholes see, if it has any.
function terms(k, x, h, seen, w) {
  return w[`b_${k}`].map((b, n) => {
    const from_x = x * w[`W_${k}`][0][n];
    const from_h = sum(h.map((h_m, m) => h_m * w[`R_${k}`][m][n]));
    const from_c = seen ? w[`p_${k}`][n] * seen[n] : null;
    return [from_x, from_h, from_c, b, from_x + from_h + from_c + b];
  });
}

const squash = (a, nets) => nets.map((net) => a(net.at(-1)));

// One step of the layer: what it makes of an input and of the state before it, and its nets' terms.
export function step(x, { h: h_prev, c: c_prev }, w) {
  const nets = {
    i: terms("i", x, h_prev, c_prev, w),
    f: terms("f", x, h_prev, c_prev, w),
    g: terms("c", x, h_prev, null, w),
  };
  const i = squash(sigma, nets.i);
  const f = squash(sigma, nets.f);
  const g = squash(Math.tanh, nets.g);
  const c = c_prev.map((before, n) => f[n] * before + i[n] * g[n]);
  nets.o = terms("o", x, h_prev, c, w);
  const o = squash(sigma, nets.o);
  const h = c.map((c_n, n) => o[n] * Math.tanh(c_n));
  return { nets, i, f, g, c_prev, c, o, h };
}

// Every step of a sequence, from the state zero.
export function run(inputs, w) {
  let made = { h: w.b_c.map(() => 0), c: w.b_c.map(() => 0) };
  return inputs.map((x) => (made = step(x, made, w)));
}

export const forecast = (h, w) => sum(h.map((h_n, n) => h_n * w.v[n])) + w.b[0];

// With a true minus, and none for zero.
const number = (value, digits = 3) =>
  value.toFixed(digits).replace(/^-(?=0\.?0*$)/, "").replace("-", "\u2212");

function start(figure, { first_year, sunspots, scale, weights }) {
  const { step: slider, back, on, unit } = figure.querySelector("form").elements;
  const frame = figure.querySelector(".frame");
  const [left, width] = ["x", "width"].map((name) => +frame.getAttribute(name));
  const steps = run(sunspots.slice(0, -1).map((count) => count / scale), weights);
  const show = (selector, text) => (figure.querySelector(selector).textContent = text);

  function fill(letter, values) {
    const cells = figure.querySelectorAll(`#step-${letter} td`);
    values.forEach((value, n) => (cells[n].textContent = value === null ? "" : number(value)));
  }

  function draw() {
    const t = slider.valueAsNumber - 1;
    const n = +unit.value;
    const { nets, ...made } = steps[t];
    const value = (letter) => number(made[letter][n]);

    for (const letter of ["i", "f", "g", "o"]) fill(letter, [...nets[letter][n], made[letter][n]]);
    show("#step-c .kept", `${value("f")} × ${value("c_prev")}`);
    show("#step-c .added", `${value("i")} × ${value("g")}`);
    show("#step-h .shown", `${value("o")} × tanh ${value("c")}`);
    show("#step-c td:last-child", value("c"));
    show("#step-h td:last-child", value("h"));

    const year = first_year + t;
    const next = number(scale * forecast(made.h, weights), 1);
    show("label b", t + 1);
    show(".at", t + 1);
    show(".which", n + 1);
    show(
      "[role=status]",
      `${year}: ${number(sunspots[t], 1)} sunspots. Forecast for ${year + 1}: ${next}; ` +
        `counted then: ${number(sunspots[t + 1], 1)}.`,
    );
    const across = left + (width * t) / steps.length;
    const cursor = figure.querySelector(".cursor");
    cursor.setAttribute("d", cursor.getAttribute("d").replace(/^M\S+/, `M${across.toFixed(1)}`));
    figure.querySelectorAll("g.unit").forEach((g, m) => g.toggleAttribute("hidden", m !== n));
    back.disabled = t === 0;
    on.disabled = t === steps.length - 1;
  }

  function move(by) {
    slider.valueAsNumber += by;
    draw();
  }

  back.addEventListener("click", () => move(-1));
  on.addEventListener("click", () => move(1));
  figure.addEventListener("input", draw);
  draw();
}

const figure = document.getElementById("step-through");
if (figure) start(figure, await (await fetch(new URL("step-through.json", import.meta.url))).json());
