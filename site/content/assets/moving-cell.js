// Moves the cell of a figure from word to word: wires as thick as their values.

const PACE = 1100; // milliseconds a word

const number = (value) => value.toFixed(2).replace(/^-(?=0\.?0*$)/, "").replace("-", "\u2212");

function start(figure) {
  const steps = JSON.parse(figure.dataset.steps);
  const { back, play, on } = figure.querySelector("form").elements;
  const words = figure.querySelectorAll(".words span");
  let t = [...words].findIndex((word) => word.className === "now");
  let timer = null;

  function show(step) {
    t = step;
    words.forEach((word, n) => (word.className = n === t ? "now" : ""));
    for (const wire of figure.querySelectorAll("[data-wire]")) {
      const value = steps[t][wire.dataset.wire];
      wire.style.strokeWidth = (1 + figure.dataset.widest * Math.abs(value)).toFixed(2);
      wire.classList.toggle("negative", value < 0);
    }
    for (const text of figure.querySelectorAll("[data-number]")) {
      text.textContent = number(steps[t][text.dataset.number]);
    }
    back.disabled = t === 0;
    on.disabled = t === steps.length - 1;
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function go() {
    play.textContent = "Pause";
    if (t === steps.length - 1) show(0);
    timer = setInterval(() => {
      show(t + 1);
      if (t === steps.length - 1) pause();
    }, PACE);
  }

  play.addEventListener("click", () => (timer ? pause() : go()));
  back.addEventListener("click", () => {
    pause();
    show(t - 1);
  });
  on.addEventListener("click", () => {
    pause();
    show(t + 1);
  });
  // Once by itself, where that is welcome.
  if (matchMedia("(prefers-reduced-motion: no-preference)").matches) {
    show(0);
    go();
  } else show(t);
}

const figure = document.getElementById("moving-cell");
if (figure) start(figure);
