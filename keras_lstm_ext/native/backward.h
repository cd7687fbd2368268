// The loop backward, in chunks of time: after the steps of a chunk, its part of every gradient.
#pragma once

#include "pack.h"
#include "product.h"
#include "step.h"

namespace {

constexpr int64_t PANEL = 4;     // vectors of columns in a panel of a transposed matrix
constexpr int64_t K_PANELS = 8;  // panels of d_z whose weights stay in the second-level cache

// Calls f(first vector, vectors) for panels of about equal width.
template <typename F>
void for_panels(int64_t from, int64_t to, F f) {
  const int64_t vectors = to - from, panels = quotient_up(vectors, PANEL);
  for (int64_t q = 0; q < panels; ++q) {
    int64_t first = from + part(vectors, q, panels);
    f(first, from + part(vectors, q + 1, panels) - first);
  }
}

// `rows` of a matrix with `rows` rows become lanes: `used` of them in each vector.
inline void pack_panels(const Job& j, const float* from, int64_t rows, int64_t used,
                        int64_t first_vector, int64_t vectors, float* to) {
  const int64_t depth = j.l.panels * j.l.width;
  for_panels(first_vector, vectors, [&](int64_t first, int64_t count) {
    for (int64_t v = first; v < first + count; ++v)
      pack_transposed(j, from + v * used * j.l.columns, least(used, rows - v * used),
                      to + first * depth * LANES + (v - first) * LANES, count * LANES);
  });
}

// d_z times a packed transposed matrix: `rows` rows of d_z, whose panels are `panel` apart.
inline void times_transposed(const Job& j, int64_t rows, const float* d_z, int64_t panel,
                             const float* packed, int64_t first, int64_t vectors, float* to,
                             int64_t to_row) {
  const Layout& l = j.l;
  const float* right = packed + first * l.panels * l.width * LANES;
  for (int64_t p = 0; p < l.panels; p += K_PANELS) {
    const int64_t panels = least(K_PANELS, l.panels - p);
    float* at = to + first * LANES;
    product(rows, vectors, {Term{d_z + p * panel, l.width, panel, 1, panels, l.width, right}},
            {p ? at : nullptr, to_row, at, to_row});
    right += panels * l.width * vectors * LANES;
  }
}

// The chunk that a team works on.
struct Chunk {
  int64_t t, steps, rows;  // first step, steps, steps * rows of the team
};

inline Chunk chunk_at(const Job& j, const Share& s, int64_t t) {
  const int64_t steps = least(j.l.steps, j.o.time - t);
  return {t, steps, steps * s.rows};
}

// x and r of a chunk, transposed in tiles of TILE_ROWS columns: (tile, row, column in tile). Zeros
// for skipped steps, whose d_z is zero: what they hold may be NaN, which times zero is not zero.
inline void pack_left(const Job& j, const Share& s, const Chunk& chunk, bool of_r) {
  const int64_t units = j.o.units, features = j.o.features;
  const int64_t columns = of_r ? units : features, tiles = quotient_up(columns, TILE_ROWS);
  const int64_t first_tile = part(tiles, s.member, j.l.members);
  const int64_t end_tile = part(tiles, s.member + 1, j.l.members);
  float* to = s.w.left + (of_r ? chunk.rows * features : 0);
  for (int64_t t = chunk.t; t < chunk.t + chunk.steps; ++t)
    for (int64_t row = s.row; row < s.row + s.rows; ++row) {
      const float* h = t ? j.out.y + (row * j.o.time + t - 1) * units : j.in.h + row * units;
      const float* x = j.in.x + (row * j.o.time + time_of(j.o, t)) * features;
      const float* from = of_r ? h : x;
      const float* times = of_r && j.in.multiplier ? j.in.multiplier + row * units : nullptr;
      const int64_t k = (t - chunk.t) * s.rows + row - s.row;
      const bool skip = skipped(j, s, row - s.row, t);
      for (int64_t tile = first_tile; tile < end_tile; ++tile) {
        const int64_t column = tile * TILE_ROWS, n = least(TILE_ROWS, columns - column);
        float* at = to + column * chunk.rows + k * n;
        if (skip) {
          std::memset(at, 0, sizeof(float) * n);
          continue;
        }
        if (n == TILE_ROWS && !times) {
          std::memcpy(at, from + column, sizeof(float) * TILE_ROWS);
          continue;
        }
        for (int64_t i = 0; i < n; ++i) at[i] = from[column + i] * (times ? times[column + i] : 1);
      }
    }
}

// dW, or dR below it, of the member's panels.
inline void add_weight_gradient(const Job& j, const Share& s, const Chunk& chunk, bool of_r) {
  const Layout& l = j.l;
  const int64_t units = j.o.units, features = j.o.features, columns = of_r ? units : features;
  for (int64_t p = s.panel; p < s.panels_end; ++p)
    for (int64_t column = 0; column < columns; column += TILE_ROWS) {
      const int64_t n = least(TILE_ROWS, columns - column);
      const int64_t row = column + (of_r ? features : 0);
      float* sum = s.w.d_weights + (p * (features + units) + row) * l.width;
      product(n, l.nets,
              {Term{s.w.left + row * chunk.rows, 1, 0, n, 1, chunk.rows,
                    s.w.d_z + p * chunk.rows * l.width}},
              {sum, l.width, sum, l.width});
    }
}

// dx of the member's rows of a chunk.
inline void input_gradient(const Job& j, const Share& s, const Chunk& chunk) {
  const Layout& l = j.l;
  const int64_t features = j.o.features, row_floats = l.feature_vectors * LANES;
  const int64_t from = part(chunk.rows, s.member, l.members);
  const int64_t to = part(chunk.rows, s.member + 1, l.members);
  for_panels(0, l.feature_vectors, [&](int64_t first, int64_t vectors) {
    times_transposed(j, to - from, s.w.d_z + from * l.width, chunk.rows * l.width, j.w.W_t, first,
                     vectors, s.w.d_x + from * row_floats, row_floats);
  });
  for (int64_t k = from; k < to; ++k) {
    const int64_t t = chunk.t + k / s.rows, row = s.row + k % s.rows;
    std::memcpy(j.gradients.x + (row * j.o.time + time_of(j.o, t)) * features,
                s.w.d_x + k * row_floats, sizeof(float) * features);
  }
}

// The errors that step t of a chunk sends back to h before it, from those of all panels.
inline void recurrent_gradient(const Job& j, const Share& s, const Chunk& chunk, int64_t t) {
  if (!s.w.d_h) return;
  const Layout& l = j.l;
  for_panels(s.panel, s.panels_end, [&](int64_t first, int64_t vectors) {
    times_transposed(j, s.rows, s.w.d_z + (t - chunk.t) * s.rows * l.width, chunk.rows * l.width,
                     j.w.R_t, first, vectors, s.w.d_h, l.padded);
  });
}

inline void step_of_chunk(const Job& j, const Share& s, const Chunk& chunk, int64_t t) {
  if (t < chunk.t + chunk.steps - 1) {
    recurrent_gradient(j, s, chunk, t + 1);
  } else {
    pack_left(j, s, chunk, false);
    if (j.o.feedback) pack_left(j, s, chunk, true);
  }
  float* d_z = s.w.d_z + (t - chunk.t) * s.rows * j.l.width;
  for (int64_t p = s.panel; p < s.panels_end; ++p)
    for_rows(s, [&](int64_t row, int64_t rows) {
      step_backward(j, s, t, p, row, rows, d_z + (p * chunk.rows + row) * j.l.width);
    });
}

inline void end_of_chunk(const Job& j, const Share& s, const Chunk& chunk) {
  recurrent_gradient(j, s, chunk, chunk.t);
  add_weight_gradient(j, s, chunk, false);
  if (j.o.feedback) add_weight_gradient(j, s, chunk, true);
  if (j.o.features > 0) input_gradient(j, s, chunk);
}

// What every part has to do before the first step: weights, states, and zeros where sums begin.
inline void start_backward(const Job& j, const Share& s) {
  const Layout& l = j.l;
  const int64_t depth = j.o.features + j.o.units;
  for_panels(0, l.feature_vectors, [&](int64_t first, int64_t vectors) {
    if (first / PANEL % parts(j) == s.part)
      pack_panels(j, j.in.W, j.o.features, LANES, first, first + vectors, j.w.W_t);
  });
  for_panels(s.panel, s.w.d_h ? s.panels_end : s.panel, [&](int64_t first, int64_t vectors) {
    if (first / PANEL % l.teams == s.team)
      pack_panels(j, j.in.R, j.o.units, l.used, first, first + vectors, j.w.R_t);
  });
  pack_peepholes(j, s);
  pack_cells(j, s, j.in.c, s.w.c);
  pack_cells(j, s, j.errors.c, s.w.d_c);
  for (int64_t p = s.panel; p < s.panels_end; ++p) {
    std::memset(s.w.d_weights + p * depth * l.width, 0, sizeof(float) * depth * l.width);
    std::memset(s.w.d_b + p * l.width, 0, sizeof(float) * l.width);
    std::memset(s.w.d_p + p * 3 * LANES, 0, sizeof(float) * 3 * LANES);
    for (int64_t row = 0; row < s.rows; ++row)
      store(s.w.carry + row * l.padded + p * LANES,
            load(j.errors.h + (s.row + row) * j.o.units + p * l.used, units_in(j, p)));
  }
}

// The gradients of the weights, spread over all parts by row.
inline void unpack_weights(const Job& j, const Share& s) {
  const Layout& l = j.l;
  const int64_t features = j.o.features, rows = features + j.o.units;
  const int64_t all = j.o.feedback ? rows : features, end = part(all, s.part + 1, parts(j));
  for (int64_t k = part(all, s.part, parts(j)); k < end; ++k)
    unpack_row(j, j.first.d_weights, rows, k,
               k < features ? j.gradients.W + k * l.columns
                            : j.gradients.R + (k - features) * l.columns);
  if (s.part > 0) return;
  unpack_row(j, j.first.d_b, 1, 0, j.gradients.b);
  if (!j.o.peepholes) return;
  const int64_t place[3] = {l.i, l.f, l.o};
  float* to = j.gradients.p;
  for (int64_t gate = 0; gate < 3; ++gate) {
    if (place[gate] < 0) continue;
    for (int64_t p = 0; p < l.panels; ++p) {
      V sum = {};
      for (int64_t team = 0; team < l.teams; ++team)
        sum += load(of_team(j, team, j.first.d_p) + (p * 3 + gate) * LANES);
      store(to + p * l.used, sum, units_in(j, p));
    }
    to += j.o.units;
  }
}

inline void finish_backward(const Job& j, const Share& s) {
  for (int64_t p = s.panel; p < s.panels_end; ++p)
    for (int64_t row = 0; row < s.rows; ++row)
      store(j.gradients.h + (s.row + row) * j.o.units + p * j.l.used,
            error_from_later(j, s, row, p, -1), units_in(j, p));
  unpack_cells(j, s, s.w.d_c, j.gradients.c);
  unpack_weights(j, s);
}

void backward(const void* job, Turn turn) {
  const Job& j = *static_cast<const Job*>(job);
  Share s = share_of(j, turn.member);
  phase(j, turn, s, [&](const Share& s) { start_backward(j, s); });
  over_time(j, turn, s, [&](auto each) {
    for (int64_t t = (quotient_up(j.o.time, j.l.steps) - 1) * j.l.steps; t >= 0; t -= j.l.steps) {
      const int64_t steps = least(j.l.steps, j.o.time - t);
      for (int64_t k = t + steps - 1; k >= t; --k)
        each([&](const Share& s) { step_of_chunk(j, s, chunk_at(j, s, t), k); });
      each([&](const Share& s) { end_of_chunk(j, s, chunk_at(j, s, t)); });
    }
  });
  phase(j, turn, s, [&](const Share& s) { finish_backward(j, s); });
}

}  // namespace
