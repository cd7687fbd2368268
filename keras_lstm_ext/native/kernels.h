// What a compilation of kernels.cpp offers.
#pragma once

#include <cstdint>

#include "threads.h"

struct Kernels {
  int64_t lanes, tile_rows;
  void (*forward)(const void* job, Turn turn);
  void (*backward)(const void* job, Turn turn);
  void (*pack)(const void* job), (*step)(const void* job);  // of a stream
};
