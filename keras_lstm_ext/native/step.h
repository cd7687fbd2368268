// One time step of one panel after its products, and its derivative.
#pragma once

#include "job.h"
#include "vector.h"

namespace {

constexpr int64_t MOST_ROWS = 48;  // of one call of `step`: they stay in the first-level cache

template <typename F>
inline void for_rows(const Share& s, F f) {
  for (int64_t row = 0; row < s.rows; row += MOST_ROWS)
    f(row, least(MOST_ROWS, s.rows - row));
}

// The peephole weights of a panel, by gate.
struct Peepholes {
  V i, f, o;
};

inline Peepholes peepholes(const Job& j, int64_t panel) {
  const float* p = j.w.p + panel * 3 * LANES;
  Peepholes w = {};
  if (!j.o.peepholes) return w;
  if (j.l.i >= 0) w.i = load(p), p += LANES;
  if (j.l.f >= 0) w.f = load(p), p += LANES;
  if (j.l.o >= 0) w.o = load(p);
  return w;
}

// What a gate sees of the state: the sum over its block.
inline void peep(Column gate, V p, const float* c, int64_t block_size) {
  for (int64_t r = 0; r < gate.rows; ++r, gate.at += gate.stride, c += LANES)
    store(gate.at, load(gate.at) + block_sum(p * load(c), block_size));
}

// Of the recurrent dropout, for the units of a panel.
inline const float* multiplier(const Job& j, const Share& s, int64_t row, int64_t panel) {
  return j.in.multiplier + (s.row + row) * j.o.units + panel * j.l.used;
}

// Net inputs become what the nets give, and the state moves on by one step: for some rows of some
// panels, which must be one panel or all rows, because functions run over all of them at once.
inline void step(const Job& j, const Share& s, int64_t t, int64_t panel, int64_t panels,
                 int64_t first, int64_t rows) {
  const Layout& l = j.l;
  const Options& o = j.o;
  const int64_t count = panels * rows;
  const float* c_before = cells_after(j, s, t - 1, panel) + first * LANES;
  float* c_after = cells_after(j, s, t, panel) + first * LANES;
  float* nets = nets_at(j, s, t, panel) + first * l.width;
  auto net = [&](int64_t k) { return Column{nets + k * LANES, l.width, count}; };
  auto gate = [&](int64_t k, V Peepholes::*weights, const float* c) {
    for (int64_t q = 0; o.peepholes && q < panels; ++q)
      peep({nets + q * rows * l.width + k * LANES, l.width, rows},
           peepholes(j, panel + q).*weights, c + q * rows * LANES, o.block_size);
    squash(o.sigma, net(k));
  };
  auto each = [&](auto f) {  // panel, row, and the place of both
    for (int64_t q = 0; q < panels; ++q)
      for (int64_t r = 0; r < rows; ++r) f(panel + q, first + r, q * rows + r);
  };

  if (l.i >= 0) gate(l.i, &Peepholes::i, c_before);
  if (l.f >= 0) gate(l.f, &Peepholes::f, c_before);
  squash(o.activation, net(l.c));
  each([&](int64_t, int64_t row, int64_t at) {
    const float* z = nets + at * l.width;
    V c = load(c_before + at * LANES);
    if (!skipped(j, s, row, t)) {
      V g = load(z + l.c * LANES);
      c *= l.f < 0 ? all(o.decay) : load(z + l.f * LANES);
      c += l.i < 0 ? g : g * load(z + l.i * LANES);
    }
    store(c_after + at * LANES, c);
  });

  if (l.o >= 0) gate(l.o, &Peepholes::o, c_after);
  alignas(64) float squashed[MOST_ROWS * LANES];
  std::memcpy(squashed, c_after, sizeof(float) * count * LANES);
  squash(o.output_activation, {squashed, LANES, count});
  each([&](int64_t p, int64_t row, int64_t at) {
    const int64_t unit = p * l.used, n = units_in(j, p), state = row * o.units + unit;
    V h = load(squashed + at * LANES);
    if (l.o >= 0) h *= load(nets + at * l.width + l.o * LANES);
    if (skipped(j, s, row, t)) h = load(s.w.h[t & 1] + state, n);
    store(s.w.h[(t + 1) & 1] + state, h, n);
    if (j.in.multiplier)
      store(s.w.r[(t + 1) & 1] + state, h * load(multiplier(j, s, row, p), n), n);
    if (j.out.y) store(j.out.y + ((s.row + row) * o.time + t) * o.units + unit, h, n);
  });
}

// The error at h after step t, as far as it comes from later steps.
inline V error_from_later(const Job& j, const Share& s, int64_t row, int64_t panel, int64_t t) {
  const int64_t at = row * j.l.padded + panel * LANES;
  const bool last = t == j.o.time - 1;
  V d_h = {};
  if (last || j.in.mask) d_h = load(s.w.carry + at);
  if (last || !s.w.d_h) return d_h;
  V d_r = load(s.w.d_h + at);
  if (j.in.multiplier) d_r *= load(multiplier(j, s, row, panel), units_in(j, panel));
  return d_h + d_r;
}

// The errors at the net inputs of step t, into rows `d_z`; d_c becomes the error at the old state.
inline void step_backward(const Job& j, const Share& s, int64_t t, int64_t panel, int64_t first,
                          int64_t rows, float* d_z) {
  const Layout& l = j.l;
  const Options& o = j.o;
  const Peepholes p = peepholes(j, panel);
  const bool passes = o.peepholes && !o.truncated;
  const int64_t units = o.units, unit = panel * l.used, n = units_in(j, panel), S = o.block_size;
  const Slope sigma = slope(o.sigma), a = slope(o.activation), phi = slope(o.output_activation);
  const float *c_before = cells_after(j, s, t - 1, panel), *c_after = cells_after(j, s, t, panel);
  const float* nets = nets_at(j, s, t, panel);
  float* sums_b = s.w.d_b + panel * l.width;
  float* sums_p = s.w.d_p + panel * 3 * LANES;
  V d_b[4] = {}, d_p[3] = {};
  alignas(64) float squashed[MOST_ROWS * LANES];
  std::memcpy(squashed, c_after + first * LANES, sizeof(float) * rows * LANES);
  squash(o.output_activation, {squashed, LANES, rows});

  for (int64_t row = first; row < first + rows; ++row, d_z += l.width) {
    float* d_state = s.w.d_c + (panel * s.rows + row) * LANES;
    float* carry = s.w.carry + row * l.padded + panel * LANES;
    V d_h = error_from_later(j, s, row, panel, t);
    if (j.errors.y) d_h += load(j.errors.y + ((s.row + row) * o.time + t) * units + unit, n);
    if (skipped(j, s, row, t)) {
      store(carry, d_h);
      for (int64_t net = 0; net < l.nets; ++net) store(d_z + net * LANES, V{});
      continue;
    }
    if (j.in.mask) store(carry, V{});
    const float* value = nets + row * l.width;
    V c_old = load(c_before + row * LANES), c = load(c_after + row * LANES);
    V d_c = load(d_state), y = load(squashed + (row - first) * LANES);
    if (l.o >= 0) {
      V out = load(value + l.o * LANES), d = d_h * y * sigma(out);
      store(d_z + l.o * LANES, d);
      d_b[l.o] += d;
      d_h *= out;
      if (o.peepholes) {
        d = block_sum(d, S);
        d_p[2] += d * c;
        if (passes) d_c += p.o * d;
      }
    }
    d_c += d_h * phi(y);
    V g = load(value + l.c * LANES), d_g = d_c, d_old = d_c * o.decay;
    if (l.f >= 0) {
      V f = load(value + l.f * LANES), d = d_c * c_old * sigma(f);
      store(d_z + l.f * LANES, d);
      d_b[l.f] += d;
      d_old = d_c * f;
      if (o.peepholes) {
        d = block_sum(d, S);
        d_p[1] += d * c_old;
        if (passes) d_old += p.f * d;
      }
    }
    if (l.i >= 0) {
      V i = load(value + l.i * LANES), d = d_c * g * sigma(i);
      store(d_z + l.i * LANES, d);
      d_b[l.i] += d;
      d_g = d_c * i;
      if (o.peepholes) {
        d = block_sum(d, S);
        d_p[0] += d * c_old;
        if (passes) d_old += p.i * d;
      }
    }
    d_g *= a(g);
    store(d_z + l.c * LANES, d_g);
    d_b[l.c] += d_g;
    store(d_state, d_old);
  }
  for (int64_t net = 0; net < l.nets; ++net)
    store(sums_b + net * LANES, load(sums_b + net * LANES) + d_b[net]);
  for (int64_t k = 0; o.peepholes && k < 3; ++k)
    store(sums_p + k * LANES, load(sums_p + k * LANES) + d_p[k]);
}

}  // namespace
