// How a call is laid out, for those that run one: see lstm.cpp.
#pragma once

#include "job.h"
#include "kernels.h"

// The best of those that the processor has and that are asked for at most.
const Kernels& kernels(int32_t isa);

// A call forward: layout, threads, steps of a chunk.
Job forward_job(const Options&, const Inputs&, const Results&);

// Gives everything that a call works in its place in `memory`, and says how many floats that takes.
int64_t place(Job&, bool backward, float* memory);
