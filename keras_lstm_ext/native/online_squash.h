// Squashers in float64 whose bits do not depend on the processor or the C library.
#pragma once

#include <cstdint>
#include <cstring>

#include "lstm.h"

namespace online {

// scale * sigmoid(slope * x) + offset, and its derivative at the value y: d[0] + d[1] y + d[2] y^2.
struct Squash {
  double scale, slope, offset, d[3];
  double derivative(double y) const { return d[0] + (d[1] + d[2] * y) * y; }
};

// By `Squasher`; LINEAR is never computed.
const Squash SQUASH[] = {{1, 1, 0, {0, 1, -1}},
                         {2, 2, -1, {1, 0, -1}},
                         {1, 1, 0, {1, 0, 0}},
                         {4, 1, -2, {1, 0, -0.25}},
                         {2, 1, -1, {0.5, 0, -0.5}}};

// e^x = 2^n e^r with |r| <= log(2) / 2, and the series of e^r up to where it no longer counts.
inline double exponential(double x) {
  const double log2_e = 1.4426950408889634, rounds = 6755399441055744.0;  // 1.5 * 2^52
  const double ln2_high = 0.693147180369123816490, ln2_low = 1.90821492927058770002e-10;
  x = x < -700 ? -700 : x > 700 ? 700 : x;
  const double shifted = x * log2_e + rounds, n = shifted - rounds;
  const double r = (x - n * ln2_high) - n * ln2_low;
  double series = 1.0 / 6227020800;
  const double factorials[] = {479001600, 39916800, 3628800, 362880, 40320, 5040,
                               720, 120, 24, 6, 2, 1, 1};
  for (double factorial : factorials) series = series * r + 1.0 / factorial;
  uint64_t bits, zero;
  std::memcpy(&bits, &shifted, sizeof bits);
  std::memcpy(&zero, &rounds, sizeof zero);
  const uint64_t power = (bits - zero + 1023) << 52;
  double scale;
  std::memcpy(&scale, &power, sizeof scale);
  return series * scale;
}

inline void squash(int32_t squasher, double* x, int64_t n) {
  if (squasher == LINEAR) return;
  const Squash& s = SQUASH[squasher];
  for (int64_t k = 0; k < n; ++k)
    x[k] = s.scale / (1 + exponential(-s.slope * x[k])) + s.offset;
}

}  // namespace online
