// Random calls of the C interface, for the sanitizers: every array has exactly its size. Half of
// them go by words and arrays, with a wrong shape now and then, which must be refused.
// Usage: harness CALLS THREADS
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "arrays.h"
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
  o.feedback = static_cast<int32_t>(pick(random, 0, 2));
  o.coupled = (o.gates & (GATE_I | GATE_F)) == GATE_I && pick(random, 0, 1);
  o.peepholes = static_cast<int32_t>(pick(random, 0, 1));
  o.truncated = static_cast<int32_t>(pick(random, 0, 1));
  o.reverse = static_cast<int32_t>(pick(random, 0, 1));
  o.normalize_nets = pick(random, 0, 2) == 0;
  o.normalize_output = pick(random, 0, 2) == 0;
  o.threads = static_cast<int32_t>(pick(random, 1, 4));
  do o.isa = static_cast<int32_t>(pick(random, BASELINE, AVX512));
  while (!lstm_supports(o.isa));
  o.decay = pick(random, 0, 1) ? 1.0f : 0.9f;
  o.epsilon = 0.001f;
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

struct Sizes {
  int64_t gates, columns, fed, biases;

  explicit Sizes(const Options& o)
      : gates((o.gates & 1) + (o.gates >> 1 & 1) + (o.gates >> 2)),
        columns(o.units + gates * (o.units / o.block_size)),
        fed(o.feedback == FEEDS_CELLS_AND_GATES ? columns : o.units),
        biases(lstm_biases(o, columns)) {}
};

void call_structs(Random& random) {
  const Options o = random_options(random);
  const auto [gates, columns, fed, biases] = Sizes(o);
  const int64_t states = o.batch * o.units, of_h = o.batch * fed, steps = o.batch * o.time;
  auto make = [&](int64_t size) { return array(random, size); };
  Floats x = make(steps * o.features), h = make(of_h), c = make(states);
  Floats W = make(o.features * columns), R = make(fed * columns), p = make(gates * o.units);
  Floats b = make(biases), multiplier = make(of_h);
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
  Floats y(steps * o.units), h_last(of_h), c_last(states);
  Floats of_gates(kept_gates), cells(kept_cells);
  const bool keeps = pick(random, 0, 2), shows = keeps || pick(random, 0, 1);
  const Results out = {shows ? y.data() : nullptr, h_last.data(), c_last.data(),
                       keeps ? of_gates.data() : nullptr, keeps ? cells.data() : nullptr};
  if (lstm_forward(&o, &in, &out)) std::abort();
  if (!keeps) return;
  Floats d_y = make(steps * o.units), d_h = make(of_h), d_c = make(states);
  const Errors errors = {pick(random, 0, 3) ? d_y.data() : nullptr, d_h.data(), d_c.data()};
  Floats dx(x.size()), dh(of_h), dc(states);
  Floats dW(W.size()), dR(R.size()), dp(p.size()), db(biases);
  const Gradients d = {dx.data(), dh.data(), dc.data(), dW.data(), dR.data(), dp.data(), db.data()};
  if (lstm_backward(&o, &in, &out, &errors, &d)) std::abort();
}

// Step by step, what the whole sequence gives.
void stream(Random& random) {
  Options o = random_options(random);
  if (o.batch * o.units == 0) return;
  o.reverse = 0;
  const auto [gates, columns, fed, biases] = Sizes(o);
  const int64_t states = o.batch * o.units, of_h = o.batch * fed;
  auto make = [&](int64_t size) { return array(random, size); };
  Floats x = make(o.batch * o.time * o.features), h = make(of_h), c = make(states);
  Floats W = make(o.features * columns), R = make(fed * columns), p = make(gates * o.units);
  Floats b = make(biases), one(o.batch * o.features), h_last(of_h), c_last(states);
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
  for (int64_t k = 0; k < of_h; ++k)
    if (std::fabs(h[k] - h_last[k]) > 1e-6f * (1 + std::fabs(h[k])) || std::isnan(h[k]) != std::isnan(h_last[k]))
      std::abort();
}



// An array that owns exactly what its shape says.
struct Owned {
  std::vector<int64_t> shape;
  int64_t type;
  Floats floats;
  std::unique_ptr<uint8_t[]> bytes;

  Owned(Random& random, const Wanted& wanted)
      : shape(wanted.shape, wanted.shape + wanted.rank), type(wanted.type) {
    int64_t size = 1;
    for (int64_t k : shape) size *= k;
    if (type == FLOAT32) {
      floats = array(random, size);
    } else {
      bytes.reset(new uint8_t[size]);
      for (int64_t k = 0; k < size; ++k) bytes[k] = pick(random, 0, 1);
    }
  }

  void* data() { return bytes ? static_cast<void*>(bytes.get()) : floats.data(); }
};

// Another size, rank or type than it must have.
void spoil(Random& random, Owned& owned) {
  const int64_t how = pick(random, 0, 3);
  // Not the second axis: a call without outputs may know the number of steps from x alone.
  int64_t& size = pick(random, 0, 1) ? owned.shape.front() : owned.shape.back();
  if (how == 0) size += pick(random, 1, 3);
  if (how == 1) size = size > 0 ? size - 1 : int64_t{1} << 62;
  if (how == 2) owned.shape.push_back(1);
  if (how == 3) owned.type = owned.type == FLOAT32 ? BOOL : OTHER;
}

void call_words(Random& random) {
  const Options o = random_options(random);
  const int64_t words[WORDS] = {
      o.gates, o.block_size, o.feedback, o.coupled, o.peepholes, o.truncated, o.reverse,
      o.normalize_nets, o.normalize_output, pick(random, 0, 1), pick(random, 0, 1), pick(random, 0, 1), pick(random, 0, 1), o.sigma,
      o.activation, o.output_activation, o.threads, o.decay == 1.0f ? 0x3f800000 : 0x3f666666,
      0x3a83126f};
  Sequence sequence;
  if (!sequence.read(words, WORDS)) std::abort();
  const int64_t x[] = {o.batch, o.time, o.features}, c[] = {o.batch, o.units};
  if (!sequence.measure({nullptr, FLOAT32, 3, x}, {nullptr, FLOAT32, 2, c})) std::abort();
  const bool backward = pick(random, 0, 1);
  std::vector<Owned> arrays;
  const int inputs = backward ? BACKWARD_INPUTS : FORWARD_INPUTS;
  const int outputs = backward ? BACKWARD_OUTPUTS : FORWARD_OUTPUTS;
  for (int k = 0; k < inputs; ++k) arrays.emplace_back(random, sequence.input(k));
  for (int k = 0; k < outputs; ++k) arrays.emplace_back(random, sequence.output(backward, k));
  const bool spoilt = pick(random, 0, 1);
  if (spoilt) spoil(random, arrays[pick(random, 0, arrays.size() - 1)]);
  std::vector<int64_t> numbers;
  for (Owned& a : arrays) {
    numbers.push_back(reinterpret_cast<int64_t>(a.data()));
    numbers.push_back(a.type);
    numbers.push_back(a.shape.size());
    numbers.insert(numbers.end(), a.shape.begin(), a.shape.end());
  }
  char message[40];
  const int32_t code = lstm_call(backward, words, WORDS, numbers.data(), numbers.size(), message,
                                 sizeof message);
  if (spoilt != (code == Outcome::WRONG) || (!spoilt && code)) std::abort();
  if (lstm_call(backward, words, WORDS, numbers.data(), pick(random, 0, numbers.size() - 1),
                message, 0) != Outcome::WRONG)
    std::abort();
}

void call(Random& random) { pick(random, 0, 1) ? call_structs(random) : call_words(random); }

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
