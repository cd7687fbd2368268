// Learns apart from the page, which says what and how fast and draws what it is told.

import { Race } from "./race.js";

const SLICE = 40; // milliseconds between two reports

let [race, sent, speed, from, since, timer] = [];

function report() {
  const points = race.bins.slice(sent);
  sent = race.bins.length;
  postMessage({ ...race.state(), points });
}

function learn() {
  const now = performance.now();
  const due = from + 1 + (speed * (now - since)) / 1000;
  while (race.sequences < due && performance.now() < now + SLICE) race.next();
  report();
  timer = setTimeout(learn, speed === Infinity ? 0 : SLICE);
}

// { race: { task, T, seed } } begins anew; { speed }, in sequences a second, goes on, or pauses at 0.
onmessage = ({ data }) => {
  clearTimeout(timer);
  if (data.race) [race, sent] = [new Race(data.race), 0];
  ({ speed } = data);
  if (speed) {
    [from, since] = [race.sequences, performance.now()];
    timer = setTimeout(learn);
  } else report();
};
