#include "memory.h"

#include <pthread.h>

#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <vector>

namespace {

constexpr size_t MOST = size_t{64} << 20;  // bytes that are worth keeping

// Calls that run at the same time have memory of their own.
struct Kept {
  std::mutex mutex;
  std::vector<Memory> idle;
};

// Never destroyed, as the threads are.
alignas(Kept) char place[sizeof(Kept)];
Kept* const kept = new (place) Kept;

// A forked child has a list that no other thread was changing.
void hold() { kept->mutex.lock(); }
void let_go() { kept->mutex.unlock(); }
[[maybe_unused]] const int held_at_fork = pthread_atfork(hold, let_go, let_go);

Memory take_idle() {
  std::lock_guard<std::mutex> lock(kept->mutex);
  if (kept->idle.empty()) return {};
  const Memory memory = kept->idle.back();
  kept->idle.pop_back();
  return memory;
}

}  // namespace

Memory borrow(size_t bytes) {
  const Memory memory = take_idle();
  if (memory.bytes >= bytes) return memory;
  std::free(memory.at);
  return {static_cast<float*>(std::aligned_alloc(64, bytes)), bytes};
}

void give_back(Memory memory) try {
  if (!memory.at || memory.bytes > MOST) return std::free(memory.at);
  std::lock_guard<std::mutex> lock(kept->mutex);
  kept->idle.push_back(memory);
} catch (const std::exception&) {
  std::free(memory.at);  // there is not even memory for the list
}
