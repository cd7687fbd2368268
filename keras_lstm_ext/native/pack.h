// Weights into panels, and their gradients out of them.
#pragma once

#include "job.h"
#include "vector.h"

namespace {

// What a row of Keras' matrix has for n units of a net.
inline V load_net(const Job& j, const float* row, int64_t net, int64_t unit, int64_t n) {
  if (net == j.l.c || j.o.block_size == 1) return load(row + j.l.start[net] + unit, n);
  V v = {};
  for (int64_t lane = 0; lane < n; ++lane) v[lane] = row[column(j, net, unit + lane)];
  return v;
}

// What n units have in a row of what is fed back: of a gate, the first unit of each block.
inline V load_fed(const Job& j, const float* row, int64_t net, int64_t unit, int64_t n) {
  if (net == j.l.c || j.o.block_size == 1) return load(row + fed_place(j, net, unit), n);
  V v = {};
  for (int64_t lane = 0; lane < n; ++lane) {
    const int64_t at = fed_place(j, net, unit + lane);
    if (at >= 0) v[lane] = row[at];
  }
  return v;
}

inline void store_fed(const Job& j, float* row, int64_t net, int64_t unit, int64_t n, V v) {
  if (net == j.l.c || j.o.block_size == 1) return store(row + fed_place(j, net, unit), v, n);
  for (int64_t lane = 0; lane < n; ++lane) {
    const int64_t at = fed_place(j, net, unit + lane);
    if (at >= 0) row[at] = v[lane];
  }
}

// rows x columns of Keras' matrix into (rows, width) of one panel; zeros where there is no unit.
inline void pack_panel(const Job& j, int64_t panel, const float* from, int64_t rows, float* to) {
  const Layout& l = j.l;
  int64_t n = units_in(j, panel), unit = panel * l.used;
  for (int64_t k = 0; k < rows; ++k, from += l.columns)
    for (int64_t net = 0; net < l.nets; ++net, to += LANES)
      store(to, load_net(j, from, net, unit, n));
}

// The weights of the forward, spread over all parts.
inline void pack_weights(const Job& j, const Share& s) {
  const Layout& l = j.l;
  int64_t fed = l.fed, features = j.o.features, end = part(l.panels, s.part + 1, parts(j));
  for (int64_t p = part(l.panels, s.part, parts(j)); p < end; ++p) {
    pack_panel(j, p, j.in.W, features, j.w.W + p * features * l.width);
    pack_panel(j, p, j.in.b, 1, j.w.b + p * l.width);
    if (j.o.feedback) pack_panel(j, p, j.in.R, fed, j.w.R + p * fed * l.width);
  }
}

// Peepholes of the member's panels, a row for each gate.
inline void pack_peepholes(const Job& j, const Share& s) {
  if (s.team > 0) return;  // they share them
  int64_t gates = j.l.nets - 1, used = j.l.used;
  for (int64_t p = s.panel; j.o.peepholes && p < s.panels_end; ++p)
    for (int64_t k = 0; k < gates; ++k)
      store(j.w.p + (p * 3 + k) * LANES,
            load(j.in.p + k * j.o.units + p * used, units_in(j, p)));
}

// Cell states of a team's rows into panels.
inline void pack_cells(const Job& j, const Share& s, const float* from, float* to) {
  for (int64_t p = s.panel; p < s.panels_end; ++p)
    for (int64_t row = 0; row < s.rows; ++row)
      store(to + (p * s.rows + row) * LANES,
            load(from + (s.row + row) * j.o.units + p * j.l.used, units_in(j, p)));
}

inline void unpack_cells(const Job& j, const Share& s, const float* from, float* to) {
  for (int64_t p = s.panel; p < s.panels_end; ++p)
    for (int64_t row = 0; row < s.rows; ++row)
      store(to + (s.row + row) * j.o.units + p * j.l.used,
            load(from + (p * s.rows + row) * LANES), units_in(j, p));
}

// One vector of columns of a transposed matrix: rows of Keras' matrix become lanes, null one of
// zeros, for all (panel, net, lane) that k runs over. `row` floats are from one k to the next.
inline void pack_transposed(const Job& j, const float* const* from, float* to, int64_t row) {
  const Layout& l = j.l;
  for (int64_t p = 0; p < l.panels; ++p) {
    int64_t units = units_in(j, p), unit = p * l.used;
    for (int64_t net = 0; net < l.nets; ++net) {
      V rows[LANES];
#pragma GCC unroll 16
      for (int64_t lane = 0; lane < LANES; ++lane)
        rows[lane] = from[lane] ? load_net(j, from[lane], net, unit, units) : V{};
      transpose(rows);
#pragma GCC unroll 16
      for (int64_t k = 0; k < LANES; ++k, to += row) store(to, rows[k]);
    }
  }
}

// The gradient of row `k` of W and R together: the sum over teams, and over the cells of a block.
inline void unpack_row(const Job& j, const float* from, int64_t rows, int64_t k, float* to) {
  const Layout& l = j.l;
  std::memset(to, 0, sizeof(float) * l.columns);
  for (int64_t team = 0; team < l.teams; ++team) {
    const float* packed = from + team * l.team_floats + k * l.width;
    for (int64_t p = 0; p < l.panels; ++p, packed += rows * l.width) {
      int64_t n = units_in(j, p), unit = p * l.used;
      for (int64_t net = 0; net < l.nets; ++net) {
        const float* d = packed + net * LANES;
        float* at = to + l.start[net] + unit;
        if (net == l.c || j.o.block_size == 1) {
          store(at, load(at, n) + load(d), n);
        } else {
          for (int64_t lane = 0; lane < n; ++lane) to[column(j, net, unit + lane)] += d[lane];
        }
      }
    }
  }
}

}  // namespace
