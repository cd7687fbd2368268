#include "memory.h"

#include <exception>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "fork.h"

namespace {

constexpr size_t CACHE_LINE = 64;
constexpr size_t HUGE_PAGE = size_t{2} << 20;
constexpr size_t LARGE = HUGE_PAGE / 8;
constexpr size_t MOST = size_t{64} << 20;       // bytes that are worth keeping
constexpr size_t TOGETHER = size_t{256} << 20;  // of all that is idle

// Calls that run at the same time have memory of their own.
struct Kept {
  std::mutex mutex;
  std::vector<Memory> idle;
  size_t bytes = 0;  // of all that is idle
};

// Never destroyed, as the threads are.
alignas(Kept) char place[sizeof(Kept)];
Kept* const kept = new (place) Kept;

// A forked child has a list that no other thread was changing.
void hold() { kept->mutex.lock(); }
void let_go() { kept->mutex.unlock(); }
[[maybe_unused]] const int held_at_fork = at_fork(hold, let_go, let_go);

std::align_val_t alignment(size_t bytes) {
  return std::align_val_t{bytes < LARGE ? CACHE_LINE : HUGE_PAGE};
}

Memory take_idle() {
  std::lock_guard<std::mutex> lock(kept->mutex);
  if (kept->idle.empty()) return {};
  const Memory memory = kept->idle.back();
  kept->idle.pop_back();
  kept->bytes -= memory.bytes;
  return memory;
}

bool keep(Memory memory) try {
  if (!memory.at || memory.bytes > MOST) return false;
  std::lock_guard<std::mutex> lock(kept->mutex);
  if (kept->bytes + memory.bytes > TOGETHER) return false;
  kept->idle.push_back(memory);
  kept->bytes += memory.bytes;
  return true;
} catch (const std::exception&) {
  return false;  // there is not even memory for the list
}

}  // namespace

// Weights on small pages, which lie anywhere, push each other out of the second-level cache.
Memory allocate(size_t bytes) {
  if (bytes >= LARGE) bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  auto* at = static_cast<float*>(::operator new(bytes, alignment(bytes), std::nothrow));
#if defined(__linux__)
  if (at && bytes >= LARGE) madvise(at, bytes, MADV_HUGEPAGE);  // a wish: it may be refused
#endif
  return {at, bytes};
}

void release(Memory memory) { ::operator delete(memory.at, alignment(memory.bytes)); }

Memory borrow(size_t bytes) {
  const Memory memory = take_idle();
  if (memory.bytes >= bytes) return memory;
  release(memory);
  return allocate(bytes);
}

void give_back(Memory memory) {
  if (!keep(memory)) release(memory);
}
