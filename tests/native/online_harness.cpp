// Random networks that learn on line, for the sanitizers: every array has exactly its size.
// Usage: online_harness NETWORKS
#include "online.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

using Random = std::mt19937;

int64_t pick(Random& random, int64_t least, int64_t most) {
  return std::uniform_int_distribution<int64_t>(least, most)(random);
}

template <class T>
std::vector<T> some(Random& random, int64_t n, int64_t least, int64_t most) {
  std::vector<T> made(n);
  for (T& value : made) value = static_cast<T>(pick(random, least, most));
  return made;
}

Online random_plan(Random& random) {
  Online o = {};
  o.features = pick(random, 1, 7);
  o.outputs = pick(random, 1, 5);
  o.block_size = pick(random, 1, 3);
  o.units = o.block_size * pick(random, 1, 4);
  o.gates = pick(random, 0, 7);
  o.activation = pick(random, SIGMOID, CENTERED_SIGMOID_1);
  o.output_activation = pick(random, SIGMOID, CENTERED_SIGMOID_1);
  for (int32_t* flag : {&o.peepholes, &o.coupled, &o.feeds_cells, &o.feeds_gates, &o.shortcut,
                        &o.output_bias, &o.logistic_outputs, &o.stepwise, &o.resets})
    *flag = pick(random, 0, 1);
  o.parts = pick(random, 1, 3);
  o.tolerance = pick(random, 0, 1) ? 0.7 : INFINITY;
  o.decay = pick(random, 0, 1) ? 1 : 0.9;
  o.learning_rate = 0.1;
  o.momentum = pick(random, 0, 1) ? 0 : 0.5;
  o.rate_decay = 0.99;
  return o;
}

void learn(Random& random) {
  Online o = random_plan(random);
  // Columns and sources at most: all gates are fed back, one for each block.
  const std::vector<double> learned((o.units * 4) * (o.features + o.units * 4 + 1), 1.0);
  o.learned = learned.data();
  std::vector<double> network(lstm_online_size(&o));
  for (double& number : network) number = pick(random, -9, 9) / 10.0;
  double* count = network.data() + network.size() - COUNTS;
  count[RATE] = 0.1;
  count[GROWN] = count[ALIVE] = 1;
  count[PARTS] = count[STREAMS] = count[WHOLE] = 0;
  const int64_t steps = pick(random, 0, 30), parts = 3;
  const bool has_symbols = pick(random, 0, 1);
  std::vector<double> y(steps * o.outputs);
  ErrorSums sums = {};
  for (int64_t part = 0; part < parts; ++part) {
    auto symbols = some<int32_t>(random, has_symbols ? steps : 0, -1, o.features - 1);
    const auto values = some<float>(random, has_symbols ? 0 : steps * o.features, -1, 1);
    const auto targets = some<float>(random, steps * o.outputs, 0, 1);
    const auto mask = some<uint8_t>(random, steps, 0, 1), ends = some<uint8_t>(random, steps, 0, 1);
    const Tape tape = {steps, has_symbols ? symbols.data() : nullptr,
                       has_symbols ? nullptr : values.data()};
    if (lstm_learn(&o, &tape, targets.data(), mask.data(), ends.data(), network.data(), y.data(),
                   &sums))
      std::abort();
    auto copy = network;
    if (lstm_answer(&o, &tape, ends.data(), copy.data(), y.data())) std::abort();
    if (!has_symbols || !steps) continue;
    symbols[pick(random, 0, steps - 1)] = pick(random, 0, 1) ? o.features : -2;
    if (!lstm_answer(&o, &tape, ends.data(), copy.data(), y.data())) std::abort();
  }
  if (!(count[WHOLE] <= count[STREAMS] && count[STREAMS] <= parts * steps)) std::abort();
}

int main(int, char** arguments) {
  const int networks = std::atoi(arguments[1]);
  Random random(1997);
  for (int k = 0; k < networks; ++k) learn(random);
  std::printf("%d networks\n", networks);
}
