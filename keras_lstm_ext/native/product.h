// The one matrix product that everything else is made of.
#pragma once

#include "vector.h"

namespace {

// left * right, where `left` is at the element (row 0, k 0), and `right` is packed: the vectors of
// each k, one k after the other. The two levels of k let the left factor stay in panels.
struct Term {
  const float* left;
  int64_t row, outer, k;  // from one to the next
  int64_t outers, depth;  // how many
  const float* right;
};

// The sum begins with `start`, whose rows are `start_row` apart (0: the same for all); null: with
// zeros.
struct Target {
  const float* start;
  int64_t start_row;
  float* at;
  int64_t row;
};

// What a row is multiplied by. On ARM it stays one float, which instructions take by element: to
// spread it first, as Clang would, takes the vector units' time. (asm hides where it comes from.)
#if defined(__aarch64__)
using Factor = float;
inline Factor factor(const float* at) {
  float x = *at;
  asm("" : "+w"(x));
  return x;
}
inline V spread(Factor x) { return all(x); }
#else
using Factor = V;
inline Factor factor(const float* at) { return all(*at); }
inline V spread(Factor x) { return x; }
#endif

// ROWS rows and VECTORS vectors of columns of a sum of products, accumulated in registers.
template <int ROWS, int VECTORS>
void tile(const Term* term, const Term* end, const Target& target) {
  V sum[ROWS][VECTORS];
  for (int r = 0; r < ROWS; ++r)
    for (int v = 0; v < VECTORS; ++v)
      sum[r][v] = target.start ? load(target.start + r * target.start_row + v * LANES) : V{};
  for (; term < end; ++term) {
    const float* right = term->right;
    for (int64_t outer = 0; outer < term->outers; ++outer) {
      const float* left = term->left + outer * term->outer;
      for (int64_t k = 0; k < term->depth; ++k, left += term->k, right += VECTORS * LANES) {
        Factor a[ROWS];
#pragma GCC unroll 6
        for (int r = 0; r < ROWS; ++r) a[r] = factor(left + r * term->row);
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
          const V b = load(right + v * LANES);  // one at a time, or Clang runs out of registers
#pragma GCC unroll 6
          for (int r = 0; r < ROWS; ++r) sum[r][v] += spread(a[r]) * b;
        }
      }
    }
  }
  for (int r = 0; r < ROWS; ++r)
    for (int v = 0; v < VECTORS; ++v) store(target.at + r * target.row + v * LANES, sum[r][v]);
}

template <int VECTORS>
void tile(int64_t rows, const Term* term, const Term* end, const Target& target) {
  switch (rows) {
    case 1: return tile<1, VECTORS>(term, end, target);
    case 2: return tile<2, VECTORS>(term, end, target);
    case 3: return tile<3, VECTORS>(term, end, target);
#if TILE_ROWS > 3
    case 4: return tile<4, VECTORS>(term, end, target);
    case 5: return tile<5, VECTORS>(term, end, target);
    case 6: return tile<6, VECTORS>(term, end, target);
#endif
  }
}

// target = start + the sum of the terms, for any number of rows, in tiles of about equal height.
template <int TERMS>
void product(int64_t rows, int64_t vectors, const Term (&sum)[TERMS], Target target) {
  Term terms[TERMS];
  std::memcpy(terms, sum, sizeof terms);
  for (int64_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS; tiles > 0; --tiles) {
    int64_t height = (rows + tiles - 1) / tiles;
    switch (vectors) {
      case 1: tile<1>(height, terms, terms + TERMS, target); break;
      case 2: tile<2>(height, terms, terms + TERMS, target); break;
      case 3: tile<3>(height, terms, terms + TERMS, target); break;
      case 4: tile<4>(height, terms, terms + TERMS, target); break;
    }
    rows -= height;
    for (Term& term : terms) term.left += height * term.row;
    target.at += height * target.row;
    if (target.start) target.start += height * target.start_row;
  }
}

}  // namespace
