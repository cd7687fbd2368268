// What a compilation of kernels.cpp offers.
#pragma once

#include <cstdint>

struct Kernels {
  int64_t lanes, tile_rows;
  void (*forward)(const void* job, int64_t thread);
  void (*backward)(const void* job, int64_t thread);
};
