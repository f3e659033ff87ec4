#pragma once
#include <cstdint>
#include <memory>

#include "error.hpp"

OCTET_BEGIN
namespace detail {
class Workers;

/// A reference to a function void(std::int64_t task, int worker).
struct TaskFunction {
  const void* object;
  void (*call)(const void* object, std::int64_t task, int worker);
};
}  // namespace detail

/// Threads that share the work of operators. Results never depend on the number of threads. The calling thread takes
/// part, so a pool of size 1 starts no thread. Several executors can share a pool. An idle thread spins for 200
/// microseconds before it sleeps, because layers follow each other faster than threads wake up. After fork(), a pool of
/// the parent runs everything on the calling thread of the child.
class ThreadPool {
 public:
  static constexpr int max_threads = 1024;  ///< the constructor throws Error for more

  /// Starts threads - 1 threads; `threads` is in [1, max_threads], else throws Error.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Number of threads that take part, the calling one included.
  int size() const noexcept { return size_; }

  /// Calls f(task, worker) once for every task in [0, tasks). worker is in [0, size()); calls with the same worker do
  /// not overlap. f must not throw. Does not allocate. If called within a task, runs all of it on the calling thread.
  /// Each worker starts with a contiguous share of the tasks, because the data they read was mostly written by the
  /// same worker in the previous layer, and then takes tasks from the shares of other workers.
  template <class F>
  void parallel(std::int64_t tasks, const F& f) {
    run(tasks, {&f, [](const void* object, std::int64_t task, int worker) {
                  (*static_cast<const F*>(object))(task, worker);
                }});
  }

 private:
  void run(std::int64_t tasks, detail::TaskFunction f);

  int size_;
  std::unique_ptr<detail::Workers> workers_;  ///< null for one thread
};

/// The number of processors that this process may use, at most ThreadPool::max_threads.
int available_processors();

/// The pool that executors use by default: one thread for each available processor.
const std::shared_ptr<ThreadPool>& default_pool();

namespace detail {
/// Calls f(first, count) for parts of n elements, `part` of them or fewer, in parallel. What a part is does not depend
/// on the number of threads.
template <class F>
void parallel_parts(ThreadPool& pool, std::int64_t n, std::int64_t part, const F& f) {
  pool.parallel((n + part - 1) / part, [&](std::int64_t t, int) {
    const std::int64_t first = t * part, left = n - first;
    f(first, left < part ? left : part);
  });
}

/// Returns `given` unless it is null, else a new pool with that number of threads, or the default pool for 0.
std::shared_ptr<ThreadPool> pool_for(const std::shared_ptr<ThreadPool>& given, int threads);
}  // namespace detail

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "thread_pool.inl"
#endif
