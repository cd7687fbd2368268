// Memory that one call leaves to the next: fresh pages cost more than the work of a short call.
#pragma once

#include <cstddef>

struct Memory {
  float* at;
  size_t bytes;
};

// At least so many bytes, a multiple of 64, on a cache line; null where there is no memory.
Memory allocate(size_t bytes);

void release(Memory);

// The same, of what calls before gave back.
Memory borrow(size_t bytes);

void give_back(Memory);
