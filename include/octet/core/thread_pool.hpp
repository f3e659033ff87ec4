#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#if __has_include(<Eigen/ThreadPool>)  // Eigen 5
#  include <Eigen/ThreadPool>
#else
#  include <unsupported/Eigen/CXX11/ThreadPool>
#endif
#if defined(__linux__)
#  include <sched.h>
#endif

#include "error.hpp"

OCTET_BEGIN

/// Threads that share the work of an operator; results never depend on how many there are. The calling thread
/// takes part, so a pool of 1 starts no thread. One pool may serve several executors.
class ThreadPool {
 public:
  explicit ThreadPool(int threads) : size_(threads) {
    detail::require(threads >= 1 && threads <= max_threads, "a thread pool needs 1 to ", max_threads, " threads, not ",
                    threads);
    offers_ = std::make_unique<std::atomic<Job*>[]>(static_cast<std::size_t>(threads));
    if (threads > 1) workers_ = std::make_unique<Eigen::ThreadPool>(threads - 1);
  }
  static constexpr int max_threads = 1024;

  int size() const noexcept { return size_; }

  /// Calls f(task, worker) for every task in [0, tasks), each once; worker is in [0, size()) and no two calls
  /// of the same worker overlap. f must not throw. Allocates nothing. Called from within a task, it runs
  /// there alone.
  template <class F>
  void parallel(std::int64_t tasks, const F& f) {
    const auto helpers = static_cast<int>(std::min<std::int64_t>(tasks, size_)) - 1;
    if (helpers <= 0 || inside_task()) {  // waiting inside a task for threads that wait as well would not end
      for (std::int64_t t = 0; t < tasks; ++t) f(t, 0);
      return;
    }
    struct Work : Job {
      Work(const F& function, std::int64_t n) : f(function), tasks(n) {}
      void work(int worker) noexcept override {
        inside_task() = true;
        for (std::int64_t t; (t = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) f(t, worker);
        inside_task() = false;
      }
      const F& f;
      const std::int64_t tasks;
      std::atomic<std::int64_t> next{0};
    } job(f, tasks);
    for (int w = 1; w <= helpers; ++w) {
      Job* none = nullptr;  // else work of another thread waits for this helper
      job.running.fetch_add(1, std::memory_order_relaxed);
      if (offers_[static_cast<std::size_t>(w)].compare_exchange_strong(none, &job))
        workers_->Schedule([this, w] { help(w); });  // two words: std::function keeps them without allocating
      else
        job.running.fetch_sub(1, std::memory_order_relaxed);
    }
    job.work(0);
    // Helpers that have not begun (the processor is busy, or waking them takes longer than the work) need
    // not.
    for (int w = 1; w <= helpers; ++w)
      if (Job* mine = &job; offers_[static_cast<std::size_t>(w)].compare_exchange_strong(mine, nullptr))
        job.running.fetch_sub(1, std::memory_order_relaxed);
    for (int spins = 0; job.running.load(std::memory_order_acquire) != 0; ++spins)
      if (spins > 4000) std::this_thread::yield();
  }

 private:
  static bool& inside_task() noexcept {
    static thread_local bool inside = false;
    return inside;
  }

  struct Job {
    virtual void work(int worker) noexcept = 0;
    std::atomic<int> running{0};  // helpers that have an offer of it or work on it

   protected:
    ~Job() = default;
  };
  void help(int w) {
    if (Job* job = offers_[static_cast<std::size_t>(w)].exchange(nullptr)) {
      job->work(w);
      job->running.fetch_sub(1, std::memory_order_release);
    }
  }

  int size_;
  std::unique_ptr<std::atomic<Job*>[]> offers_;  // what helper w shall do next
  std::unique_ptr<Eigen::ThreadPool> workers_;
};

/// Processors this process may use.
inline int available_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::clamp(CPU_COUNT(&set), 1, ThreadPool::max_threads);
#endif
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, ThreadPool::max_threads);
}

/// The pool executors use unless they are given another: one thread for each processor.
inline const std::shared_ptr<ThreadPool>& default_pool() {
  static const auto pool = std::make_shared<ThreadPool>(available_processors());
  return pool;
}

OCTET_END
