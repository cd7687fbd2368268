// Squashers in float64 whose bits do not depend on the processor or the C library.
#pragma once

#include <cstdint>

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

// Two at a time: what every processor has.
typedef double Pair __attribute__((vector_size(16)));
typedef uint64_t Bits __attribute__((vector_size(16)));

// e^x = 2^n e^r with |r| <= log(2) / 2, and the series of e^r up to where it no longer counts.
inline Pair exponential(Pair x) {
  const Pair least = {-700, -700}, most = {700, 700};
  const Pair rounds = {6755399441055744.0, 6755399441055744.0};  // 1.5 * 2^52
  x = x < least ? least : x;
  x = x > most ? most : x;
  const Pair shifted = x * 1.4426950408889634 + rounds, n = shifted - rounds;
  const Pair r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  Pair e = 1 / 479001600.0 + r * (1 / 6227020800.0);
  e = 1 / 3628800.0 + r * (1 / 39916800.0 + r * e);
  e = 1 / 40320.0 + r * (1 / 362880.0 + r * e);
  e = 1 / 720.0 + r * (1 / 5040.0 + r * e);
  e = 1 / 24.0 + r * (1 / 120.0 + r * e);
  e = 1 + r * (1 + r * (1 / 2.0 + r * (1 / 6.0 + r * e)));
  const Bits power = ((Bits)shifted - (Bits)rounds + 1023) << 52;
  return e * (Pair)power;
}

inline void squash(int32_t squasher, double* x, int64_t n) {
  if (squasher == LINEAR) return;
  const Squash s = SQUASH[squasher];
  for (int64_t k = 0; k < n; k += 2) {
    const bool both = k + 1 < n;
    Pair y = {x[k], both ? x[k + 1] : 0};
    y = s.scale / (1 + exponential(-s.slope * y)) + s.offset;
    x[k] = y[0];
    if (both) x[k + 1] = y[1];
  }
}

}  // namespace online
