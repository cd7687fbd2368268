// A pool of threads that sleep while there is nothing to do, and the barrier of those that work.
#pragma once

#include <cstdint>

struct Barrier;

Barrier* new_barrier(int64_t members);  // null where there is no memory

void delete_barrier(Barrier*);

// Waits for all members; a null barrier has no others.
void wait(Barrier*);

// Runs job(argument, 0) to job(argument, threads - 1), all at the same time. False where the
// threads cannot be had: then nothing ran.
bool run_together(int64_t threads, void (*job)(const void*, int64_t), const void* argument);
