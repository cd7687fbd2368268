// The steps of both loops where something is normalised: in them all must meet once more for the
// net inputs, and once more for the state on its way out.
#pragma once

#include "backward.h"
#include "forward.h"
#include "norm.h"

namespace {

// W x and R r of a step, and what each panel has of them.
inline void products(const Job& j, const Share& s, int64_t t) {
  const Layout& l = j.l;
  for (int64_t p = s.panel; p < s.panels_end; ++p) {
    if (l.steps > 1 && t % l.steps == 0) input_product(j, s, t, p);
    for_rows(s, [&](int64_t row, int64_t rows) {
      float* z = nets_at(j, s, t, p) + row * l.width;
      const Term input = input_term(j, s, row, t, p, j.o.time * j.o.features);
      if (l.steps == 1) product(rows, l.nets, {input}, {nullptr, 0, z, l.width});
      measure(j, s, OF_X, p, row, rows, z);
      if (!j.o.feedback) return;
      float* y = s.w.y + (p * s.rows + row) * l.width;
      product(rows, l.nets, {recurrent_term(j, s, row, t, p)}, {nullptr, 0, y, l.width});
      measure(j, s, OF_R, p, row, rows, y);
    });
  }
}

// z = gain u + gain u + b, of W x and of R r, for some rows of a panel.
inline void normalized_nets(const Job& j, const Share& s, int64_t t, int64_t panel, int64_t first,
                            int64_t rows, const Scale* of_x, const Scale* of_r) {
  const int64_t width = j.l.width;
  const float *b = j.w.b + panel * width, *y = s.w.y + (panel * s.rows + first) * width;
  const float *gain_x = gains(j, OF_X, panel), *gain_r = gains(j, OF_R, panel);
  float *u_x = kept_u(j, s, t, OF_X, panel), *u_r = kept_u(j, s, t, OF_R, panel);
  float* z = nets_at(j, s, t, panel) + first * width;
  for (int64_t r = 0; r < rows; ++r, z += width, y += width)
    for (int64_t at = 0; at < width; at += LANES) {
      V u = of_x[r](load(z + at)), sum = load(b + at) + load(gain_x + at) * u;
      if (u_x) store(u_x + (first + r) * width + at, u);
      if (j.o.feedback) {
        u = of_r[r](load(y + at));
        sum += load(gain_r + at) * u;
        if (u_r) store(u_r + (first + r) * width + at, u);
      }
      store(z + at, sum);
    }
}

// The scales of some rows, which one member keeps for the backward: see SCALES.
inline void keep_scales(const Job& j, const Share& s, int64_t t, int64_t first, int64_t rows,
                        const Scale* of_x, const Scale* of_r, const Scale* of_c) {
  float* kept = kept_scales(j, s, t);
  if (!kept || s.member > 0) return;
  kept += first * SCALES;
  for (int64_t r = 0; r < rows; ++r, kept += SCALES) {
    if (of_x) kept[0] = of_x[r].factor;
    if (of_r) kept[1] = of_r[r].factor;
    if (of_c) kept[2] = of_c[r].mean, kept[3] = of_c[r].factor;
  }
}

inline void write_normalized(const Job& j, const Share& s, int64_t t) {
  for_rows(s, [&](int64_t row, int64_t rows) {
    Scale of_x[MOST_ROWS], of_r[MOST_ROWS];
    if (j.o.normalize_nets) {
      scales(j, s, OF_X, row, rows, of_x);
      if (j.o.feedback) scales(j, s, OF_R, row, rows, of_r);
      keep_scales(j, s, t, row, rows, of_x, j.o.feedback ? of_r : nullptr, nullptr);
    }
    for_groups(s, [&](int64_t p, int64_t panels) {
      const Group group = {t, p, panels, row, rows};
      for (int64_t q = p; q < p + panels; ++q) {
        if (j.o.normalize_nets) {
          normalized_nets(j, s, t, q, row, rows, of_x, of_r);
        } else {
          if (j.l.steps > 1 && t % j.l.steps == 0) input_product(j, s, t, q);
          net_inputs(j, s, t, q, row, rows);
        }
      }
      write(j, s, group);
      if (!j.o.normalize_output) read(j, s, group);
      for (int64_t q = p; j.o.normalize_output && q < p + panels; ++q)
        measure(j, s, OF_C, q, row, rows, cells_after(j, s, t, q) + row * LANES);
    });
  });
}

inline void read_normalized(const Job& j, const Share& s, int64_t t) {
  for_rows(s, [&](int64_t row, int64_t rows) {
    Scale of_c[MOST_ROWS];
    scales(j, s, OF_C, row, rows, of_c);
    keep_scales(j, s, t, row, rows, nullptr, nullptr, of_c);
    for_groups(s, [&](int64_t p, int64_t panels) { read(j, s, {t, p, panels, row, rows}, of_c); });
  });
}

template <typename E>
void normalized_step(const Job& j, int64_t t, E each) {
  if (j.o.normalize_nets) each([&](const Share& s) { products(j, s, t); });
  each([&](const Share& s) { write_normalized(j, s, t); });
  if (j.o.normalize_output) each([&](const Share& s) { read_normalized(j, s, t); });
}

// The scales of some rows, as the forward kept them.
inline void take_scales(const Job& j, const Share& s, int64_t t, int64_t of, int64_t first,
                        int64_t rows, Back* to) {
  const float* kept = kept_scales(j, s, t) + first * SCALES;
  for (int64_t r = 0; r < rows; ++r, kept += SCALES)
    to[r].scale = of == OF_C ? Scale{kept[2], kept[3]} : Scale{0.0f, kept[of]};
}

// The errors at what is shown of the state of some rows of a panel: what the panel has of them,
// and its part of the gradients of gain and shift.
inline void errors_shown(const Job& j, const Share& s, int64_t t, int64_t panel, int64_t first,
                         int64_t rows, const Back* back) {
  const Layout& l = j.l;
  const int64_t unit = panel * l.used, n = units_in(j, panel);
  const float* c = cells_after(j, s, t, panel) + first * LANES;
  const float* nets = nets_at(j, s, t, panel) + first * l.width;
  const Slope phi = slope(j.o.output_activation);
  float *to = part_at(j, s, OF_C, panel, first), *sums = s.w.d_shown + panel * 2 * LANES;
  const V gain = load(gains(j, OF_C, panel));
  V d_gain = {}, d_shift = {};
  alignas(64) float squashed[MOST_ROWS * LANES];
  for (int64_t r = 0; r < rows; ++r)
    show(j, panel, 1, &back[r].scale, c + r * LANES, squashed + r * LANES);
  squash(j.o.output_activation, {squashed, LANES, rows});
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = first + r;
    if (skipped(j, s, row, t)) continue;
    V d = error_from_later(j, s, l.c, row, panel, t);
    if (j.errors.y)
      d += load(j.errors.y + ((s.row + row) * j.o.time + t) * j.o.units + unit, n);
    if (l.o >= 0) d *= load(nets + r * l.width + l.o * LANES);
    d *= phi(load(squashed + r * LANES));
    const V u = back[r].scale(load(c + r * LANES));
    d_gain += d * u;
    d_shift += d;
    to[2 * r] = total(gain * d)[0];
    to[2 * r + 1] = total(gain * d * u)[0];
  }
  store(sums, load(sums) + d_gain);
  store(sums + LANES, load(sums + LANES) + d_shift);
}

// What a panel has of the errors at u of W x and of R r, from those at the nets of some rows.
inline void errors_at_nets(const Job& j, const Share& s, int64_t t, int64_t of, int64_t panel,
                           int64_t first, int64_t rows, const float* d_z) {
  const int64_t width = j.l.width;
  const float *gain = gains(j, of, panel), *u = kept_u(j, s, t, of, panel) + first * width;
  float* to = part_at(j, s, of, panel, first);
  for (int64_t r = 0; r < rows; ++r, u += width, d_z += width) {
    V sum = {}, along = {};
    for (int64_t at = 0; at < width; at += LANES) {
      const V d_u = load(gain + at) * load(d_z + at);
      sum += d_u;
      along += d_u * load(u + at);
    }
    to[2 * r] = total(sum)[0];
    to[2 * r + 1] = total(along)[0];
  }
}

// The errors at W x or R r of some rows of a panel, into `d_y`, and the panel's part of the
// gradient of the gains. Skipped rows have none, whatever was kept of them.
inline void errors_at_product(const Job& j, const Share& s, int64_t t, int64_t of, int64_t panel,
                              int64_t first, int64_t rows, const Back* back, const float* d_z,
                              float* d_y) {
  const int64_t width = j.l.width;
  const float *gain = gains(j, of, panel), *counts = counted(j, of, panel);
  const float* u = kept_u(j, s, t, of, panel) + first * width;
  float* sums = s.w.d_norm + (panel * 2 + of) * width;
  for (int64_t at = 0; at < width; at += LANES) {
    const V g = load(gain + at), count = load(counts + at);
    V d_gain = {};
    for (int64_t r = 0; r < rows; ++r) {
      if (skipped(j, s, first + r, t)) {
        store(d_y + r * width + at, V{});
        continue;
      }
      const V d = load(d_z + r * width + at), u_r = load(u + r * width + at);
      d_gain += d * u_r;
      store(d_y + r * width + at, back[r](g * d, u_r, count));
    }
    store(sums + at, load(sums + at) + d_gain);
  }
}

inline void shown_backward(const Job& j, const Share& s, const Chunk& chunk, int64_t t) {
  before_step(j, s, chunk, t);
  for_rows(s, [&](int64_t row, int64_t rows) {
    Back back[MOST_ROWS];
    take_scales(j, s, t, OF_C, row, rows, back);
    for (int64_t p = s.panel; p < s.panels_end; ++p) errors_shown(j, s, t, p, row, rows, back);
  });
}

inline void nets_backward(const Job& j, const Share& s, const Chunk& chunk, int64_t t) {
  if (!j.o.normalize_output) before_step(j, s, chunk, t);
  for_rows(s, [&](int64_t row, int64_t rows) {
    Back of_c[MOST_ROWS];
    if (j.o.normalize_output) {
      take_scales(j, s, t, OF_C, row, rows, of_c);
      means(j, s, OF_C, row, rows, of_c);
    }
    for (int64_t p = s.panel; p < s.panels_end; ++p) {
      float* d_z = errors_at(j, s, chunk, t, p, s.w.d_z) + row * j.l.width;
      if (j.o.normalize_output)
        step_backward<true>(j, s, t, p, row, rows, d_z, of_c);
      else
        step_backward(j, s, t, p, row, rows, d_z);
      if (!j.o.normalize_nets) continue;
      errors_at_nets(j, s, t, OF_X, p, row, rows, d_z);
      if (j.o.feedback) errors_at_nets(j, s, t, OF_R, p, row, rows, d_z);
    }
  });
}

inline void products_backward(const Job& j, const Share& s, const Chunk& chunk, int64_t t) {
  for_rows(s, [&](int64_t row, int64_t rows) {
    Back of_x[MOST_ROWS], of_r[MOST_ROWS];
    auto take = [&](int64_t of, Back* to) {
      take_scales(j, s, t, of, row, rows, to);
      means(j, s, of, row, rows, to);
    };
    take(OF_X, of_x);
    if (j.o.feedback) take(OF_R, of_r);
    for (int64_t p = s.panel; p < s.panels_end; ++p) {
      float* d_z = errors_at(j, s, chunk, t, p, s.w.d_z) + row * j.l.width;
      float* d_y = errors_at(j, s, chunk, t, p, s.w.d_y) + row * j.l.width;
      if (j.o.feedback) errors_at_product(j, s, t, OF_R, p, row, rows, of_r, d_z, d_y);
      errors_at_product(j, s, t, OF_X, p, row, rows, of_x, d_z, d_z);
    }
  });
}

// Step t of the chunk that begins at step `first`.
template <typename E>
void normalized_step_backward(const Job& j, int64_t first, int64_t t, E each) {
  auto all = [&](auto f) { each([&](const Share& s) { f(j, s, chunk_at(j, s, first), t); }); };
  if (j.o.normalize_output) all(shown_backward);
  all(nets_backward);
  if (j.o.normalize_nets) all(products_backward);
}

}  // namespace
