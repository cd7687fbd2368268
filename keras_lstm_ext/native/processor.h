// What the processor has, asked of itself.
#pragma once

#include <cstdint>

// Whether it has the instructions, and the system saves their registers.
bool has_instructions(int32_t isa);

// Bytes of a core's second-level cache, or of its share where cores have one together.
int64_t second_level_cache();
