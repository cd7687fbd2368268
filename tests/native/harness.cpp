// Random calls of the C interface, for the sanitizers: every array has exactly its size.
// Usage: harness CALLS THREADS
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "lstm.h"

using Random = std::mt19937;
using Floats = std::vector<float>;

int64_t pick(Random& random, int64_t least, int64_t most) {
  return std::uniform_int_distribution<int64_t>(least, most)(random);
}

Options random_options(Random& random) {
  Options o = {};
  o.batch = pick(random, 0, 9);
  o.time = pick(random, 0, 12);
  o.features = pick(random, 0, 20);
  o.block_size = pick(random, 0, 2) ? 1 : pick(random, 2, 4);
  o.units = o.block_size * pick(random, 0, 40 / o.block_size);
  o.gates = static_cast<int32_t>(pick(random, 0, 7));
  o.sigma = static_cast<int32_t>(pick(random, 0, 4));
  o.activation = static_cast<int32_t>(pick(random, 0, 4));
  o.output_activation = static_cast<int32_t>(pick(random, 0, 4));
  o.feedback = static_cast<int32_t>(pick(random, 0, 1));
  o.peepholes = static_cast<int32_t>(pick(random, 0, 1));
  o.truncated = static_cast<int32_t>(pick(random, 0, 1));
  o.reverse = static_cast<int32_t>(pick(random, 0, 1));
  o.threads = static_cast<int32_t>(pick(random, 1, 4));
  do o.isa = static_cast<int32_t>(pick(random, BASELINE, AVX512));
  while (!lstm_supports(o.isa));
  o.decay = pick(random, 0, 1) ? 1.0f : 0.9f;
  return o;
}

Floats array(Random& random, int64_t size) {
  Floats values(size);
  std::normal_distribution<float> normal;
  for (float& value : values) value = normal(random);
  if (size && pick(random, 0, 50) == 0) values[pick(random, 0, size - 1)] = NAN;
  if (size && pick(random, 0, 50) == 0) values[pick(random, 0, size - 1)] = 1e38f;
  return values;
}

void call(Random& random) {
  const Options o = random_options(random);
  const int64_t gates = (o.gates & 1) + (o.gates >> 1 & 1) + (o.gates >> 2);
  const int64_t columns = o.units + gates * (o.units / o.block_size);
  const int64_t states = o.batch * o.units, steps = o.batch * o.time;
  auto make = [&](int64_t size) { return array(random, size); };
  Floats x = make(steps * o.features), h = make(states), c = make(states);
  Floats W = make(o.features * columns), R = make(o.units * columns), p = make(gates * o.units);
  Floats b = make(columns), multiplier = make(states);
  std::unique_ptr<uint8_t[]> mask(new uint8_t[steps]);
  for (int64_t k = 0; k < steps; ++k) mask[k] = pick(random, 0, 1);
  const Inputs in = {x.data(),
                     h.data(),
                     c.data(),
                     W.data(),
                     o.feedback ? R.data() : nullptr,
                     o.peepholes ? p.data() : nullptr,
                     b.data(),
                     pick(random, 0, 1) ? multiplier.data() : nullptr,
                     pick(random, 0, 1) ? mask.get() : nullptr};
  int64_t kept_gates, kept_cells;
  lstm_kept(&o, &kept_gates, &kept_cells);
  Floats y(steps * o.units), h_last(states), c_last(states);
  Floats of_gates(kept_gates), cells(kept_cells);
  const bool keeps = pick(random, 0, 2), shows = keeps || pick(random, 0, 1);
  const Results out = {shows ? y.data() : nullptr, h_last.data(), c_last.data(),
                       keeps ? of_gates.data() : nullptr, keeps ? cells.data() : nullptr};
  if (lstm_forward(&o, &in, &out)) std::abort();
  if (!keeps) return;
  Floats d_y = make(steps * o.units), d_h = make(states), d_c = make(states);
  const Errors errors = {pick(random, 0, 3) ? d_y.data() : nullptr, d_h.data(), d_c.data()};
  Floats dx(x.size()), dh(states), dc(states);
  Floats dW(W.size()), dR(R.size()), dp(p.size()), db(columns);
  const Gradients d = {dx.data(), dh.data(), dc.data(), dW.data(), dR.data(), dp.data(), db.data()};
  if (lstm_backward(&o, &in, &out, &errors, &d)) std::abort();
}

// Step by step, what the whole sequence gives.
void stream(Random& random) {
  Options o = random_options(random);
  if (o.batch * o.units == 0) return;
  o.reverse = 0;
  const int64_t gates = (o.gates & 1) + (o.gates >> 1 & 1) + (o.gates >> 2);
  const int64_t columns = o.units + gates * (o.units / o.block_size), states = o.batch * o.units;
  auto make = [&](int64_t size) { return array(random, size); };
  Floats x = make(o.batch * o.time * o.features), h = make(states), c = make(states);
  Floats W = make(o.features * columns), R = make(o.units * columns), p = make(gates * o.units);
  Floats b = make(columns), one(o.batch * o.features), h_last(states), c_last(states);
  Inputs in = {x.data(), h.data(), c.data(), W.data(), o.feedback ? R.data() : nullptr,
               o.peepholes ? p.data() : nullptr, b.data(), nullptr, nullptr};
  const Results whole = {nullptr, h_last.data(), c_last.data(), nullptr, nullptr};
  if (lstm_forward(&o, &in, &whole)) std::abort();
  in.x = one.data();
  const Results moved = {nullptr, h.data(), c.data(), nullptr, nullptr};
  Stream* opened = lstm_open(&o, &in, &moved);
  if (!opened) std::abort();
  W.clear();  // they are read once
  for (int64_t t = 0; t < o.time; ++t) {
    for (int64_t row = 0; row < o.batch; ++row)
      for (int64_t k = 0; k < o.features; ++k)
        one[row * o.features + k] = x[(row * o.time + t) * o.features + k];
    lstm_step(opened);
  }
  lstm_close(opened);
  for (int64_t k = 0; k < states; ++k)
    if (std::fabs(h[k] - h_last[k]) > 1e-6f * (1 + std::fabs(h[k])) || std::isnan(h[k]) != std::isnan(h_last[k]))
      std::abort();
}

int main(int, char** arguments) {
  const int calls = std::atoi(arguments[1]), threads = std::atoi(arguments[2]);
  std::atomic<int> left{calls};
  auto work = [&](unsigned seed) {
    Random random(seed);
    while (--left >= 0) {
      call(random);
      stream(random);
    }
  };
  std::vector<std::thread> team;
  for (int k = 1; k < threads; ++k) team.emplace_back(work, 1997u + k);
  work(1997u);
  for (std::thread& member : team) member.join();
  std::printf("%d calls\n", calls);
}
