// Draws two networks that learn in a worker, and keeps what is chosen in the address.

const PAUSE = 1000; // milliseconds between two pictures for those who want less to move
const SPOKEN = 10000; // sequences between two that are read out

const minus = (value) => String(value).replace("-", "\u2212");
const count = (n) => n.toLocaleString("en");
const fixed = (values) => values.map((value) => value.toFixed(2)).join(" ");

function start(figure) {
  const { task, T, seed, speed, go, again } = figure.querySelector("form").elements;
  const tasks = JSON.parse(figure.dataset.tasks);
  const { bin, lowest, bottom } = figure.dataset;
  const less = matchMedia("(prefers-reduced-motion: reduce)");
  const part = (name) => figure.querySelector(`[data-part="${name}"]`);
  const say = (name, text) => (part(name).textContent = text);
  const box = (name) => ["x", "y", "width", "height"].map((side) => +part(name).getAttribute(side));
  let running = false;
  let [worker, curve, latest, drawn, spoken] = [];

  // A line through one value per step, or per point of the curve, in a frame.
  function line(path, inside, values, low, high, last = values.length) {
    const [left, top, width, height] = box(inside);
    const points = values.map((value, t) => {
      const up = Math.min(Math.max((value - low) / (high - low), 0), 1);
      const across = left + (width * (t + 0.5)) / last;
      return `${across.toFixed(1)} ${(top + height * (1 - up)).toFixed(1)}`;
    });
    path.setAttribute("d", `M${points.join("L") || "0 0"}`);
  }

  function drawProgress(sequences) {
    const { top, paper } = tasks[task.value];
    const [left, upper, width, height] = box("errors");
    const mean = paper[T.value];
    let last = 100000;
    while (last < Math.max(sequences, mean ?? 0)) last *= 2;
    const x = left + (width * mean) / last;
    for (const name of ["paper", "paper-name"]) part(name).toggleAttribute("hidden", !mean);
    if (mean) {
      part("paper").setAttribute("d", `M${x.toFixed(1)} ${upper}v${height}`);
      part("paper-name").setAttribute("x", (x - 5).toFixed(1));
      say("paper-name", `the paper: ${count(mean)}`);
    }
    ["lstm", "other"].forEach((name, n) => {
      const errors = curve.map((point) => point[n]);
      line(part(name), "errors", errors, 0, top, last / bin);
    });
    [0, 1, 2, 3, 4].forEach((k) => say(`x${k}`, count((last * k) / 4)));
    [0, 1, 2].forEach((k) => say(`y${k}`, (top * k) / 2));
  }

  function drawSteps({ marks }, [lstm, other]) {
    const [left, top, width] = box("c");
    const across = ([t]) => (left + (width * (t + 0.5)) / lstm.length).toFixed(1);
    const seen = marks.filter(([t]) => t < lstm.length);
    const lines = seen.map((mark) => `M${across(mark)} ${top - 6}V${bottom}`);
    part("marks").setAttribute("d", lines.join(""));
    part("names").innerHTML = seen
      .map((mark, k) => `<text x="${across(mark)}" y="${top - 10 - 14 * (k % 2)}">${minus(mark[1])}</text>`)
      .join("");
    const high = Math.ceil(Math.max(1, ...lstm.flatMap(({ c }) => c.map(Math.abs))));
    say("c-high", high);
    say("c-low", minus(-high));
    for (const lane of ["c", "i", "f", "o", "y"]) {
      const paths = part(`${lane}-curves`).children;
      const units = lstm[0][lane]?.length ?? 0;
      for (const path of paths) path.setAttribute("d", "M0 0");
      for (let n = 0; n < units; n++) {
        const values = lstm.map((step) => step[lane][n]);
        const ends = lane === "c" ? [-high, high] : [0, 1];
        line(paths[n * Math.floor(4 / units)], lane, values, ...ends);
      }
    }
    const power = ({ share }) => Math.log10(share);
    line(part("share-lstm"), "share", lstm.map(power), lowest, 0);
    line(part("share-other"), "share", other.map(power), lowest, 0);
    say("last", lstm.length);
  }

  function drawTable({ sequences, rules, weights, shown, traces }) {
    say("at", count(sequences));
    [...figure.querySelectorAll("tbody tr")].forEach((row, n) => {
      const ruled = rules[n].map(({ met, run, longest }) =>
        met ? `met after ${count(met)}` : `${count(run)}, at most ${count(longest)}`,
      );
      const error = curve.at(-1)?.[n].toFixed(3);
      const name = tasks[task.value].networks[n];
      const texts = [name, weights[n], error, fixed(traces[n].at(-1).y), ...ruled];
      say(`${["lstm", "other"][n]}-name`, name);
      [...row.cells].forEach((cell, k) => (cell.textContent = texts[k] ?? "\u2013"));
    });
    say("wanted", fixed(shown.targets.at(-1)));
  }

  function draw(now) {
    if (running && less.matches && now - drawn < PAUSE) return requestAnimationFrame(draw);
    const { sequences, shown, traces } = latest;
    drawProgress(sequences);
    drawSteps(shown, traces);
    drawTable(latest);
    if (!running || sequences >= spoken + SPOKEN) {
      spoken = sequences;
      say("said", `${count(sequences)} sequences.`);
    }
    figure.dataset.sequences = sequences;
    [latest, drawn] = [null, now];
  }

  function begin() {
    worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => {
      curve.push(...data.points);
      if (!latest) requestAnimationFrame(draw);
      latest = data;
    };
    [curve, latest, drawn, spoken] = [[], null, 0, 0];
    worker.postMessage({ race: { task: task.value, T: +T.value, seed: +seed.value } });
  }

  function run(on) {
    running = on;
    if (!worker) begin();
    worker.postMessage({ speed: on ? +speed.value : 0 });
    go.textContent = on ? "Pause" : "Start";
    const chosen = [task, T, seed, speed].map(({ name, value }) => `${name}=${value}`);
    history.replaceState(null, "", `?${chosen.join("&")}${on ? "&run" : ""}${location.hash}`);
  }

  // The lengths that a task can have.
  function allow() {
    const { label, shortest, usual, longest } = tasks[task.value];
    [T.min, T.max, T.value] = [shortest, longest, usual];
    T.readOnly = shortest === longest;
    say("what-T", label);
  }

  function anew(on) {
    worker?.terminate();
    worker = null;
    run(on);
  }

  figure.addEventListener("submit", (event) => event.preventDefault());
  go.addEventListener("click", () => run(!running));
  again.addEventListener("click", () => anew(false));
  figure.addEventListener("change", ({ target }) => {
    if (target === task) allow();
    if (target === speed) run(running);
    else if (T.reportValidity() && seed.reportValidity()) anew(false);
  });

  const given = new URLSearchParams(location.search);
  for (const field of [task, T, seed, speed]) {
    const usual = field.value;
    if (given.has(field.name)) field.value = given.get(field.name);
    if (!field.value || !field.checkValidity()) field.value = usual;
    if (field === task && field.value !== usual) allow();
  }
  if (given.has("run")) run(true);
  else if (given.size) anew(false);
}

const figure = document.getElementById("live");
if (figure) start(figure);
