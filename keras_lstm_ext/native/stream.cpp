// A layer one step at a time: its weights stay packed, its states stay where they are.
#include <new>

#include "lay.h"
#include "memory.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

// States that fade, as on silence, would become denormal numbers, which take many times as long.
class FlushToZero {
 public:
#if defined(__x86_64__)
  FlushToZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  ~FlushToZero() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#elif defined(__aarch64__)
  FlushToZero() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" : : "r"(before_ | 1 << 24));
  }
  ~FlushToZero() { asm volatile("msr fpcr, %0" : : "r"(before_)); }

 private:
  uint64_t before_;
#endif
};

}  // namespace

struct Stream {
  Job j;
  const Kernels* kernels;
  Memory memory;
};

Stream* lstm_open(const Options* options, const Inputs* in, const Results* states) {
  Options alone = *options;
  alone.time = alone.threads = 1;
  Job j = forward_job(alone, *in, *states);
  const size_t bytes = place(j, false, nullptr) * sizeof(float);
  const Memory memory = allocate(bytes);
  auto* s = new (std::nothrow) Stream{j, &kernels(options->isa), memory};
  if (!memory.at || !s) {
    release(memory);
    delete s;
    return nullptr;
  }
  place(s->j, false, memory.at);
  s->kernels->pack(&s->j);
  return s;
}

void lstm_step(Stream* s) {
  const FlushToZero here;
  s->kernels->step(&s->j);
}

void lstm_close(Stream* s) {
  if (!s) return;
  release(s->memory);
  delete s;
}
