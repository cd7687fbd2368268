// One time step of one panel after its products, and its derivative.
#pragma once

#include "norm.h"

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

// Of the recurrent dropout, for what is fed back of a row.
inline const float* multiplier(const Job& j, const Share& s, int64_t row) {
  return j.in.multiplier + (s.row + row) * j.l.fed;
}

// The gates of a row join what is fed back; of a skipped step they are those of the step before.
inline void feed_gates(const Job& j, const Share& s, int64_t t, int64_t panel, int64_t row,
                       float* nets) {
  const Layout& l = j.l;
  const int64_t unit = panel * l.used, n = units_in(j, panel), at = row * l.fed;
  for (int64_t net = 0; net < l.nets; ++net) {
    if (net == l.c) continue;
    V gate = load(nets + net * LANES);
    if (skipped(j, s, row, t)) {
      gate = load_fed(j, s.w.h[t & 1] + at, net, unit, n);
      store(nets + net * LANES, gate);  // which the backward reads
    }
    store_fed(j, s.w.h[(t + 1) & 1] + at, net, unit, n, gate);
    if (j.in.multiplier)
      store_fed(j, s.w.r[(t + 1) & 1] + at, net, unit, n,
                gate * load_fed(j, multiplier(j, s, row), net, unit, n));
  }
}

// Some rows of some panels at step t, which must be one panel or all rows, because functions run
// over all of them at once.
struct Group {
  int64_t t, panel, panels, first, rows;

  int64_t count() const { return panels * rows; }

  template <typename F>
  void each(F f) const {  // panel, row, and the place of both
    for (int64_t q = 0; q < panels; ++q)
      for (int64_t r = 0; r < rows; ++r) f(panel + q, first + r, q * rows + r);
  }
};

// A net input becomes what a gate gives, which may see the state c.
inline void gate(const Job& j, const Group& g, float* nets, int64_t k, V Peepholes::*weights,
                 const float* c) {
  const int64_t width = j.l.width;
  for (int64_t q = 0; j.o.peepholes && q < g.panels; ++q)
    peep({nets + q * g.rows * width + k * LANES, width, g.rows},
         peepholes(j, g.panel + q).*weights, c + q * g.rows * LANES, j.o.block_size);
  squash(j.o.sigma, {nets + k * LANES, width, g.count()});
}

// Net inputs become what the nets give, but for o, and the state moves on by one step.
inline void write(const Job& j, const Share& s, const Group& g) {
  const Layout& l = j.l;
  const Options& o = j.o;
  const int64_t t = g.t;
  const float* c_before = cells_after(j, s, t - 1, g.panel) + g.first * LANES;
  float* c_after = cells_after(j, s, t, g.panel) + g.first * LANES;
  float* nets = nets_at(j, s, t, g.panel) + g.first * l.width;
  if (l.i >= 0) gate(j, g, nets, l.i, &Peepholes::i, c_before);
  if (l.f >= 0) gate(j, g, nets, l.f, &Peepholes::f, c_before);
  squash(o.activation, {nets + l.c * LANES, l.width, g.count()});
  g.each([&](int64_t, int64_t row, int64_t at) {
    const float* z = nets + at * l.width;
    V c = load(c_before + at * LANES);
    if (!skipped(j, s, row, t)) {
      V g = load(z + l.c * LANES);
      c *= o.coupled ? 1.0f - load(z + l.i * LANES)
                     : l.f < 0 ? all(o.decay) : load(z + l.f * LANES);
      c += l.i < 0 ? g : g * load(z + l.i * LANES);
    }
    store(c_after + at * LANES, c);
  });
}

// o and h, from the state as it is or, where there are scales of the rows, as it is shown.
inline void read(const Job& j, const Share& s, const Group& g, const Scale* scale = nullptr) {
  const Layout& l = j.l;
  const Options& o = j.o;
  const int64_t t = g.t;
  const float* c_after = cells_after(j, s, t, g.panel) + g.first * LANES;
  float* nets = nets_at(j, s, t, g.panel) + g.first * l.width;
  if (l.o >= 0) gate(j, g, nets, l.o, &Peepholes::o, c_after);
  alignas(64) float squashed[MOST_ROWS * LANES];
  if (scale) {
    for (int64_t q = 0, at = 0; q < g.panels; ++q, at += g.rows * LANES)
      show(j, g.panel + q, g.rows, scale, c_after + at, squashed + at);
  } else {
    std::memcpy(squashed, c_after, sizeof(float) * g.count() * LANES);
  }
  squash(o.output_activation, {squashed, LANES, g.count()});
  g.each([&](int64_t p, int64_t row, int64_t at) {
    const int64_t unit = p * l.used, n = units_in(j, p), state = row * l.fed + unit;
    V h = load(squashed + at * LANES);
    if (l.o >= 0) h *= load(nets + at * l.width + l.o * LANES);
    if (skipped(j, s, row, t)) h = load(s.w.h[t & 1] + state, n);
    store(s.w.h[(t + 1) & 1] + state, h, n);
    if (j.in.multiplier)
      store(s.w.r[(t + 1) & 1] + state, h * load(multiplier(j, s, row) + unit, n), n);
    if (o.feedback == FEEDS_CELLS_AND_GATES) feed_gates(j, s, t, p, row, nets + at * l.width);
    if (j.out.y) store(j.out.y + ((s.row + row) * o.time + t) * o.units + unit, h, n);
  });
}

// The error at h after step t, or at a gate, as far as it comes from later steps.
inline V error_from_later(const Job& j, const Share& s, int64_t net, int64_t row, int64_t panel,
                          int64_t t) {
  const int64_t at = fed_error(j, s, net, row, panel);
  const bool last = t == j.o.time - 1;
  V d = {};
  if (last || j.in.mask) d = load(s.w.carry + at);
  if (last || !s.w.d_h) return d;
  V d_r = load(s.w.d_h + at);
  if (j.in.multiplier)
    d_r *= load_fed(j, multiplier(j, s, row), net, panel * j.l.used, units_in(j, panel));
  return d + d_r;
}

// The errors at the net inputs of step t, into rows `d_z`; d_c becomes the error at the old state.
// `back` is the way back from what is SHOWN of the state, where that is not the state itself.
template <bool SHOWN = false>
inline void step_backward(const Job& j, const Share& s, int64_t t, int64_t panel, int64_t first,
                          int64_t rows, float* d_z, const Back* back = nullptr) {
  const Layout& l = j.l;
  const Options& o = j.o;
  const Peepholes p = peepholes(j, panel);
  const bool passes = o.peepholes && !o.truncated, fed = o.feedback == FEEDS_CELLS_AND_GATES;
  const int64_t units = o.units, unit = panel * l.used, n = units_in(j, panel), S = o.block_size;
  const Slope sigma = slope(o.sigma), a = slope(o.activation), phi = slope(o.output_activation);
  const float *c_before = cells_after(j, s, t - 1, panel), *c_after = cells_after(j, s, t, panel);
  const float* nets = nets_at(j, s, t, panel);
  float* sums_b = s.w.d_b + panel * l.width;
  float* sums_p = s.w.d_p + panel * 3 * LANES;
  V d_b[4] = {}, d_p[3] = {};
  alignas(64) float squashed[MOST_ROWS * LANES];
  if constexpr (SHOWN)
    for (int64_t r = 0; r < rows; ++r)
      show(j, panel, 1, &back[r].scale, c_after + (first + r) * LANES, squashed + r * LANES);
  else
    std::memcpy(squashed, c_after + first * LANES, sizeof(float) * rows * LANES);
  squash(o.output_activation, {squashed, LANES, rows});

  for (int64_t row = first; row < first + rows; ++row, d_z += l.width) {
    float* d_state = s.w.d_c + (panel * s.rows + row) * LANES;
    auto from_later = [&](int64_t net) { return error_from_later(j, s, net, row, panel, t); };
    auto carry = [&](int64_t net) { return s.w.carry + fed_error(j, s, net, row, panel); };
    V d_h = from_later(l.c);
    if (j.errors.y) d_h += load(j.errors.y + ((s.row + row) * o.time + t) * units + unit, n);
    if (skipped(j, s, row, t)) {
      for (int64_t net = l.fed_from; net < l.fed_to; ++net)
        store(carry(net), net == l.c ? d_h : from_later(net));
      for (int64_t net = 0; net < l.nets; ++net) store(d_z + net * LANES, V{});
      continue;
    }
    const float* value = nets + row * l.width;
    V c_old = load(c_before + row * LANES), c = load(c_after + row * LANES);
    V d_c = load(d_state), y = load(squashed + (row - first) * LANES);
    if (l.o >= 0) {
      V out = load(value + l.o * LANES), d = d_h * y;
      if (fed) d += from_later(l.o);
      d *= sigma(out);
      store(d_z + l.o * LANES, d);
      d_b[l.o] += d;
      d_h *= out;
      if (o.peepholes) {
        d = block_sum(d, S);
        d_p[2] += d * c;
        if (passes) d_c += p.o * d;
      }
    }
    if constexpr (SHOWN)
      d_c += back[row - first](load(gains(j, OF_C, panel)) * (d_h * phi(y)),
                               back[row - first].scale(c), load(counted(j, OF_C, panel)));
    else
      d_c += d_h * phi(y);
    V g = load(value + l.c * LANES), d_g = d_c, d_old = d_c * o.decay;
    if (l.f >= 0) {
      V f = load(value + l.f * LANES), d = d_c * c_old;
      if (fed) d += from_later(l.f);
      d *= sigma(f);
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
      V i = load(value + l.i * LANES), d = d_c * (o.coupled ? g - c_old : g);
      if (fed) d += from_later(l.i);
      d *= sigma(i);
      store(d_z + l.i * LANES, d);
      d_b[l.i] += d;
      d_g = d_c * i;
      if (o.coupled) d_old = d_c * (1.0f - i);
      if (o.peepholes) {
        d = block_sum(d, S);
        d_p[0] += d * c_old;
        if (passes) d_old += p.i * d;
      }
    }
    for (int64_t net = l.fed_from; j.in.mask && net < l.fed_to; ++net) store(carry(net), V{});
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
