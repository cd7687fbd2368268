// The variant explorer: looks up the pieces of every form for a choice, and marks what differs from
// the choice before. All pieces are in explorer.json, made of the package's own data.

const escaped = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
const minus = (n) => n.toLocaleString("en").replace("-", "\u2212");

// The text of a slot for a choice, or undefined: the last field that matters counts single steps.
export function lookUp(slot, choice, sizes) {
  return slot.texts[slot.of[slot.on.reduce((n, field) => n * sizes[field] + choice[field], 0)]];
}

// The pieces of a form by name, in order.
export function pieces(slots, choice, sizes) {
  const found = slots.map((slot) => [slot.name, lookUp(slot, choice, sizes)]);
  return new Map(found.filter(([, text]) => text !== undefined));
}

// "P + 3H" for sizes {I, H, P}.
function size(dimension, sizes) {
  const terms = dimension.split(" + ").map((term) => term.match(/^(\d*)([IHP]?)$/));
  return terms.reduce((sum, [, n, letter]) => sum + (n ? +n : 1) * (letter ? sizes[letter] : 1), 0);
}

export const count = (weights, sizes) =>
  [...weights.values()].reduce(
    (sum, shape) => sum + shape.split("|").reduce((n, d) => n * size(d, sizes), 1),
    0,
  );

// HTML whose references @7; are replaced by the parts that they stand for.
export const whole = (text, shared) => text.replace(/@(\d+);/g, (_, n) => whole(shared[n], shared));

// A line of code with a mark around what is not in the line before.
function marked(text, before) {
  if (before === undefined) return `<b class="changed">${escaped(text)}</b>`;
  if (text === before) return escaped(text);
  const [a, b] = [text, before].map((t) => t.split(/(\W)/));
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++;
  let end = 0;
  const most = Math.min(a.length, b.length) - start;
  while (end < most && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const cut = a.length - end;
  const [head, middle, tail] = [a.slice(0, start), a.slice(start, cut), a.slice(cut)];
  const inner = middle.length ? `<b class="changed">${escaped(middle.join(""))}</b>` : "";
  return escaped(head.join("")) + inner + escaped(tail.join(""));
}

function start(figure, data) {
  const { fields, known, labels, valid, forms, others, shared, tikz, around } = data;
  const html = (tex) => whole(data.html[tex], shared);
  const sizes = fields.map(([, , options]) => options.length);
  const form = figure.querySelector("form.choice").elements;
  const part = (name) => figure.querySelector(`[data-part=${name}]`);
  const read = () => fields.map(([name]) => +form[name].value);
  // A cell is a choice of options, or the name of one that has none.
  const made = (name, cell) =>
    typeof cell === "string" ? new Map(others[cell][name]) : pieces(forms[name], cell, sizes);
  const shown = () => figure.querySelector("[name=show]:checked").value;
  const same = (a, b) => a.every((n, k) => n === b[k]);
  const isValid = (choice) => lookUp(valid, choice, sizes) !== undefined;
  let choice = read();
  let [now, last] = [choice, choice];

  function equations() {
    const [after, before] = [made("equations", now), made("equations", last)];
    const list = part("equations");
    list.innerHTML = [...after.values()].map((tex) => `<li>${html(tex)}</li>`).join("");
    [...after.keys()].forEach((name, n) => {
      const old = document.createElement("div");
      old.innerHTML = before.has(name) ? html(before.get(name)) : "";
      const bases = new Set([...old.querySelectorAll(".katex-base")].map((base) => base.innerHTML));
      for (const base of list.children[n].querySelectorAll(".katex-base")) {
        base.classList.toggle("changed", !bases.has(base.innerHTML));
      }
    });
  }

  function picture() {
    const [after, before] = [made("svg", now), made("svg", last)];
    const there = new Set(before.values());
    part("svg").innerHTML = [...after.values()]
      .map((text) => `<g${there.has(text) ? "" : ' class="changed"'}>${text}</g>`)
      .join("");
    figure.querySelector("svg desc").textContent = [...made("words", now).values()].join(" ");
  }

  function code() {
    const [after, before] = [made(shown(), now), made(shown(), last)];
    const lines = [...after].map(([name, text]) => marked(text, before.get(name)));
    part("code").innerHTML = lines.join("\n");
  }

  function weights() {
    const whole = (k) => Math.max(1, Math.floor(form[k].valueAsNumber || 1));
    const numbers = Object.fromEntries(["I", "H", "P"].map((k) => [k, whole(k)]));
    const [after, before] = [made("weights", now), made("weights", last)];
    const [total, was] = [count(after, numbers), count(before, numbers)];
    part("total").textContent = total.toLocaleString("en");
    part("more").textContent =
      total === was ? "" : `(${total > was ? "+" : ""}${minus(total - was)})`;
    part("weights").innerHTML = [...after]
      .map(([name, shape]) => {
        const mark = before.get(name) === shape ? "" : ' class="changed"';
        return `<tr><th scope="row">${name}</th><td${mark}>(${shape.split("|").join(", ")})</td></tr>`;
      })
      .join("");
  }

  const alone = () => {
    const svg = figure.querySelector("svg").cloneNode(true);
    svg.querySelectorAll(".changed").forEach((g) => g.removeAttribute("class"));
    svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    svg.setAttribute("viewBox", "0 0 544 350");
    svg.setAttribute("width", 544);
    svg.setAttribute("height", 350);
    svg.querySelector("defs").insertAdjacentHTML("beforebegin", `<style>${around.style}</style>`);
    svg.insertAdjacentHTML("beforeend", `<text class="small" x="272" y="342">${around.credit}</text>`);
    return new XMLSerializer().serializeToString(svg);
  };

  function copies() {
    const credit = `% ${around.credit}\n`;
    const rows = [...made("equations", now).values()].join(" \\\\\n");
    const drawn = [...made("svg", now).values()].map((text) => `  ${tikz[text]}`).join("\n");
    const texts = {
      TeX: `\\begin{aligned}\n${rows}\n\\end{aligned}`,
      TikZ: `${credit}${around.head}\n${drawn}\n${around.foot}`,
      SVG: alone(),
    };
    for (const button of figure.querySelectorAll("[data-copy]")) {
      button.dataset.clipboardText = texts[button.dataset.copy];
    }
  }

  function say() {
    const words = fields
      .filter((_, k) => now === choice && now[k] !== last[k] && typeof last !== "string")
      .map(([name, label, options]) => `${label}: ${options[+form[name].value]}`);
    const isNow = ([name, , of]) => (of ? now === choice && same(of, now) : name === now);
    const names = known.filter(isNow);
    const sources = [...new Set(names.flatMap((entry) => entry[3]))]
      .map((key) => `<a href="../../bibliography/#${key}">${labels[key]}</a>`);
    const works = sources.length ? ` Sources: ${sources.join("; ")}.` : "";
    const which = names.length
      ? `Known as ${names.map((entry) => entry[1]).join("; ")}.${works}`
      : "Without a name here.";
    const other = ' No choice of parts makes it, <a href="#and-the-gru">see below</a>.';
    const changed = words.length ? ` Changed: ${words.join(", ")}.` : "";
    figure.querySelector("[role=status]").innerHTML = which + (now === choice ? changed : other);
  }

  function address() {
    const given = new URLSearchParams();
    if (form.cell.value) given.set("cell", form.cell.value);
    else fields.forEach(([name], k) => given.set(name, choice[k]));
    if (shown() !== "numpy") given.set("show", shown());
    for (const k of ["I", "H", "P"]) {
      if (form[k].value !== form[k].defaultValue) given.set(k, form[k].value);
    }
    history.replaceState(null, "", `?${given}${location.hash}`);
  }

  function draw() {
    fields.forEach(([name], k) => {
      for (const option of form[name].options) {
        const other = choice.map((n, j) => (j === k ? +option.value : n));
        option.disabled = !isValid(other);
      }
    });
    equations();
    picture();
    code();
    weights();
    copies();
    say();
  }

  function set(next) {
    last = now;
    now = next;
    if (typeof next === "string") return;
    next.forEach((n, k) => (form[fields[k][0]].value = n));
    choice = next;
  }

  // The name under which the choice is known, in the list of names.
  function name() {
    form.cell.value = known.find(([, , of]) => of && same(of, choice))?.[0] ?? "";
  }

  // From the name that was chosen to the fields, or from the fields to a name that fits.
  function change(event) {
    const { target } = event;
    if (target === form.cell) {
      const entry = known.find((one) => one[0] === form.cell.value);
      set(entry ? (entry[2] ?? entry[0]) : choice);
    } else if (fields.some((field) => field[0] === target.name)) {
      set(read());
      name();
    }
    draw();
    address();
  }

  function save(kind) {
    const svg = new Blob([alone()], { type: "image/svg+xml" });
    const give = (blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `lstm-${form.cell.value || "cell"}.${kind}`;
      link.click();
    };
    if (kind === "svg") return give(svg);
    const image = new Image();
    image.onload = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 1632, height: 1050 });
      const context = canvas.getContext("2d");
      context.fillStyle = "white";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(give, "image/png");
    };
    image.src = `data:image/svg+xml,${encodeURIComponent(alone())}`;
  }

  // What the address says, where it makes sense.
  const given = new URLSearchParams(location.search);
  const entry = known.find((one) => one[0] === given.get("cell"));
  const asked = fields.map(([name], k) => {
    const n = given.has(name) ? +given.get(name) : choice[k];
    return Number.isInteger(n) && n >= 0 && n < sizes[k] ? n : choice[k];
  });
  if (entry) form.cell.value = entry[0];
  set(entry ? (entry[2] ?? entry[0]) : isValid(asked) ? asked : choice);
  if (!entry) name();
  for (const k of ["I", "H", "P"]) if (+given.get(k) >= 1) form[k].value = Math.floor(given.get(k));
  for (const radio of figure.querySelectorAll("[name=show]")) {
    if (radio.value === given.get("show")) radio.checked = true;
  }
  last = now;

  figure.addEventListener("change", change);
  for (const button of figure.querySelectorAll("[name=save]")) {
    button.addEventListener("click", () => save(button.value));
  }
  figure.addEventListener("submit", (event) => event.preventDefault());
  draw();
  figure.dataset.ready = "";
}

const figure = document.getElementById("explorer");
if (figure) start(figure, await (await fetch(new URL("explorer.json", import.meta.url))).json());
