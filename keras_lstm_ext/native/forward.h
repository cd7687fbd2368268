// The loop forward.
#pragma once

#include "pack.h"
#include "product.h"
#include "step.h"

namespace {

inline Term input_term(const Job& j, const Share& s, int64_t row, int64_t t, int64_t panel,
                       int64_t next_row) {
  const int64_t features = j.o.features;
  const float* x = j.in.x + ((s.row + row) * j.o.time + time_of(j.o, t)) * features;
  return {x, next_row, 0, 1, 1, features, j.w.W + panel * features * j.l.width};
}

inline Term recurrent_term(const Job& j, const Share& s, int64_t row, int64_t t, int64_t panel) {
  const int64_t fed = j.l.fed;
  const float* r = (j.in.multiplier ? s.w.r : s.w.h)[t & 1] + row * fed;
  return {r, fed, 0, 1, 1, fed, j.w.R + panel * fed * j.l.width};
}

// b + W x for the steps of the chunk that begins at t, or W x alone where it will be normalised.
// Where rows of the batch are too few to fill a tile, its rows are time steps of one row of the
// batch.
inline void input_product(const Job& j, const Share& s, int64_t t, int64_t panel) {
  const Layout& l = j.l;
  const int64_t steps = least(l.steps, j.o.time - t), step = l.panels * s.rows * l.width;
  const int64_t next = j.o.reverse ? -j.o.features : j.o.features;
  const float* start = j.o.normalize_nets ? nullptr : j.w.b + panel * l.width;
  for (int64_t row = 0; row < s.rows; ++row)
    product(steps, l.nets, {input_term(j, s, row, t, panel, next)},
            {start, 0, nets_at(j, s, t, panel) + row * l.width, step});
}

// z = b + W x + R r, where chunks of one step do everything at once.
inline void net_inputs(const Job& j, const Share& s, int64_t t, int64_t panel, int64_t row,
                       int64_t rows) {
  const Layout& l = j.l;
  float* z = nets_at(j, s, t, panel) + row * l.width;
  const Target onto = {z, l.width, z, l.width};
  const Target onto_bias = {j.w.b + panel * l.width, 0, z, l.width};
  const Term input = input_term(j, s, row, t, panel, j.o.time * j.o.features);
  const Term recurrent = recurrent_term(j, s, row, t, panel);
  if (l.steps > 1) {
    if (j.o.feedback) product(rows, l.nets, {recurrent}, onto);
  } else if (j.o.feedback) {
    product(rows, l.nets, {input, recurrent}, onto_bias);
  } else {
    product(rows, l.nets, {input}, onto_bias);
  }
}

inline void pack(const Job& j, const Share& s) {
  pack_weights(j, s);
  pack_peepholes(j, s);
  pack_norms(j, s);
}

inline void start(const Job& j, const Share& s) {
  pack_cells(j, s, j.in.c, s.w.c);
  if (s.member > 0) return;
  const int64_t first = s.row * j.l.fed;
  for (int64_t at = 0; at < s.rows * j.l.fed; ++at) {
    s.w.h[0][at] = j.in.h[first + at];
    if (j.in.multiplier) s.w.r[0][at] = j.in.h[first + at] * j.in.multiplier[first + at];
  }
}

// So many panels at once that a step has many rows.
template <typename F>
inline void for_groups(const Share& s, F f) {
  const int64_t group = s.rows < MOST_ROWS ? MOST_ROWS / s.rows : 1;
  for (int64_t p = s.panel; p < s.panels_end; p += group)
    f(p, least(group, s.panels_end - p));
}

inline void step_forward(const Job& j, const Share& s, int64_t t) {
  for_groups(s, [&](int64_t p, int64_t panels) {
    for_rows(s, [&](int64_t row, int64_t rows) {
      for (int64_t q = p; q < p + panels; ++q) {
        if (j.l.steps > 1 && t % j.l.steps == 0) input_product(j, s, t, q);
        net_inputs(j, s, t, q, row, rows);
      }
      const Group group = {t, p, panels, row, rows};
      write(j, s, group);
      read(j, s, group);
    });
  });
}

// A step with layer normalisation: see normalized.h.
template <typename E>
void normalized_step(const Job& j, int64_t t, E each);

inline void finish(const Job& j, const Share& s) {
  if (s.member == 0) {
    const int64_t fed = j.l.fed;
    std::memcpy(j.out.h + s.row * fed, s.w.h[j.o.time & 1], sizeof(float) * s.rows * fed);
  }
  // The c before the first step, if there is no step.
  unpack_cells(j, s, cells_after(j, s, j.o.time - 1, 0), j.out.c);
}

void forward(const void* job, Turn turn) {
  const Job& j = *static_cast<const Job*>(job);
  Share s = share_of(j, turn.member);
  phase(j, turn, s, [&](const Share& s) {
    pack(j, s);
    start(j, s);
  });
  over_time(j, turn, s, [&](auto each) {
    for (int64_t t = 0; t < j.o.time; ++t) {
      if (normalizes(j.o))
        normalized_step(j, t, each);
      else
        each([&](const Share& s) { step_forward(j, s, t); });
    }
  });
  phase(j, turn, s, [&](const Share& s) { finish(j, s); });
}

// A stream: a job of one part, whose weights are packed once.
void pack_once(const void* job) {
  const Job& j = *static_cast<const Job*>(job);
  pack(j, share_of(j, 0));
}

void one_step(const void* job) {
  const Job& j = *static_cast<const Job*>(job);
  const Share s = share_of(j, 0);
  start(j, s);
  if (normalizes(j.o))
    normalized_step(j, 0, [&](auto g) { g(s); });
  else
    step_forward(j, s, 0);
  finish(j, s);
}

}  // namespace
