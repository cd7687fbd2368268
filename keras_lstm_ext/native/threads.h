// Threads that sleep while there is nothing to do, and what they share of a job.
#pragma once

#include <cstddef>
#include <cstdint>

// A job goes on in phases, each of as many parts as it has threads.
struct Crew;

// Where a thread is in a job.
struct Turn {
  Crew* crew;
  int64_t member;
  int64_t phase, part;  // `part` is what it works at, or -1
  bool alone;           // did another's part in the last phase, and does not wait for it in this one
};

// Ends the part that the thread works at and takes another one of the phase: its own, or one whose
// thread is late. False when all parts of the phase are done; then the next phase begins.
bool next(Turn&);

// Runs job(argument, turn) on the calling thread and on up to threads - 1 others, and returns when
// all parts of all phases are done. A thread that cannot be had, or does not get a processor in
// time, is not waited for: others do its parts. It may still look at the argument afterwards, which
// is therefore copied, and at nothing else. False where there is no memory: then nothing ran.
bool run_together(int64_t threads, void (*job)(const void*, Turn), const void* argument,
                  size_t bytes);
