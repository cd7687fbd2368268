#include "threads.h"

#include <atomic>
#include <cfenv>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "fork.h"

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("isb")  // `yield` takes no time on most
#else
#define PAUSE() ((void)0)
#endif

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr microseconds PATIENCE{1};  // before the parts of those who are late are taken
constexpr microseconds SPIN{10};     // before another thread may have this processor
constexpr microseconds YIELD{1000};  // before this one sleeps

struct alignas(64) Part {
  std::atomic<int64_t> taken{0};  // in so many phases
};

}  // namespace

struct Crew {
  Crew(int64_t threads, void (*job)(const void*, Turn), const void* argument, size_t bytes)
      : job(job), argument(new char[bytes]), parts(threads) {
    std::memcpy(this->argument.get(), argument, bytes);
    std::fegetenv(&environment);
  }

  void work(int64_t member) { job(argument.get(), {this, member, 0, -1, false}); }

  void (*job)(const void*, Turn);
  std::unique_ptr<char[]> argument;
  std::fenv_t environment;  // TensorFlow's threads flush denormals; all must do the same
  std::vector<Part> parts;
  alignas(64) std::atomic<int64_t> done{0};  // parts of all phases; one word, because a line takes
                                             // long to another core
  std::atomic<int64_t> sleeping{0};
  std::mutex mutex;
  std::condition_variable passed;
};

namespace {

bool take(Turn& turn, int64_t part) {
  std::atomic<int64_t>& taken = turn.crew->parts[part].taken;
  int64_t phase = turn.phase;
  if (taken.load(std::memory_order_relaxed) != phase ||
      !taken.compare_exchange_strong(phase, phase + 1))
    return false;
  turn.part = part;
  return true;
}

bool take_of_another(Turn& turn) {
  const int64_t parts = turn.crew->parts.size();
  for (int64_t k = 1; k < parts; ++k)
    if (take(turn, (turn.member + k) % parts)) return true;
  return false;
}

// One more part is done. Where it was the last of the phase, those who sleep are woken.
bool is_last(Crew& crew, int64_t awaited) {
  if (crew.done.fetch_add(1) + 1 < awaited) return false;
  if (crew.sleeping.load() > 0) {
    std::lock_guard<std::mutex> lock(crew.mutex);
    crew.passed.notify_all();
  }
  return true;
}

void pause() { PAUSE(); }

// Whether so many parts are done within a time.
template <typename F>
bool within(microseconds limit, const Crew& crew, int64_t awaited, F between) {
  const Clock::time_point end = Clock::now() + limit;
  do {
    for (int k = 0; k < 8; ++k) {
      if (crew.done.load(std::memory_order_acquire) >= awaited) return true;
      between();
    }
  } while (Clock::now() < end);
  return false;
}

void sleep(Crew& crew, int64_t awaited) {
  std::unique_lock<std::mutex> lock(crew.mutex);
  ++crew.sleeping;
  crew.passed.wait(lock, [&] { return crew.done.load() >= awaited; });
  --crew.sleeping;
}

}  // namespace

bool next(Turn& turn) {
  Crew& crew = *turn.crew;
  const int64_t awaited = (turn.phase + 1) * static_cast<int64_t>(crew.parts.size());
  const bool starts = turn.part < 0, own = turn.part == turn.member;
  auto over = [&] {
    turn.alone = !starts && !own;
    turn.part = -1;
    ++turn.phase;
    return false;
  };
  if (starts && take(turn, turn.member)) return true;
  if (starts ? crew.done.load() >= awaited : is_last(crew, awaited)) return over();
  if (own && !turn.alone && within(PATIENCE, crew, awaited, pause)) return over();
  if (take_of_another(turn)) return true;
  if (within(SPIN, crew, awaited, pause)) return over();
  // Whose part is awaited has lost its processor, perhaps to this thread.
  if (!within(YIELD, crew, awaited, [] { std::this_thread::yield(); })) sleep(crew, awaited);
  return over();
}

namespace {

struct Worker {
  std::shared_ptr<Crew> crew;
  int64_t member = 0;
  std::mutex mutex;
  std::condition_variable called;
};

struct Pool {
  std::mutex mutex;
  std::vector<Worker*> idle;
  int64_t wanted = 0, all = 0;  // by the calls that run; threads that there are
};

// Never destroyed: its threads sleep until the process ends.
alignas(Pool) char place[sizeof(Pool)];
Pool* const pool = new (place) Pool;

// A forked child has none of the threads, and the lock may be that of one of them.
[[maybe_unused]] const int forgotten = at_fork(nullptr, nullptr, [] { new (place) Pool; });

void work(Worker* worker) {
  for (;;) {
    std::shared_ptr<Crew> crew;
    {
      std::unique_lock<std::mutex> lock(worker->mutex);
      worker->called.wait(lock, [worker] { return worker->crew != nullptr; });
      crew.swap(worker->crew);
    }
    std::fesetenv(&crew->environment);
    crew->work(worker->member);
    crew.reset();
    std::lock_guard<std::mutex> lock(pool->mutex);
    pool->idle.push_back(worker);
  }
}

// Up to so many workers. A call that finds those of an earlier one still at work gets no others:
// there are never more threads than the calls that run want together.
std::vector<Worker*> hire(int64_t count) {
  std::vector<Worker*> hired;
  std::lock_guard<std::mutex> lock(pool->mutex);
  pool->wanted += count;
  try {
    hired.reserve(count);
    for (; count > 0 && !pool->idle.empty(); --count) {
      hired.push_back(pool->idle.back());
      pool->idle.pop_back();
    }
    for (; count > 0 && pool->all < pool->wanted; --count) {
      pool->idle.reserve(pool->all + 1);  // so that a worker can always come back
      std::unique_ptr<Worker> worker(new Worker);
      std::thread(work, worker.get()).detach();
      hired.push_back(worker.release());
      ++pool->all;
    }
  } catch (const std::exception&) {  // there are as many threads as the system gives
  }
  return hired;
}

// Those who have not begun need not come any more.
void dismiss(const std::vector<Worker*>& hired, int64_t wanted) {
  std::lock_guard<std::mutex> lock(pool->mutex);
  pool->wanted -= wanted;
  for (Worker* worker : hired) {
    std::lock_guard<std::mutex> lock(worker->mutex);
    if (!worker->crew) continue;
    worker->crew.reset();
    pool->idle.push_back(worker);
  }
}

}  // namespace

bool run_together(int64_t threads, void (*job)(const void*, Turn), const void* argument,
                  size_t bytes) try {
  const auto crew = std::make_shared<Crew>(threads, job, argument, bytes);
  const std::vector<Worker*> hired = hire(threads - 1);
  int64_t member = 0;
  for (Worker* worker : hired) {
    std::lock_guard<std::mutex> lock(worker->mutex);
    worker->crew = crew;
    worker->member = ++member;
    worker->called.notify_one();
  }
  crew->work(0);
  dismiss(hired, threads - 1);
  return true;
} catch (const std::exception&) {
  return false;
}
