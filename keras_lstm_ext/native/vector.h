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

inline V min(V a, float b) { return a > b ? all(b) : a; }  // NaN stays NaN

inline V max(V a, float b) { return a < b ? all(b) : a; }

// e^x as s + s q, where s is a power of two: so that e^x - 1 can be had without cancellation.
struct Exponential {
  V s, q;
};

// For x from -88 to 89, times 2^shift.
inline Exponential exponential(V x, int shift) {
  const V magic = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  V t = x * 1.44269504f + magic;
  V n = t - magic;
  V r = x - n * 0.693359375f + n * 2.12194440e-4f;  // x - n ln 2, in two parts
  V q = all(1.9875691500e-4f);
  q = q * r + 1.3981999507e-3f;
  q = q * r + 8.3334519073e-3f;
  q = q * r + 4.1665795894e-2f;
  q = q * r + 1.6666665459e-1f;
  q = q * r + 5.0000001201e-1f;
  q = (q * r) * r + r;
  Bits power = ((Bits)t + (127 + shift)) << 23;
  return {(V)power, q};
}

// 1 / (1 + e^-x)
inline V sigmoid(V x) {
  // Half of it, because e^89 is not a float; then 1 / (1 + inf) is 0.
  Exponential e = exponential(max(min(-x, 89.0f), -87.0f), -1);
  V half = e.s + e.s * e.q, sum = 1.0f + 2.0f * half, y = 1.0f / sum;
  V lost = (2.0f * half - sum) + 1.0f;  // by the rounding of the sum
  return sum < 3e38f ? y - (y * y) * lost : y;
}

// m / (m + 2), where m = e^2x - 1. For small x that is m/2 - m/2 * m / (m + 2), whose rounding
// errors stay under two units in the last place if x is negative; the sign is put back at the end.
inline V tanh(V x) {
  Bits sign = (Bits)x & INT32_MIN;
  V twice = 2.0f * (V)((Bits)x ^ sign);
  Exponential e = exponential(min(twice < 0.7f ? -twice : twice, 18.1f), 0);
  V m = e.s * e.q + (e.s - 1.0f), half = 0.5f * m;
  V y = m / (m + 2.0f);
  y = twice < 0.7f ? half - half * y : y;
  return (V)(((Bits)y & INT32_MAX) | sign);
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
