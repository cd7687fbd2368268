// Layer normalisation of a row: of W x and of R r over their columns, of c over the units.
//
// A row lies in several panels, and those of others may be another thread's. So each panel's part
// is measured by itself, in two numbers; when all have met, each adds up those of all panels, in
// their order. Forward they are mean and sum of squares around it, whose sums lose nothing to a
// large mean; backward, of the errors at u, their sum and that of u times them.
#pragma once

#include "pack.h"

namespace {

enum Normalized { OF_X, OF_R, OF_C };

// The sum over all lanes, in each.
inline V total(V x) {
#pragma GCC unroll 4
  for (int half = LANES / 2; half > 0; half /= 2) {
    Bits other = {};
    for (int lane = 0; lane < LANES; ++lane) other[lane] = lane ^ half;
    x += shuffle(x, x, other);
  }
  return x;
}

// The gains of a panel, and which of its columns count: of a block's gate the first.
inline const float* gains(const Job& j, int64_t of, int64_t panel) {
  if (of == OF_C) return j.w.shown + panel * 3 * LANES;
  return j.w.norm + (panel * 3 + of) * j.l.width;
}

inline const float* shifts(const Job& j, int64_t panel) { return gains(j, OF_C, panel) + LANES; }

inline const float* counted(const Job& j, int64_t of, int64_t panel) {
  if (of == OF_C) return gains(j, OF_C, panel) + 2 * LANES;
  return j.w.norm + (panel * 3 + 2) * j.l.width;
}

// Of all parts, as the other weights are.
inline void pack_norms(const Job& j, const Share& s) {
  const Layout& l = j.l;
  const int64_t end = part(l.panels, s.part + 1, parts(j));
  for (int64_t p = part(l.panels, s.part, parts(j)); p < end; ++p) {
    const int64_t unit = p * l.used, n = units_in(j, p);
    float* norm = j.w.norm + p * 3 * l.width;
    for (int64_t k = 0; j.o.normalize_nets && k < (j.o.feedback ? 2 : 1); ++k)
      pack_panel(j, p, j.in.b + (k + 1) * l.columns, 1, norm + k * l.width);
    for (int64_t at = 0; j.o.normalize_nets && at < l.width; ++at) {
      const int64_t size = at / LANES == l.c ? 1 : j.o.block_size;
      norm[2 * l.width + at] = at % LANES < n && (unit + at % LANES) % size == 0;
    }
    float* shown = j.w.shown + p * 3 * LANES;
    for (int64_t k = 0; j.o.normalize_output && k < 2; ++k)
      store(shown + k * LANES, load(j.in.b + l.shown_start + k * j.o.units + unit, n));
    for (int64_t lane = 0; j.o.normalize_output && lane < LANES; ++lane)
      shown[2 * LANES + lane] = lane < n;
  }
}

// The two numbers of a panel's part of a row.
inline float* part_at(const Job& j, const Share& s, int64_t of, int64_t panel, int64_t row) {
  return s.w.parts + 2 * ((of * j.l.panels + panel) * s.rows + row);
}

// Of some rows of a panel, whose vectors begin at y.
inline void measure(const Job& j, const Share& s, int64_t of, int64_t panel, int64_t first,
                    int64_t rows, const float* y) {
  const int64_t vectors = of == OF_C ? 1 : j.l.nets;
  const float* counts = counted(j, of, panel);
  float* to = part_at(j, s, of, panel, first);
  V count[4], columns = {};
  for (int64_t v = 0; v < vectors; ++v) columns += count[v] = load(counts + v * LANES);
  const V share = 1.0f / total(columns);
  for (int64_t r = 0; r < rows; ++r, y += vectors * LANES, to += 2) {
    V sum = {}, squares = {};
    for (int64_t v = 0; v < vectors; ++v) sum += count[v] * load(y + v * LANES);
    const V mean = total(sum) * share;
    for (int64_t v = 0; v < vectors; ++v) {
      const V d = load(y + v * LANES) - mean;
      squares += count[v] * d * d;
    }
    to[0] = mean[0];
    to[1] = total(squares)[0];
  }
}

// u = (y - mean) factor.
struct Scale {
  float mean, factor;
  V operator()(V y) const { return (y - mean) * factor; }
};

// How many columns count in a panel.
inline float columns_in(const Job& j, int64_t of, int64_t panel) {
  const int64_t unit = panel * j.l.used, n = units_in(j, panel), size = j.o.block_size;
  if (of == OF_C) return n;
  return n + (j.l.nets - 1) * (quotient_up(unit + n, size) - quotient_up(unit, size));
}

// Of some rows, from all panels' parts.
inline void scales(const Job& j, const Share& s, int64_t of, int64_t first, int64_t rows,
                   Scale* to) {
  const float columns = of == OF_C ? j.o.units : j.l.columns;
  for (int64_t r = 0; r < rows; ++r) to[r] = {};
  for (int64_t p = 0; p < j.l.panels; ++p) {
    const float* at = part_at(j, s, of, p, first);
    const float share = columns_in(j, of, p) / columns;
    for (int64_t r = 0; r < rows; ++r) to[r].mean += share * at[2 * r];
  }
  for (int64_t p = 0; p < j.l.panels; ++p) {
    const float* at = part_at(j, s, of, p, first);
    const float n = columns_in(j, of, p);
    for (int64_t r = 0; r < rows; ++r) {
      const float d = at[2 * r] - to[r].mean;
      to[r].factor += at[2 * r + 1] + n * d * d;
    }
  }
  for (int64_t r = 0; r < rows; ++r)
    to[r].factor = 1.0f / __builtin_sqrtf(to[r].factor / columns + j.o.epsilon);
}

// What the output squasher reads of some rows of a panel: gain u + shift.
inline void show(const Job& j, int64_t panel, int64_t rows, const Scale* scale, const float* c,
                 float* to) {
  const V gain = load(gains(j, OF_C, panel)), shift = load(shifts(j, panel));
  for (int64_t r = 0; r < rows; ++r, c += LANES, to += LANES)
    store(to, gain * scale[r](load(c)) + shift);
}

// The way back: of a row its scale, and the means over the columns of d_u and of u d_u.
struct Back {
  Scale scale;
  float mean, along;
  V operator()(V d_u, V u, V count) const {
    return (d_u - count * (mean + u * along)) * scale.factor;
  }
};

// The means of some rows, from all panels' parts.
inline void means(const Job& j, const Share& s, int64_t of, int64_t first, int64_t rows,
                  Back* to) {
  const float share = 1.0f / (of == OF_C ? j.o.units : j.l.columns);
  for (int64_t r = 0; r < rows; ++r) to[r].mean = to[r].along = 0;
  for (int64_t p = 0; p < j.l.panels; ++p) {
    const float* at = part_at(j, s, of, p, first);
    for (int64_t r = 0; r < rows; ++r) {
      to[r].mean += at[2 * r] * share;
      to[r].along += at[2 * r + 1] * share;
    }
  }
}

// What the forward keeps of it: u of W x or of R r, and the scales of a row.
inline float* kept_u(const Job& j, const Share& s, int64_t t, int64_t of, int64_t panel) {
  const int64_t nets = j.l.panels * j.l.width;
  float* kept = kept_behind(j, s, t, (1 + of) * nets, nets);
  return kept ? kept + panel * s.rows * j.l.width : nullptr;
}

inline float* kept_scales(const Job& j, const Share& s, int64_t t) {
  return kept_behind(j, s, t, kept_nets(j.l, j.o), SCALES);
}

}  // namespace
