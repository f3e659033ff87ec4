#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
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

namespace detail {
/// Tells the processor that this thread waits for another.
inline void pause() noexcept {
#if OCTET_X86 && defined(__GNUC__)
  __builtin_ia32_pause();
#elif OCTET_X86
  _mm_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  __asm__ volatile("yield");
#endif
}
}  // namespace detail

/// Threads that share the work of an operator; results never depend on how many there are. The calling thread takes
/// part, so a pool of 1 starts no thread. One pool may serve several executors. A thread that has nothing to do looks
/// out for more for a fifth of a millisecond, since layers follow each other more quickly than threads wake up; then it
/// sleeps.
class ThreadPool {
 public:
  explicit ThreadPool(int threads) : size_(threads) {
    detail::require(threads >= 1 && threads <= max_threads, "a thread pool needs 1 to ", max_threads, " threads, not ",
                    threads);
    helpers_ = std::make_unique<Helper[]>(static_cast<std::size_t>(threads));
    if (threads > 1) workers_ = std::make_unique<Eigen::ThreadPool>(threads - 1);
  }
  static constexpr int max_threads = 1024, most_shares = 64;

  int size() const noexcept { return size_; }

  /// Calls f(task, worker) for every task in [0, tasks), each once; worker is in [0, size()) and no two calls
  /// of the same worker overlap. f must not throw. Allocates nothing. Called from within a task, it runs
  /// there alone. Workers begin with the tasks of their own share, which are neighbours (what they read was mostly
  /// written by the same worker in the layer before), and then help with those of others.
  template <class F>
  void parallel(std::int64_t tasks, const F& f) {
    const auto wanted = static_cast<int>(std::min<std::int64_t>(tasks, size_)) - 1;
    if (wanted <= 0 || inside_task()) {  // waiting inside a task for threads that wait as well would not end
      for (std::int64_t t = 0; t < tasks; ++t) f(t, 0);
      return;
    }
    struct Work : Job {
      Work(const F& function, std::int64_t n, int parts) : f(function), tasks(n), shares(parts) {
        for (int s = 0; s < shares; ++s) next[s].task.store(begin(s), std::memory_order_relaxed);
      }
      std::int64_t begin(int share) const noexcept { return tasks * share / shares; }
      void work(int worker) noexcept override {
        inside_task() = true;
        for (int i = 0; i < shares; ++i) {
          const int s = (worker + i) % shares;
          const std::int64_t end = begin(s + 1);
          for (std::int64_t t; (t = next[s].task.fetch_add(1, std::memory_order_relaxed)) < end;) f(t, worker);
        }
        inside_task() = false;
      }
      struct alignas(64) Next {
        std::atomic<std::int64_t> task;
      };
      const F& f;
      const std::int64_t tasks;
      const int shares;
      Next next[most_shares];
    } job(f, tasks, std::min(wanted + 1, most_shares));
    for (int w = 1; w <= wanted; ++w) offer(w, job);
    job.work(0);
    // Helpers that have not begun (the processor is busy, or waking them takes longer than the work) need not.
    for (int w = 1; w <= wanted; ++w)
      if (Job* mine = &job; helper(w).job.compare_exchange_strong(mine, waiting()))
        job.running.fetch_sub(1, std::memory_order_relaxed);
    for (int spins = 0; job.running.load(std::memory_order_acquire) != 0; ++spins)
      spins < 4000 ? detail::pause() : std::this_thread::yield();
  }

 private:
  static bool& inside_task() noexcept {
    static thread_local bool inside = false;
    return inside;
  }

  struct Job {
    virtual void work(int) noexcept {}
    std::atomic<int> running{0};  // helpers that have an offer of it or work on it
  };
  /// What helper w shall do next: a job; or `waiting` (it looks out for one), `busy` (with another's), or null: it
  /// sleeps.
  struct alignas(64) Helper {
    std::atomic<Job*> job{nullptr};
  };
  static Job* waiting() noexcept {
    static Job mark;
    return &mark;
  }
  static Job* busy() noexcept {
    static Job mark;
    return &mark;
  }
  Helper& helper(int w) noexcept { return helpers_[static_cast<std::size_t>(w)]; }

  void offer(int w, Job& job) {
    job.running.fetch_add(1, std::memory_order_relaxed);
    std::atomic<Job*>& slot = helper(w).job;
    if (Job* state = waiting(); slot.compare_exchange_strong(state, &job)) return;
    if (Job* state = nullptr; slot.compare_exchange_strong(state, &job))
      workers_->Schedule([this, w] { help(w); });  // two words: std::function keeps them without allocating
    else
      job.running.fetch_sub(1, std::memory_order_relaxed);  // work of another thread is before it
  }

  void help(int w) {
    using Clock = std::chrono::steady_clock;
    constexpr auto patience = std::chrono::microseconds(200);
    constexpr int spins = 64;  // between looks at the clock
    std::atomic<Job*>& slot = helper(w).job;
    for (auto since = Clock::now();;) {
      for (int i = 0; i < spins; ++i) {
        Job* job = slot.load(std::memory_order_relaxed);
        if (job == waiting()) {
          detail::pause();
        } else if (slot.compare_exchange_strong(job, busy())) {  // it may have been taken back
          job->work(w);
          job->running.fetch_sub(1, std::memory_order_release);
          slot.store(waiting());
          since = Clock::now();
        }
      }
      const auto idle = Clock::now() - since;
      if (idle > patience / 4) std::this_thread::yield();  // others may need the processor
      if (Job* state = waiting(); idle > patience && slot.compare_exchange_strong(state, nullptr)) return;
    }
  }

  int size_;
  std::unique_ptr<Helper[]> helpers_;
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

namespace detail {
/// `given`, or one of so many threads; of 0 threads: the default pool.
inline std::shared_ptr<ThreadPool> pool_for(const std::shared_ptr<ThreadPool>& given, int threads) {
  require(threads >= 0, "the number of threads cannot be negative, found ", threads, "; 0 is one a processor");
  return given ? given : threads > 0 ? std::make_shared<ThreadPool>(threads) : default_pool();
}
}  // namespace detail

OCTET_END
