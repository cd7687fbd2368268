// From the plain C interface to the kernels: which instructions, which threads, which memory.
#include "lstm.h"

#include <algorithm>

#include "kernels.h"
#include "lay.h"
#include "memory.h"
#include "processor.h"
#include "threads.h"

// Under the address sanitizer there are gaps between the places, which must not be touched.
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
constexpr int64_t GAP = 16;
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes)
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes)
constexpr int64_t GAP = 0;
#endif

extern const Kernels baseline;
#if defined(__x86_64__)
extern const Kernels avx2, avx512;
#endif

namespace {

constexpr int64_t BETWEEN_TEAMS = 1024;  // floats, at least a page
constexpr int32_t MOST_THREADS = 1024;
constexpr double SMALL = 1 << 18;       // multiplications that a thread is worth
constexpr double SMALL_STEP = 1 << 15;  // and in each step, where threads meet after it

}  // namespace

const Kernels& kernels(int32_t isa) {
#if defined(__x86_64__)
  if ((isa == BEST || isa == AVX512) && lstm_supports(AVX512)) return avx512;
  if (isa != BASELINE && lstm_supports(AVX2)) return avx2;
#endif
  return baseline;
}

namespace {

Layout layout(const Options& o, const Kernels& k) {
  Layout l = {};
  l.lanes = k.lanes;
  l.tile_rows = k.tile_rows;
  const int64_t blocks = o.units / o.block_size;
  l.i = l.f = l.o = -1;
  auto add = [&](int64_t& net, int64_t columns) {
    net = l.nets++;
    l.start[net] = l.columns;
    l.columns += columns;
  };
  if (o.gates & GATE_I) add(l.i, blocks);
  if (o.gates & GATE_F) add(l.f, blocks);
  add(l.c, o.units);
  if (o.gates & GATE_O) add(l.o, blocks);
  const bool gates = o.feedback == FEEDS_CELLS_AND_GATES;
  l.fed = o.units;
  for (int64_t net = 0; gates && net < l.nets; ++net) {
    if (net == l.c) continue;
    l.fed_start[net] = l.fed;
    l.fed += blocks;
  }
  l.fed_from = gates ? 0 : l.c;
  l.fed_to = gates ? l.nets : l.c + 1;
  l.used = o.peepholes ? k.lanes / o.block_size * o.block_size : k.lanes;
  l.panels = quotient_up(o.units, l.used);
  l.feature_vectors = quotient_up(o.features, k.lanes);
  l.width = l.nets * k.lanes;
  l.padded = l.panels * k.lanes;
  l.biases = lstm_biases(o, l.columns);
  l.shown_start = l.biases - 2 * o.units;
  return l;
}

double weights_of(const Layout& l, const Options& o) {  // of sizes that may be anything
  return 1.0 * l.panels * l.width * (o.features + l.fed);
}

// Whether they stay in a core's second-level cache, beside what else a call reads.
bool stay_in_cache(const Layout& l, const Options& o) {
  return weights_of(l, o) * sizeof(float) <= second_level_cache() * 0.625;
}

// A team per thread where each has enough rows and the weights stay in its cache; else one team.
void split(Layout& l, const Options& o) {
  const int64_t threads = std::clamp(o.threads, 1, MOST_THREADS);
  const bool by_rows = l.panels < 2 || (stay_in_cache(l, o) && o.batch >= 2 * threads);
  l.teams = by_rows ? std::min(threads, o.batch) : 1;
  l.members = by_rows ? 1 : std::min(threads, l.panels);
}

int64_t rows_of_team(const Layout& l, const Options& o) { return quotient_up(o.batch, l.teams); }

// So many steps at once that the input product fills its tiles.
int64_t steps_forward(const Layout& l, const Options& o) {
  const int64_t rows = rows_of_team(l, o), tile = l.tile_rows;
  if (rows >= tile) return 1;
  return std::min(std::max<int64_t>(o.time, 1), tile * std::max<int64_t>(1, 48 / (rows * tile)));
}

// So many steps at once that the weight gradients, which every chunk reads and writes, cost little.
int64_t steps_backward(const Layout& l, const Options& o) {
  const int64_t rows = stay_in_cache(l, o) ? 128 : 512;
  return std::min(std::max<int64_t>(o.time, 1),
                  std::max<int64_t>(1, rows / rows_of_team(l, o)));
}

// Takes places one after the other, each on a cache line of its own.
class Places {
 public:
  explicit Places(float* base) : base_(base) {}

  float* take(int64_t floats) {
    const int64_t at = used_;
    used_ += quotient_up(floats, 16) * 16 + GAP;
    if (!base_) return nullptr;
    ASAN_POISON_MEMORY_REGION(base_ + at + floats, sizeof(float) * (used_ - at - floats));
    return base_ + at;
  }

  int64_t used() const { return used_; }

 private:
  float* base_;
  int64_t used_ = 0;
};

int64_t fed_nets(const Layout& l) { return l.fed_to - l.fed_from; }

void place_weights(Job& j, Places& places, bool backward) {
  const Layout& l = j.l;
  const Options& o = j.o;
  Weights& w = j.w;
  w.p = places.take(l.panels * 3 * l.lanes);
  w.norm = places.take(o.normalize_nets ? l.panels * 3 * l.width : 0);
  w.shown = places.take(o.normalize_output ? l.panels * 3 * l.lanes : 0);
  if (backward) {
    w.W_t = places.take(l.feature_vectors * l.lanes * l.panels * l.width);
    w.R_t = places.take(fed_nets(l) * l.padded * l.panels * l.width);
  } else {
    w.W = places.take(l.panels * o.features * l.width);
    w.R = places.take(o.feedback ? l.panels * l.fed * l.width : 0);
    w.b = places.take(l.panels * l.width);
  }
}

void place_forward(Job& j, Places& places) {
  const Layout& l = j.l;
  const int64_t rows = rows_of_team(l, j.o), states = rows * l.fed;
  Rows& w = j.first;
  w.c = places.take(rows * l.padded);
  for (int k = 0; k < 2; ++k) w.h[k] = places.take(states);
  for (int k = 0; k < 2; ++k) w.r[k] = places.take(j.in.multiplier ? states : 0);
  w.z = places.take(j.out.gates ? 0 : l.steps * rows * l.panels * l.width);
  w.y = places.take(j.o.normalize_nets ? rows * l.panels * l.width : 0);
  w.parts = places.take(normalizes(j.o) ? 6 * l.panels * rows : 0);
}

void place_backward(Job& j, Places& places) {
  const Layout& l = j.l;
  const Options& o = j.o;
  const int64_t rows = rows_of_team(l, o), in_chunk = l.steps * rows, depth = o.features + l.fed;
  Rows& w = j.first;
  w.c = places.take(rows * l.padded);
  w.d_z = places.take(in_chunk * l.panels * l.width);
  w.left = places.take(in_chunk * depth);
  w.d_h = places.take(fed_nets(l) * rows * l.padded);
  if (!o.feedback || o.truncated) w.d_h = nullptr;  // no error flows through what is fed back
  w.carry = places.take(fed_nets(l) * rows * l.padded);
  w.d_c = places.take(rows * l.padded);
  w.d_x = places.take(in_chunk * l.feature_vectors * l.lanes);
  w.d_weights = places.take(l.panels * depth * l.width);
  w.d_b = places.take(l.panels * l.width);
  w.d_p = places.take(l.panels * 3 * l.lanes);
  w.d_y = o.normalize_nets ? places.take(in_chunk * l.panels * l.width) : w.d_z;
  w.parts = places.take(normalizes(o) ? 6 * l.panels * rows : 0);
  w.d_norm = places.take(o.normalize_nets ? l.panels * 2 * l.width : 0);
  w.d_shown = places.take(o.normalize_output ? l.panels * 2 * l.lanes : 0);
}

// The gradients of a batch without rows, or of a layer without units.
void clear(const Options& o, const Gradients& d) {
  const Layout l = layout(o, kernels(o.isa));
  const int64_t columns = l.columns;
  std::fill_n(d.x, o.batch * o.time * o.features, 0.0f);
  std::fill_n(d.W, o.features * columns, 0.0f);
  std::fill_n(d.b, l.biases, 0.0f);
  if (o.feedback) std::fill_n(d.R, l.fed * columns, 0.0f);
  if (o.peepholes) std::fill_n(d.p, (l.nets - 1) * o.units, 0.0f);
}

int32_t run(Job& j, bool backward, void (*kernel)(const void*, Turn)) {
  const Memory memory = borrow(place(j, backward, nullptr) * sizeof(float));
  bool ran = false;
  if (memory.at) {
    ASAN_UNPOISON_MEMORY_REGION(memory.at, memory.bytes);  // of the call before
    place(j, backward, memory.at);
    ran = run_together(parts(j), kernel, &j, sizeof j);
  }
  give_back(memory);
  return ran ? 0 : 1;
}

}  // namespace

Job forward_job(const Options& options, const Inputs& in, const Results& out) {
  Job j = {options, layout(options, kernels(options.isa)), in, out, {}, {}, {}, {}};
  split(j.l, j.o);
  j.l.steps = steps_forward(j.l, j.o);
  return j;
}

int64_t place(Job& j, bool backward, float* memory) {
  Places places(memory);
  place_weights(j, places, backward);
  const int64_t weights = places.used();
  (backward ? place_backward : place_forward)(j, places);
  j.l.team_floats = places.used() - weights + BETWEEN_TEAMS;
  return weights + j.l.teams * j.l.team_floats;
}

int32_t lstm_supports(int32_t isa) { return has_instructions(isa); }

int64_t lstm_cache() { return second_level_cache(); }

int32_t lstm_threads(const Options* options) {
  Options o = *options;
  Layout l = layout(o, kernels(BEST));
  const double step = weights_of(l, o) * o.batch;
  auto at_most = [&](double threads) {
    o.threads = std::max(1, static_cast<int32_t>(std::min<double>(o.threads, threads)));
  };
  at_most(step * o.time / SMALL);
  split(l, o);
  if (l.members > 1) at_most(step / SMALL_STEP);
  return o.threads;
}

int32_t lstm_largest_peephole_block() { return kernels(BEST).lanes; }

void lstm_kept(const Options* options, int64_t* gates, int64_t* cells) {
  const Options& o = *options;
  const Layout l = layout(o, kernels(o.isa));
  *gates = o.time * o.batch * (kept_nets(l, o) + (normalizes(o) ? SCALES : 0));
  *cells = o.time * o.batch * l.padded;
}

int32_t lstm_forward(const Options* options, const Inputs* in, const Results* out) {
  if (options->batch * options->units == 0) return 0;
  Job j = forward_job(*options, *in, *out);
  return run(j, false, kernels(options->isa).forward);
}

int32_t lstm_backward(const Options* options, const Inputs* in, const Results* kept,
                      const Errors* errors, const Gradients* gradients) {
  if (options->batch * options->units == 0) {
    clear(*options, *gradients);
    return 0;
  }
  const Kernels& k = kernels(options->isa);
  Job j = {*options, layout(*options, k), *in, *kept, *errors, *gradients, {}, {}};
  split(j.l, j.o);
  j.l.steps = steps_backward(j.l, j.o);
  return run(j, true, k.backward);
}
