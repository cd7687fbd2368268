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

// A panel of a transposed matrix: of `count` vectors, whose lanes are the rows that `row` gives.
template <typename F>
inline void pack_transposed_panel(const Job& j, int64_t first, int64_t count, float* to, F row) {
  const int64_t depth = j.l.panels * j.l.width;
  for (int64_t v = 0; v < count; ++v) {
    const float* rows[LANES];
    for (int64_t lane = 0; lane < LANES; ++lane) rows[lane] = row(first + v, lane);
    pack_transposed(j, rows, to + (first * depth + v) * LANES, count * LANES);
  }
}

inline void pack_W_transposed(const Job& j, int64_t first, int64_t count) {
  pack_transposed_panel(j, first, count, j.w.W_t, [&](int64_t v, int64_t lane) {
    const int64_t feature = v * LANES + lane;
    return feature < j.o.features ? j.in.W + feature * j.l.columns : nullptr;
  });
}

// Where the errors at what is fed back of a net are as many vectors as h has.
inline float* transposed_R(const Job& j, int64_t net) {
  return j.w.R_t + (net - j.l.fed_from) * j.l.padded * j.l.panels * j.l.width;
}

inline void pack_R_transposed(const Job& j, int64_t net, int64_t first, int64_t count) {
  pack_transposed_panel(j, first, count, transposed_R(j, net), [&](int64_t p, int64_t lane) {
    const int64_t row = lane < units_in(j, p) ? fed_place(j, net, p * j.l.used + lane) : -1;
    return row < 0 ? nullptr : j.in.R + row * j.l.columns;
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

// The gates of step t, which were kept in panels: f(place in what is fed back, gate) for each block.
template <typename F>
inline void for_gates(const Job& j, const Share& s, int64_t t, int64_t row, F f) {
  const Layout& l = j.l;
  for (int64_t net = 0; net < l.nets; ++net)
    for (int64_t p = 0; net != l.c && p < l.panels; ++p) {
      const float* gates = nets_at(j, s, t, p) + row * l.width + net * LANES;
      const int64_t size = j.o.block_size, unit = p * l.used, n = units_in(j, p);
      int64_t at = l.fed_start[net] + quotient_up(unit, size);
      for (int64_t lane = (size - unit % size) % size; lane < n; lane += size) f(at++, gates[lane]);
    }
}

// x and r of a chunk, transposed in tiles of TILE_ROWS columns: (tile, row, column in tile). Zeros
// for skipped steps, whose d_z is zero: what they hold may be NaN, which times zero is not zero.
inline void pack_left(const Job& j, const Share& s, const Chunk& chunk, bool of_r) {
  const int64_t units = j.o.units, features = j.o.features, fed = j.l.fed;
  const int64_t columns = of_r ? fed : features, tiles = quotient_up(columns, TILE_ROWS);
  const int64_t first_tile = part(tiles, s.member, j.l.members);
  const int64_t end_tile = part(tiles, s.member + 1, j.l.members);
  float* to = s.w.left + (of_r ? chunk.rows * features : 0);
  for (int64_t t = chunk.t; t < chunk.t + chunk.steps; ++t)
    for (int64_t row = s.row; row < s.row + s.rows; ++row) {
      const float* h = t ? j.out.y + (row * j.o.time + t - 1) * units : j.in.h + row * fed;
      const float* x = j.in.x + (row * j.o.time + time_of(j.o, t)) * features;
      const float* from = of_r ? h : x;
      const int64_t there = of_r && t ? units : columns;
      const float* times = of_r && j.in.multiplier ? j.in.multiplier + row * fed : nullptr;
      const int64_t k = (t - chunk.t) * s.rows + row - s.row;
      const bool skip = skipped(j, s, row - s.row, t);
      for (int64_t tile = first_tile; tile < end_tile; ++tile) {
        const int64_t column = tile * TILE_ROWS, n = least(TILE_ROWS, columns - column);
        float* at = to + column * chunk.rows + k * n;
        if (skip) {
          std::memset(at, 0, sizeof(float) * n);
          continue;
        }
        if (n == TILE_ROWS && !times && column + n <= there) {
          std::memcpy(at, from + column, sizeof(float) * TILE_ROWS);
          continue;
        }
        for (int64_t i = 0; i < least(n, there - column); ++i)
          at[i] = from[column + i] * (times ? times[column + i] : 1);
      }
      if (skip || there == columns) continue;
      for_gates(j, s, t - 1, row - s.row, [&](int64_t column, float gate) {
        const int64_t tile = column / TILE_ROWS, first = tile * TILE_ROWS;
        if (tile < first_tile || tile >= end_tile) return;
        float* at = to + first * chunk.rows + k * least(TILE_ROWS, columns - first);
        at[column - first] = gate * (times ? times[column] : 1);
      });
    }
}

// dW, or dR below it, of the member's panels.
inline void add_weight_gradient(const Job& j, const Share& s, const Chunk& chunk, bool of_r) {
  const Layout& l = j.l;
  const int64_t fed = l.fed, features = j.o.features, columns = of_r ? fed : features;
  for (int64_t p = s.panel; p < s.panels_end; ++p)
    for (int64_t column = 0; column < columns; column += TILE_ROWS) {
      const int64_t n = least(TILE_ROWS, columns - column);
      const int64_t row = column + (of_r ? features : 0);
      float* sum = s.w.d_weights + (p * (features + fed) + row) * l.width;
      product(n, l.nets,
              {Term{s.w.left + row * chunk.rows, 1, 0, n, 1, chunk.rows,
                    (of_r ? s.w.d_y : s.w.d_z) + p * chunk.rows * l.width}},
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

// The errors that step t of a chunk sends back to what is fed back, from those of all panels.
inline void recurrent_gradient(const Job& j, const Share& s, const Chunk& chunk, int64_t t) {
  if (!s.w.d_h) return;
  const Layout& l = j.l;
  for (int64_t net = l.fed_from; net < l.fed_to; ++net)
    for_panels(s.panel, s.panels_end, [&](int64_t first, int64_t vectors) {
      times_transposed(j, s.rows, s.w.d_y + (t - chunk.t) * s.rows * l.width,
                       chunk.rows * l.width, transposed_R(j, net), first, vectors,
                       s.w.d_h + fed_error(j, s, net, 0, 0), l.padded);
    });
}

inline void before_step(const Job& j, const Share& s, const Chunk& chunk, int64_t t) {
  if (t < chunk.t + chunk.steps - 1) {
    recurrent_gradient(j, s, chunk, t + 1);
  } else {
    pack_left(j, s, chunk, false);
    if (j.o.feedback) pack_left(j, s, chunk, true);
  }
}

// Where the errors of a step's rows and panel are, in `d_z` or `d_y`.
inline float* errors_at(const Job& j, const Share& s, const Chunk& chunk, int64_t t,
                        int64_t panel, float* of_chunk) {
  return of_chunk + ((t - chunk.t) * s.rows + panel * chunk.rows) * j.l.width;
}

inline void step_of_chunk(const Job& j, const Share& s, const Chunk& chunk, int64_t t) {
  before_step(j, s, chunk, t);
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

// A step with layer normalisation: see normalized.h.
template <typename E>
void normalized_step_backward(const Job& j, int64_t first, int64_t t, E each);

// What every part has to do before the first step: weights, states, and zeros where sums begin.
inline void start_backward(const Job& j, const Share& s) {
  const Layout& l = j.l;
  const int64_t depth = j.o.features + l.fed;
  for_panels(0, l.feature_vectors, [&](int64_t first, int64_t vectors) {
    if (first / PANEL % parts(j) == s.part) pack_W_transposed(j, first, vectors);
  });
  for (int64_t net = l.fed_from; s.w.d_h && net < l.fed_to; ++net)
    for_panels(s.panel, s.panels_end, [&](int64_t first, int64_t vectors) {
      if (first / PANEL % l.teams == s.team) pack_R_transposed(j, net, first, vectors);
    });
  pack_peepholes(j, s);
  pack_norms(j, s);
  pack_cells(j, s, j.in.c, s.w.c);
  pack_cells(j, s, j.errors.c, s.w.d_c);
  for (int64_t p = s.panel; p < s.panels_end; ++p) {
    std::memset(s.w.d_weights + p * depth * l.width, 0, sizeof(float) * depth * l.width);
    std::memset(s.w.d_b + p * l.width, 0, sizeof(float) * l.width);
    std::memset(s.w.d_p + p * 3 * LANES, 0, sizeof(float) * 3 * LANES);
    if (j.o.normalize_nets)
      std::memset(s.w.d_norm + p * 2 * l.width, 0, sizeof(float) * 2 * l.width);
    if (j.o.normalize_output)
      std::memset(s.w.d_shown + p * 2 * LANES, 0, sizeof(float) * 2 * LANES);
    for (int64_t net = l.fed_from; net < l.fed_to; ++net)
      for (int64_t row = 0; row < s.rows; ++row)
        store(s.w.carry + fed_error(j, s, net, row, p),
              load_fed(j, j.errors.h + (s.row + row) * l.fed, net, p * l.used, units_in(j, p)));
  }
}

// The gradient of a vector of units, row `k` of (panels, rows, lanes): the sum over teams.
inline void unpack_units(const Job& j, const float* from, int64_t rows, int64_t k, float* to) {
  for (int64_t p = 0; p < j.l.panels; ++p) {
    V sum = {};
    for (int64_t team = 0; team < j.l.teams; ++team)
      sum += load(from + team * j.l.team_floats + (p * rows + k) * LANES);
    store(to + p * j.l.used, sum, units_in(j, p));
  }
}

// The gradients of the weights, spread over all parts by row.
inline void unpack_weights(const Job& j, const Share& s) {
  const Layout& l = j.l;
  const int64_t features = j.o.features, rows = features + l.fed;
  const int64_t all = j.o.feedback ? rows : features, end = part(all, s.part + 1, parts(j));
  for (int64_t k = part(all, s.part, parts(j)); k < end; ++k)
    unpack_row(j, j.first.d_weights, rows, k,
               k < features ? j.gradients.W + k * l.columns
                            : j.gradients.R + (k - features) * l.columns);
  if (s.part > 0) return;
  unpack_row(j, j.first.d_b, 1, 0, j.gradients.b);
  for (int64_t k = 0; j.o.normalize_nets && k < (j.o.feedback ? 2 : 1); ++k)
    unpack_row(j, j.first.d_norm, 2, k, j.gradients.b + (k + 1) * l.columns);
  for (int64_t k = 0; j.o.normalize_output && k < 2; ++k)
    unpack_units(j, j.first.d_shown, 2, k, j.gradients.b + l.shown_start + k * j.o.units);
  if (!j.o.peepholes) return;
  const int64_t place[3] = {l.i, l.f, l.o};
  float* to = j.gradients.p;
  for (int64_t gate = 0; gate < 3; ++gate) {
    if (place[gate] < 0) continue;
    unpack_units(j, j.first.d_p, 3, gate, to);
    to += j.o.units;
  }
}

inline void finish_backward(const Job& j, const Share& s) {
  const Layout& l = j.l;
  for (int64_t p = s.panel; p < s.panels_end; ++p)
    for (int64_t net = l.fed_from; net < l.fed_to; ++net)
      for (int64_t row = 0; row < s.rows; ++row)
        store_fed(j, j.gradients.h + (s.row + row) * l.fed, net, p * l.used, units_in(j, p),
                  error_from_later(j, s, net, row, p, -1));
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
      for (int64_t k = t + steps - 1; k >= t; --k) {
        if (normalizes(j.o))
          normalized_step_backward(j, t, k, each);
        else
          each([&](const Share& s) { step_of_chunk(j, s, chunk_at(j, s, t), k); });
      }
      each([&](const Share& s) { end_of_chunk(j, s, chunk_at(j, s, t)); });
    }
  });
  phase(j, turn, s, [&](const Share& s) { finish_backward(j, s); });
}

}  // namespace
