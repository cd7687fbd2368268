// One vector of floats, and the squashing functions on it.
#pragma once

#include <cstdint>
#include <cstring>

namespace {

typedef float V __attribute__((vector_size(4 * LANES)));
typedef float Unaligned __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t Bits __attribute__((vector_size(4 * LANES)));

inline V load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }

inline void store(float* to, V v) { *reinterpret_cast<Unaligned*>(to) = v; }

// The first n floats; zeros for the others.
inline V load(const float* from, int64_t n) {
  if (n == LANES) return load(from);
  V v = {};
  std::memcpy(&v, from, 4 * n);
  return v;
}

inline void store(float* to, V v, int64_t n) {
  if (n == LANES) return store(to, v);
  std::memcpy(to, &v, 4 * n);
}

inline V all(float x) { return x - V{}; }  // x + 0 would turn -0 into 0

// Elements of a and b together, numbered from those of a on.
inline V shuffle(V a, V b, Bits places) {
#ifdef __clang__
  V v = {};
  for (int lane = 0; lane < LANES; ++lane)
    v[lane] = places[lane] < LANES ? a[places[lane]] : b[places[lane] - LANES];
  return v;
#else
  return __builtin_shuffle(a, b, places);
#endif
}

// Each pass merges row k with row k + LANES / 2, element by element: the highest bit of the row's
// number becomes the lowest of the column's. When all bits have moved, rows are columns.
inline void transpose(V (&rows)[LANES]) {
  Bits low = {};
  for (int lane = 0; lane < LANES; ++lane) low[lane] = lane / 2 + lane % 2 * LANES;
  const Bits high = low + LANES / 2;
#pragma GCC unroll 4
  for (int pass = 1; pass < LANES; pass *= 2) {
    V merged[LANES];
#pragma GCC unroll 8
    for (int k = 0; k < LANES / 2; ++k) {
      merged[2 * k] = shuffle(rows[k], rows[k + LANES / 2], low);
      merged[2 * k + 1] = shuffle(rows[k], rows[k + LANES / 2], high);
    }
#pragma GCC unroll 16
    for (int k = 0; k < LANES; ++k) rows[k] = merged[k];
  }
}

// e^x as s + s q, where s is a power of two: so that e^x - 1 can be had without cancellation.
struct Exponential {
  V s, q;
};

// For x from -87.3 to 0; outside of that s and q are arbitrary.
inline Exponential exponential(V x) {
  // 1.5 * 2^23 + 127: adding it rounds to an integer, with the exponent's bias in the last bits.
  const V magic = all(12583039.0f);
  V t = x * 1.44269504f + magic;
  V n = t - magic;
  V r = x - n * 0.693359375f + n * 2.12194440e-4f;  // x - n ln 2, in two parts
  V q = all(1.38145405e-3f);  // the error of this polynomial is 2^-28 of e^r
  q = q * r + 8.36874545e-3f;
  q = q * r + 4.16683890e-2f;
  q = q * r + 1.66665211e-1f;
  q = q * r + 4.99999940e-1f;
  q = (q * r) * r + r;
  return {(V)((Bits)t << 23), q};
}

inline V minus_abs(V x) { return (V)((Bits)x | INT32_MIN); }

// With e = e^-|x| and y = e / (1 + e): e - e y where x is negative, else 1 - y. The subtraction
// makes up for the rounding of the sum.
inline V sigmoid(V x) {
  V a = minus_abs(x);
  Exponential p = exponential(a);
  V e = a < -87.33f ? V{} : p.s + p.s * p.q;
  V y = e / (1.0f + e);
  y = e - e * y;
  return x < 0.0f ? y : 1.0f - y;
}

// With e = e^-2|x| and half = (e - 1) / 2: 1 - 2 e / (1 + e), or where that would cancel
// half - 2 half (half / (1 + e)); the sign is put back at the end.
inline V tanh(V x) {
  V a = minus_abs(x);
  Exponential p = exponential(a + a);
  V e = a < -10.0f ? V{} : p.s + p.s * p.q;
  V half = 0.5f * (p.s * p.q + (p.s - 1.0f));
  V from = a < -0.55f ? all(-1.0f) : half;
  V y = (a < -0.55f ? e : half) / (1.0f + e);
  y = from - (from + from) * y;
  return (V)(((Bits)y & INT32_MAX) | ((Bits)x & INT32_MIN));
}

// A vector of each of so many rows.
struct Column {
  float* at;
  int64_t stride, rows;
};

template <typename F>
inline void update(Column x, F f) {
  for (int64_t r = 0; r < x.rows; ++r, x.at += x.stride) store(x.at, f(load(x.at)));
}

// One function at a time over all rows: then the processor works at several rows at once.
inline void squash(int32_t squasher, Column x) {
  switch (squasher) {
    case SIGMOID: return update(x, [](V v) { return sigmoid(v); });
    case TANH: return update(x, [](V v) { return tanh(v); });
    case CENTERED_SIGMOID_2: return update(x, [](V v) { return 2.0f * tanh(0.5f * v); });
    case CENTERED_SIGMOID_1: return update(x, [](V v) { return tanh(0.5f * v); });
  }
}

// The slope of every squasher is a + b y + c y^2, where y is its value.
struct Slope {
  float a, b, c;
  V operator()(V y) const { return a + y * (b + y * c); }
};

inline Slope slope(int32_t squasher) {
  switch (squasher) {
    case SIGMOID: return {0.0f, 1.0f, -1.0f};
    case TANH: return {1.0f, 0.0f, -1.0f};
    case CENTERED_SIGMOID_2: return {1.0f, 0.0f, -0.25f};
    case CENTERED_SIGMOID_1: return {0.5f, 0.0f, -0.5f};
    default: return {1.0f, 0.0f, 0.0f};
  }
}

// For every lane, the sum over the lanes of its block.
inline V block_sum(V x, int64_t block_size) {
  if (block_size == 1) return x;
  V sums = {};
  for (int64_t first = 0; first + block_size <= LANES; first += block_size) {
    float sum = 0.0f;
    for (int64_t lane = first; lane < first + block_size; ++lane) sum += x[lane];
    for (int64_t lane = first; lane < first + block_size; ++lane) sums[lane] = sum;
  }
  return sums;
}

}  // namespace
