// One network that learns on line: where its numbers lie, its step and its gradient.
//
// What is computed for each weight is a row over the sources, which compilers make vectors of.
#pragma once

#include <algorithm>

#include "online.h"
#include "online_squash.h"

namespace online {

inline void add(double* sum, double factor, const double* row, int64_t n) {
  for (int64_t k = 0; k < n; ++k) sum[k] += factor * row[k];
}

inline double dot(const double* a, const double* b, int64_t n) {
  double sums[4] = {0, 0, 0, 0};  // in an order that does not depend on the compiler
  int64_t k = 0;
  for (; k + 4 <= n; k += 4)
    for (int64_t j = 0; j < 4; ++j) sums[j] += a[k + j] * b[k + j];
  for (; k < n; ++k) sums[0] += a[k] * b[k];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

struct Network {
  const Online& plan;
  const int64_t units, size, blocks;  // size: of a block
  int64_t fed = 0, columns = 0, sources, effects, seen, weights, numbers = 0;
  int64_t i = -1, f = -1, g = -1, o = -1;  // the first columns of the nets, -1 for none
  int64_t gates[3], n_gates = 0;           // the same of all gates
  bool adds_up;                            // whether all of the old state is kept

  double *K, *p, *V;                         // weights
  double *velocity, *gradient;               // like all weights, where they are needed
  double *partials, *peepholes;              // effects on the states, by net i, f, c and cell
  double *c, *u;                             // the state; what K reads
  double *net, *c_before, *squashed, *h;     // of the step; net: i, f, g and o, by column
  double *kept, *effect;                     // by net i, f, c and cell
  double *e_c, *e_o, *d_y, *row;             // of the gradient
  double* count;

  Network(const Online& plan, double* memory)
      : plan(plan),
        units(plan.units),
        size(plan.block_size),
        blocks(plan.units / plan.block_size) {
    for (int64_t* first : {&i, &f, &g, &o}) {
      const int32_t gate = first == &i ? GATE_I : first == &f ? GATE_F : GATE_O;
      if (first != &g && !(plan.gates & gate)) continue;
      *first = columns;
      if (first != &g) gates[n_gates++] = columns;
      columns += first == &g ? units : blocks;
    }
    if (plan.feeds_cells) fed = units + (plan.feeds_gates ? n_gates * blocks : 0);
    sources = plan.features + fed + 1;
    effects = units * (1 + (i >= 0) + (f >= 0));
    seen = units + (plan.shortcut ? plan.features : 0) + (plan.output_bias ? 1 : 0);
    adds_up = f < 0 && plan.decay == 1 && !plan.coupled;
    const auto take = [&](int64_t n) {
      numbers += n;
      return memory ? memory + numbers - n : nullptr;
    };
    K = take(columns * sources);
    p = take(plan.peepholes ? n_gates * units : 0);
    V = take(seen * plan.outputs);
    weights = numbers;
    velocity = take(plan.momentum != 0 ? weights : 0);
    gradient = take(at_once() ? 0 : weights);
    partials = take(effects * sources);
    peepholes = take(plan.peepholes ? effects * size : 0);
    c = take(units), u = take(sources), net = take(columns), c_before = take(units);
    squashed = take(units), h = take(units), kept = take(effects), effect = take(effects);
    e_c = take(units), e_o = take(blocks), d_y = take(plan.outputs), row = take(sources);
    count = take(COUNTS);
  }

  // Whether a gradient changes the weights when it is known, and is not kept.
  bool at_once() const { return plan.stepwise && plan.momentum == 0; }

  // Puts the input of a step where K reads it; gives the symbol, -1 for none.
  int64_t read(const Tape& tape, int64_t t) {
    u[sources - 1] = 1;
    if (!tape.symbols) {
      std::copy_n(tape.values + t * plan.features, plan.features, u);
      return -1;
    }
    if (t > 0 && tape.symbols[t - 1] >= 0) u[tape.symbols[t - 1]] = 0;
    if (t == 0) std::fill_n(u, plan.features, 0.0);
    if (tape.symbols[t] >= 0) u[tape.symbols[t]] = 1;
    return tape.symbols[t];
  }

  void peep(int64_t gate, const double* state) {
    if (!plan.peepholes) return;
    const double* of_gate = p + (std::find(gates, gates + n_gates, gate) - gates) * units;
    for (int64_t k = 0; k < units; ++k) net[gate + k / size] += of_gate[k] * state[k];
  }

  // h and c of a step, how its net inputs act on c, and the effects of the weights, carried on.
  void step(const Tape& tape, int64_t t, bool learns) {
    const int64_t symbol = read(tape, t), known = tape.symbols ? plan.features : 0;
    for (int64_t k = 0; k < columns; ++k) {
      const double* of_net = K + k * sources;
      net[k] = dot(of_net + known, u + known, sources - known);
      if (symbol >= 0) net[k] += of_net[symbol];
    }
    for (int64_t gate : {i, f})
      if (gate >= 0) peep(gate, c);
    squash(SIGMOID, net, g);  // i and f, which come before
    squash(plan.activation, net + g, units);
    std::copy_n(c, units, c_before);
    write();
    if (o >= 0) {
      peep(o, c);
      squash(SIGMOID, net + o, blocks);
    }
    std::copy_n(c, units, squashed);
    squash(plan.output_activation, squashed, units);
    for (int64_t k = 0; k < units; ++k)
      h[k] = o >= 0 ? net[o + k / size] * squashed[k] : squashed[k];
    if (learns) carry(tape, symbol);
  }

  // c = f c + i g, and the effects of the net inputs.
  void write() {
    const Squash& a = SQUASH[plan.activation];
    for (int64_t k = 0; k < units; ++k) {
      const double gate = i >= 0 ? net[i + k / size] : 1, in = net[g + k], old = c[k];
      const double keeps = f >= 0 ? net[f + k / size] : plan.coupled ? 1 - gate : plan.decay;
      c[k] = keeps * old + gate * in;
      int64_t e = k;
      if (i >= 0) effect[e] = (plan.coupled ? in - old : in) * gate * (1 - gate), e += units;
      if (f >= 0) effect[e] = old * keeps * (1 - keeps), e += units;
      effect[e] = gate * a.derivative(in);
      for (; e >= 0; e -= units) kept[e] = keeps;
    }
  }

  void carry(const Tape& tape, int64_t symbol) {
    const int64_t known = tape.symbols && adds_up ? plan.features : 0;  // only one of them acts
    for (int64_t e = 0; e < effects; ++e) {
      double* partial = partials + e * sources;
      if (known && symbol >= 0) partial[symbol] += effect[e];
      for (int64_t m = known; m < sources; ++m)
        partial[m] = kept[e] * partial[m] + effect[e] * u[m];
    }
    for (int64_t e = 0; plan.peepholes && e < effects; ++e) {
      const double* of_block = c_before + e % units / size * size;
      for (int64_t s = 0; s < size; ++s) {
        double& partial = peepholes[e * size + s];
        partial = kept[e] * partial + effect[e] * of_block[s];
      }
    }
  }

  // Calls with each input unit that may be on.
  template <class Use>
  void each_input(const Tape& tape, int64_t t, Use use) const {
    if (!tape.symbols)
      for (int64_t m = 0; m < plan.features; ++m) use(m, u[m]);
    else if (tape.symbols[t] >= 0)
      use(tape.symbols[t], 1.0);
  }

  void outputs(const Tape& tape, int64_t t, double* y) const {
    const int64_t n = plan.outputs;
    if (plan.output_bias)
      std::copy_n(V + (seen - 1) * n, n, y);
    else
      std::fill_n(y, n, 0.0);
    for (int64_t k = 0; k < units; ++k) add(y, count[GROWN] * h[k], V + k * n, n);
    if (plan.shortcut)
      each_input(tape, t, [&](int64_t m, double x) { add(y, x, V + (units + m) * n, n); });
    if (plan.logistic_outputs) squash(SIGMOID, y, n);
  }

  // What the next step reads of this one.
  void feed_back() {
    if (!fed) return;
    double* end = std::copy_n(h, units, u + plan.features);
    if (plan.feeds_gates)
      for (int64_t k = 0; k < n_gates; ++k) end = std::copy_n(net + gates[k], blocks, end);
  }

  void reset() {
    std::fill_n(partials, effects * sources, 0.0);
    if (plan.peepholes) std::fill_n(peepholes, effects * size, 0.0);
    std::fill_n(c, units, 0.0);
    std::fill_n(u + plan.features, fed, 0.0);
  }

  // The errors of the states and of the output gates from d_y.
  void errors() {
    const Squash& phi = SQUASH[plan.output_activation];
    std::fill_n(e_o, blocks, 0.0);
    for (int64_t k = 0; k < units; ++k) {
      const double d_h = count[GROWN] * dot(V + k * plan.outputs, d_y, plan.outputs);
      e_c[k] = d_h * phi.derivative(squashed[k]);
      if (o < 0) continue;
      e_c[k] *= net[o + k / size];
      e_o[k / size] += d_h * squashed[k];
    }
    for (int64_t b = 0; o >= 0 && b < blocks; ++b) e_o[b] *= net[o + b] * (1 - net[o + b]);
  }

  // The gradient of the error of one step, from d_y, the error at the outputs: it changes the
  // weights, or is added to what is kept of the steps before.
  void learn(const Tape& tape, int64_t t) {
    errors();
    double* into = at_once() ? K : gradient;
    const double factor = at_once() ? -count[RATE] : 1;
    const auto give = [&](int64_t column, double error, const double* of_sources) {
      double* changed = into + column * sources;
      const double *there = plan.learned + column * sources, by = factor * error;
      for (int64_t m = 0; m < sources; ++m) changed[m] += by * there[m] * of_sources[m];
    };
    int64_t e = 0;
    for (int64_t gate : {i, f})
      for (int64_t b = 0; gate >= 0 && b < blocks; ++b, e += size)
        give(gate + b, 1, of_block(e, e_c + b * size));
    for (int64_t k = 0; k < units; ++k, ++e) give(g + k, e_c[k], partials + e * sources);
    for (int64_t b = 0; o >= 0 && b < blocks; ++b) give(o + b, e_o[b], u);
    if (plan.peepholes) through_peepholes(into + columns * sources, factor);
    const int64_t n = plan.outputs;
    double* into_V = into + (V - K);
    for (int64_t k = 0; k < units; ++k) add(into_V + k * n, factor * count[GROWN] * h[k], d_y, n);
    if (plan.shortcut)
      each_input(tape, t, [&](int64_t m, double x) {
        add(into_V + (units + m) * n, factor * x, d_y, n);
      });
    if (plan.output_bias) add(into_V + (seen - 1) * n, factor, d_y, n);
  }

  // The gradient of a gate's weights: what its cells, from effect e on, have of it adds up.
  const double* of_block(int64_t e, const double* errors) {
    const double* partial = partials + e * sources;
    for (int64_t m = 0; m < sources; ++m) row[m] = errors[0] * partial[m];
    for (int64_t s = 1; s < size; ++s) add(row, errors[s], partial + s * sources, sources);
    return row;
  }

  void through_peepholes(double* into, double factor) {
    const double* partial = peepholes;
    for (int64_t k = 0; k < n_gates; ++k, into += units) {
      if (gates[k] == o)
        for (int64_t l = 0; l < units; ++l) into[l] += factor * e_o[l / size] * c[l];
      else
        for (int64_t l = 0; l < units; ++l, partial += size)
          add(into + l / size * size, factor * e_c[l], partial, size);
    }
  }

  // Gradient descent by the gradient that was kept.
  void change() {
    for (int64_t k = 0; k < weights; ++k) {
      double step = -count[RATE] * gradient[k];
      if (plan.momentum != 0) step = velocity[k] = plan.momentum * velocity[k] + step;
      K[k] += step;
    }
    std::fill_n(gradient, weights, 0.0);
  }
};

}  // namespace online
