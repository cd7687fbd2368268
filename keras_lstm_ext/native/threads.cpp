#include "threads.h"

#include <atomic>
#include <cfenv>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#else
#define PAUSE() ((void)0)
#endif

constexpr int SPINS = 2000;  // some microseconds

struct alignas(64) Barrier {
  std::atomic<int64_t> arrived{0};  // ever; one word, because a line takes long to another core
  int64_t members = 1;
  std::atomic<int64_t> sleeping{0};
  std::mutex mutex;
  std::condition_variable passed;
};

Barrier* new_barrier(int64_t members) {
  Barrier* barrier = new (std::nothrow) Barrier;
  if (barrier) barrier->members = members;
  return barrier;
}

void delete_barrier(Barrier* barrier) { delete barrier; }

void wait(Barrier* barrier) {
  if (!barrier) return;
  const int64_t before = barrier->arrived.fetch_add(1);
  const int64_t awaited = (before / barrier->members + 1) * barrier->members;
  if (before + 1 == awaited) {
    if (barrier->sleeping.load() > 0) {
      std::lock_guard<std::mutex> lock(barrier->mutex);
      barrier->passed.notify_all();
    }
    return;
  }
  for (int spins = 0; spins < SPINS; ++spins) {
    if (barrier->arrived.load(std::memory_order_acquire) >= awaited) return;
    PAUSE();
  }
  // Another thread has no processor, perhaps: it can have this one.
  std::unique_lock<std::mutex> lock(barrier->mutex);
  ++barrier->sleeping;
  barrier->passed.wait(lock, [=] { return barrier->arrived.load() >= awaited; });
  --barrier->sleeping;
}

namespace {

struct Task {
  void (*job)(const void*, int64_t);
  const void* argument;
  std::fenv_t environment;  // TensorFlow's threads flush denormals; all must do the same
  std::atomic<int64_t> left;
  std::mutex mutex;
  std::condition_variable finished;
};

struct Worker {
  Task* task = nullptr;
  int64_t index = 0;
  std::mutex mutex;
  std::condition_variable called;
};

// Workers that have nothing to do. Never destroyed: they sleep until the process ends.
struct Pool {
  std::mutex mutex;
  std::vector<Worker*> idle;
};

Pool& pool() {
  static Pool* const only = new Pool;
  return *only;
}

void work(Worker* worker) {
  for (;;) {
    Task* task;
    {
      std::unique_lock<std::mutex> lock(worker->mutex);
      worker->called.wait(lock, [worker] { return worker->task != nullptr; });
      task = worker->task;
      worker->task = nullptr;
    }
    std::fesetenv(&task->environment);
    task->job(task->argument, worker->index);
    {
      std::lock_guard<std::mutex> lock(pool().mutex);
      pool().idle.push_back(worker);
    }
    std::lock_guard<std::mutex> lock(task->mutex);
    if (--task->left == 0) task->finished.notify_one();
  }
}

// Calls that run at the same time have workers of their own: a job's threads wait for each other.
std::vector<Worker*> hire(int64_t count) {
  std::lock_guard<std::mutex> lock(pool().mutex);
  std::vector<Worker*>& idle = pool().idle;
  idle.reserve(idle.size() + count);
  while (static_cast<int64_t>(idle.size()) < count) {
    Worker* worker = new Worker;
    std::thread(work, worker).detach();
    idle.push_back(worker);
  }
  std::vector<Worker*> hired(idle.end() - count, idle.end());
  idle.resize(idle.size() - count);
  return hired;
}

}  // namespace

bool run_together(int64_t threads, void (*job)(const void*, int64_t), const void* argument) try {
  std::vector<Worker*> workers = hire(threads - 1);
  Task task{job, argument, {}, {threads - 1}, {}, {}};
  std::fegetenv(&task.environment);
  for (int64_t k = 0; k < threads - 1; ++k) {
    std::lock_guard<std::mutex> lock(workers[k]->mutex);
    workers[k]->task = &task;
    workers[k]->index = k + 1;
    workers[k]->called.notify_one();
  }
  job(argument, 0);
  for (int spins = 0; task.left != 0 && spins < SPINS; ++spins) PAUSE();
  std::unique_lock<std::mutex> lock(task.mutex);
  task.finished.wait(lock, [&task] { return task.left == 0; });
  return true;
} catch (const std::exception&) {
  return false;
}
