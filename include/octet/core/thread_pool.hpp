#pragma once
#include <cstdint>
#include <memory>

#include "error.hpp"

OCTET_BEGIN
namespace detail {
class Workers;

/// A function void(std::int64_t task, int worker) that somebody else keeps.
struct TaskFunction {
  const void* object;
  void (*call)(const void* object, std::int64_t task, int worker);
};
}  // namespace detail

/// Threads that share the work of an operator; results never depend on how many there are. The calling thread takes
/// part, so a pool of 1 starts no thread. One pool may serve several executors. A thread that has nothing to do looks
/// out for more for a fifth of a millisecond, since layers follow each other more quickly than threads wake up; then it
/// sleeps. In a child process made by fork(), whose threads are gone, a pool runs everything on the calling thread.
class ThreadPool {
 public:
  static constexpr int max_threads = 1024;

  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const noexcept { return size_; }

  /// Calls f(task, worker) for every task in [0, tasks), each once; worker is in [0, size()) and no two calls
  /// of the same worker overlap. f must not throw. Allocates nothing. Called from within a task, it runs
  /// there alone. Workers begin with the tasks of their own share, which are neighbours (what they read was mostly
  /// written by the same worker in the layer before), and then help with those of others.
  template <class F>
  void parallel(std::int64_t tasks, const F& f) {
    run(tasks, {&f, [](const void* object, std::int64_t task, int worker) {
                  (*static_cast<const F*>(object))(task, worker);
                }});
  }

 private:
  void run(std::int64_t tasks, detail::TaskFunction f);

  int size_;
  std::unique_ptr<detail::Workers> workers_;  // null for one thread
};

/// Processors this process may use.
int available_processors();

/// The pool executors use unless they are given another: one thread for each processor.
const std::shared_ptr<ThreadPool>& default_pool();

namespace detail {
/// `given`, or one of so many threads; of 0 threads: the default pool.
std::shared_ptr<ThreadPool> pool_for(const std::shared_ptr<ThreadPool>& given, int threads);
}  // namespace detail

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "thread_pool.inl"
#endif
