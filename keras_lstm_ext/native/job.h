// One call, laid out: what every kernel reads. Plain data, because kernels are compiled once per
// instruction set and must not share compiled functions: everything here is `static`.
#pragma once

#include "lstm.h"
#include "threads.h"

// A panel holds the nets of as many units as a vector has lanes: for each k, one vector per net.
struct Layout {
  int64_t lanes, tile_rows;
  int64_t nets;               // 1 to 4
  int64_t i, f, c, o;         // place of each net in a panel
  int64_t used;               // lanes that hold a unit: fewer where blocks must not straddle panels
  int64_t panels;             // of the units
  int64_t feature_vectors;    // of the features
  int64_t start[4];           // first column of each net, in Keras' order
  int64_t columns;            // of Keras' kernels
  int64_t biases;             // floats of b with what is behind it
  int64_t shown_start;        // where the gain of c is in it, if c is normalised
  int64_t fed;                // floats that are fed back: h, or h and the gates
  int64_t fed_start[4];       // the first of each net: h has the place of c
  int64_t fed_from, fed_to;   // the nets of which that holds something
  int64_t width;              // nets * lanes: columns of a panel
  int64_t padded;             // panels * lanes: units with padding
  int64_t teams, members;     // either teams with rows of their own, or members that share panels
  int64_t steps;              // time steps of a chunk
  int64_t team_floats;        // from the rows of a team to those of the next
};

struct Weights {
  float *W, *R, *b, *p;          // packed: (panels, k, width); p (panels, 3, lanes)
  float *W_t, *R_t;              // packed: (vectors / 4, panels * width, 4 vectors); R_t by fed net
  float *norm;                   // (panels, 3, width): gains of W x and R r, 1 in each first column
  float *shown;                  // (panels, 3, lanes): gain and shift of c, 1 where there is a unit
};

// What a team works on: rows of its own, far enough from those of another team that no processor
// fetches them in advance.
struct Rows {
  float *h[2], *r[2];            // (rows, fed) before and after a step; r has dropout
  float *c;                      // (panels, rows, lanes)
  float *z;                      // (steps, panels, rows, width), where no gates are kept
  float *d_z;                    // (panels, rows of a chunk, width)
  float *left;                   // rows of a chunk of x and r, transposed in tiles
  float *d_h, *carry;            // (fed nets, rows, padded): from the next step; past skipped steps
  float *d_c;                    // (panels, rows, lanes)
  float *d_x;                    // (rows of a chunk, padded features)
  float *d_weights;              // (panels, features + fed, width)
  float *d_b, *d_p;              // (panels, width) and (panels, 3, lanes)
  float *y;                      // (panels, rows, width): R r, where it is normalised
  float *d_y;                    // the errors at R r: another d_z, or the same
  float *parts;                  // (3, panels, rows, 2): what norm.h has of a panel's part of a row
  float *d_norm, *d_shown;       // (panels, 2, width) and (panels, 2, lanes)
};

struct Job {
  Options o;
  Layout l;
  Inputs in;
  Results out;
  Errors errors;
  Gradients gradients;
  Weights w;
  Rows first;  // of the first team
};

static inline float* of_team(const Job& j, int64_t team, float* of_first) {
  return of_first ? of_first + team * j.l.team_floats : of_first;
}

// One part of a phase: rows of the batch, and panels. `row` is the first one in the batch;
// everything else counts rows from there.
struct Share {
  Rows w;
  int64_t part, team, member;
  int64_t row, rows;
  int64_t panel, panels_end;
};

static inline int64_t part(int64_t of, int64_t index, int64_t parts) { return of * index / parts; }

static inline int64_t parts(const Job& j) { return j.l.teams * j.l.members; }

static inline Share share_of(const Job& j, int64_t index) {
  const Layout& l = j.l;
  int64_t team = index / l.members, member = index % l.members;
  int64_t row = part(j.o.batch, team, l.teams);
  auto own = [&](float* of_first) { return of_team(j, team, of_first); };
  const Rows& w = j.first;
  return {{{own(w.h[0]), own(w.h[1])},
           {own(w.r[0]), own(w.r[1])},
           own(w.c),
           own(w.z),
           own(w.d_z),
           own(w.left),
           own(w.d_h),
           own(w.carry),
           own(w.d_c),
           own(w.d_x),
           own(w.d_weights),
           own(w.d_b),
           own(w.d_p),
           own(w.y),
           own(w.d_y),
           own(w.parts),
           own(w.d_norm),
           own(w.d_shown)},
          index,
          team,
          member,
          row,
          part(j.o.batch, team + 1, l.teams) - row,
          part(l.panels, member, l.members),
          part(l.panels, member + 1, l.members)};
}

// A phase of the job: f(share) for all parts, whose order does not matter.
template <typename F>
static inline void phase(const Job& j, Turn& turn, Share& s, F f) {
  while (next(turn)) {
    if (s.part != turn.part) s = share_of(j, turn.part);
    f(s);
  }
}

// The loop over time, f(each), which hands each(g) what every member of a team must have done before
// any of them goes on: g(share). Teams have nothing to wait for.
template <typename F>
static inline void over_time(const Job& j, Turn& turn, Share& s, F f) {
  if (j.l.members > 1)
    f([&](auto g) { phase(j, turn, s, g); });
  else
    phase(j, turn, s, [&](const Share& own) { f([&](auto g) { g(own); }); });
}

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static inline int64_t quotient_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Units of a panel.
static inline int64_t units_in(const Job& j, int64_t panel) {
  return least(j.l.used, j.o.units - panel * j.l.used);
}

// Where the sequence is read at step t.
static inline int64_t time_of(const Options& o, int64_t t) {
  return o.reverse ? o.time - 1 - t : t;
}

static inline bool skipped(const Job& j, const Share& s, int64_t row, int64_t t) {
  return j.in.mask && !j.in.mask[(s.row + row) * j.o.time + time_of(j.o, t)];
}

// Keras' column of a unit in a net, where `net` is its place in the order of nets.
static inline int64_t column(const Job& j, int64_t net, int64_t unit) {
  return j.l.start[net] + (net == j.l.c ? unit : unit / j.o.block_size);
}

// Where a unit's h, or its block's gate, is in a row of what is fed back; -1 for a gate that the
// block's first unit has.
static inline int64_t fed_place(const Job& j, int64_t net, int64_t unit) {
  const int64_t size = net == j.l.c ? 1 : j.o.block_size;
  return unit % size ? -1 : j.l.fed_start[net] + unit / size;
}

// The error at what is fed back of a row and a panel, in `d_h` and `carry`.
static inline int64_t fed_error(const Job& j, const Share& s, int64_t net, int64_t row,
                                int64_t panel) {
  return ((net - j.l.fed_from) * s.rows + row) * j.l.padded + panel * j.l.lanes;
}

// The cell states after step t: (team, time, panels, rows, lanes) where they are kept for every
// step, else one place.
static inline float* cells_after(const Job& j, const Share& s, int64_t t, int64_t panel) {
  float* cells = s.w.c;
  if (j.out.cells && t >= 0) cells = j.out.cells + (s.row * j.o.time + t * s.rows) * j.l.padded;
  return cells + panel * s.rows * j.l.lanes;
}

// What the backward reads of step t, kept as the cells are, or the place for its net inputs.
static inline float* nets_at(const Job& j, const Share& s, int64_t t, int64_t panel) {
  const int64_t row = j.l.panels * j.l.width;
  float* nets = j.out.gates ? j.out.gates + (s.row * j.o.time + t * s.rows) * row
                            : s.w.z + t % j.l.steps * s.rows * row;
  return nets + panel * s.rows * j.l.width;
}

// What is kept behind the nets of all steps: u of W x and of R r, laid out as nets are, and the
// scales of each row. Null where nothing is kept.
static inline float* kept_behind(const Job& j, const Share& s, int64_t t, int64_t before,
                                 int64_t floats) {
  if (!j.out.gates) return nullptr;
  return j.out.gates + j.o.batch * j.o.time * before + (s.row * j.o.time + t * s.rows) * floats;
}

constexpr int64_t SCALES = 4;  // of a row: factors of W x and R r, mean and factor of c

static inline bool normalizes(const Options& o) { return o.normalize_nets || o.normalize_output; }

// How many of a row's floats are nets, and what is kept in their order.
static inline int64_t kept_nets(const Layout& l, const Options& o) {
  const int64_t both = o.feedback ? 3 : 2;
  return (o.normalize_nets ? both : 1) * l.panels * l.width;
}
