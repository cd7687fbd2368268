// Shows what the package recorded of a cell: values forward, errors backward. It computes nothing
// but widths. tests/site/test_interactive.py compares the record with the package's reference.

const PACE = 900; // milliseconds a step

// By wire, what of the record of the way back it carries; by number, what it shows there.
const BACK = {
  h: "dh", c: "entered", kept: "dc", before: "on", added: "dc", g: "dg", i: "di", f: "df", o: "do",
};
const SHOWN = { h: "dh", c: "dc", g: "dg", i: "di", f: "df", o: "do" };

const minus = (text) => text.replace(/^-(?=0\.?0*$)/, "").replaceAll("-", "\u2212");

// Two decimals; of an error, which may be very small, two digits.
function number(value, backward) {
  if (!backward) return minus(value.toFixed(2));
  const small = value !== 0 && Math.abs(value) < 1e-3;
  return minus(small ? value.toExponential(0) : value.toPrecision(2));
}

function start(figure, data) {
  const form = figure.querySelector("form").elements;
  const { sequence, unit, way, gradient, step, back, play, on } = form;
  const frame = figure.querySelector(".frame");
  const [left, top, width, height] = ["x", "y", "width", "height"].map((a) => +frame.getAttribute(a));
  let timer = null;

  // One object for each step of what is chosen.
  function chosen() {
    const mode = way.value === "forward" ? "forward" : gradient.value;
    const names = mode === "forward" ? data.forward : data.backward;
    const rows = data.sequences[sequence.value].units[unit.value - 1][mode];
    return rows.map((row) => Object.fromEntries(row.map((value, n) => [names[n], value])));
  }

  function choices() {
    const { units, said } = data.sequences[sequence.value];
    const before = Math.min(+unit.value || 1, units.length);
    unit.replaceChildren(...units.map((_, n) => new Option(n + 1, n + 1)));
    unit.value = before;
    step.max = said.length;
  }

  function tell(now, backward) {
    const t = step.valueAsNumber;
    const said = data.sequences[sequence.value].said[t - 1];
    if (!backward) return said;
    const n = (name) => number(now[name], true);
    const peephole = now.peephole ? `, ${n("peephole")} through a peephole` : "";
    return (
      `Step ${t}: ${n("entered")} enters by the output gate, ${n("later")} comes from later steps` +
      `${peephole}: ${n("dc")} in the cell. ${n("on")} goes on to the step before, ` +
      `${n("left")} leaves by the input gate.`
    );
  }

  function draw() {
    const rows = chosen();
    const backward = way.value === "backward";
    const t = step.valueAsNumber - 1;
    const now = rows[t];
    const carried = (wire, row) => row[backward ? BACK[wire] : wire];
    const wires = [...figure.querySelectorAll("[data-wire]")];
    const largest = Math.max(
      ...rows.flatMap((row) => wires.map((w) => Math.abs(carried(w.dataset.wire, row)))),
    );
    for (const wire of wires) {
      const value = carried(wire.dataset.wire, now);
      const share = largest ? Math.abs(value) / largest : 0;
      wire.style.strokeWidth = (1 + figure.dataset.widest * share).toFixed(2);
      wire.classList.toggle("negative", value < 0);
    }
    for (const text of figure.querySelectorAll("[data-number]")) {
      const name = text.dataset.number;
      text.textContent = number(now[backward ? SHOWN[name] : name], backward);
    }
    const series = rows.map((row) => row[backward ? "dc" : "c"]);
    const most = Math.max(...series.map(Math.abs)) || 1;
    const across = (n) => (left + (width * n) / (rows.length - 1)).toFixed(1);
    const down = (value) => (top + (height / 2) * (1 - value / most)).toFixed(1);
    const points = series.map((value, n) => `${across(n)} ${down(value)}`);
    figure.querySelector(".curve").setAttribute("d", "M" + points.join("L"));
    figure.querySelector(".cursor").setAttribute("d", `M${across(t)} ${top}v${height}`);
    figure.querySelector("label b").textContent = t + 1;
    figure.querySelector("[role=status]").textContent = tell(now, backward);
    gradient.disabled = !backward;
    back.disabled = t === 0;
    on.disabled = t === rows.length - 1;
  }

  function keep() {
    const names = ["sequence", "unit", "way", "gradient", "step"];
    const query = names.map((name) => `${name}=${form[name].value}`).join("&");
    history.replaceState(null, "", `?${query}${location.hash}`);
  }

  function change() {
    choices();
    draw();
    keep();
  }

  function move(by) {
    step.valueAsNumber += by;
    change();
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  // Errors go from the last step to the first.
  function go() {
    const by = way.value === "backward" ? -1 : 1;
    const end = () => (by > 0 ? step.value === step.max : step.value === "1");
    if (end()) move(by > 0 ? 1 - step.max : step.max - 1);
    play.textContent = "Pause";
    timer = setInterval(() => {
      move(by);
      if (end()) pause();
    }, PACE);
  }

  play.addEventListener("click", () => (timer ? pause() : go()));
  back.addEventListener("click", () => (pause(), move(-1)));
  on.addEventListener("click", () => (pause(), move(1)));
  figure.addEventListener("input", () => (pause(), change()));

  // What is not among the choices is left as it was.
  const given = new URLSearchParams(location.search);
  for (const name of ["sequence", "unit", "way", "gradient", "step"]) {
    const value = given.get(name);
    const known = name === "step" ? /^\d+$/.test(value) : [...form[name].options].some((o) => o.value === value);
    if (known) form[name].value = value;
    if (name === "sequence") choices();
  }
  draw();
}

const figure = document.getElementById("cell-at-work");
if (figure) start(figure, JSON.parse(figure.querySelector("script").textContent));
