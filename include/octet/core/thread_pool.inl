#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>
#if defined(__linux__)
#  include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#  include <pthread.h>
#endif

#include "thread_pool.hpp"
#if OCTET_X86 && !defined(__GNUC__)
#  include <immintrin.h>
#endif

OCTET_BEGIN
namespace detail {

/// Tells the processor that this is a spin loop.
inline void pause() noexcept {
#if OCTET_X86 && defined(__GNUC__)
  __builtin_ia32_pause();
#elif OCTET_X86
  _mm_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  __asm__ volatile("yield");
#endif
}

/// Whether the calling thread is running a task. Waiting for other threads from there could deadlock.
inline bool& inside_task() noexcept {
  static thread_local bool inside = false;
  return inside;
}

/// Number of forks between the first process and this one. A child process does not have the threads of its parent.
inline int fork_depth() noexcept {
  static std::atomic<int> depth{0};
#if defined(__unix__) || defined(__APPLE__)
  static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { depth.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
#endif
  return depth.load(std::memory_order_relaxed);
}

/// One call of ThreadPool::parallel. Its tasks are split into contiguous shares.
class Job {
 public:
  Job() = default;
  Job(std::int64_t tasks, int shares, TaskFunction f) noexcept : f_(f), tasks_(tasks), shares_(shares) {
    for (int s = 0; s < shares_; ++s) next_[s].task.store(begin(s), std::memory_order_relaxed);
  }
  void work(int worker) noexcept {
    inside_task() = true;
    for (int i = 0; i < shares_; ++i) {
      const int s = (worker + i) % shares_;
      const std::int64_t end = begin(s + 1);
      for (std::int64_t t; (t = next_[s].task.fetch_add(1, std::memory_order_relaxed)) < end;)
        f_.call(f_.object, t, worker);
    }
    inside_task() = false;
  }
  static constexpr int most_shares = 64;
  std::atomic<int> running{0};  // helpers that were offered the job or are working on it

 private:
  std::int64_t begin(int share) const noexcept { return tasks_ * share / shares_; }
  struct alignas(64) Next {
    std::atomic<std::int64_t> task;
  };
  TaskFunction f_{};
  std::int64_t tasks_ = 0;
  int shares_ = 0;
  Next next_[most_shares];
};

/// The threads of a pool except the calling one, numbered from 1.
class Workers {
 public:
  explicit Workers(int threads) : helpers_(static_cast<std::size_t>(threads)) {
#if OCTET_EXCEPTIONS
    try {
      start(threads);
    } catch (...) {  // the system has no more threads: end those already started
      stop();
      throw;
    }
#else
    start(threads);
#endif
  }
  ~Workers() { stop(); }
  bool forked() const noexcept { return depth_ != fork_depth(); }

  /// Runs the job on this thread and `wanted` others.
  void run(Job& job, int wanted) {
    for (int w = 1; w <= wanted; ++w) offer(w, job);
    job.work(0);
    // Take the job back from helpers that have not started yet: all tasks are done.
    for (int w = 1; w <= wanted; ++w)
      if (Job* mine = &job; helper(w).job.compare_exchange_strong(mine, waiting()))
        job.running.fetch_sub(1, std::memory_order_relaxed);
    for (int spins = 0; job.running.load(std::memory_order_acquire) != 0; ++spins) {
      if (spins < 4000)
        pause();
      else
        std::this_thread::yield();
    }
  }

 private:
  /// State of a helper: a job it is to run, waiting() (it is spinning), busy() (it is running a job) or null (asleep).
  struct alignas(64) Helper {
    std::atomic<Job*> job{nullptr};
    std::mutex mutex;
    std::condition_variable wake;
    bool stop = false;
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

  void start(int threads) {
    for (int w = 1; w < threads; ++w) threads_.emplace_back([this, w] { work(w); });
  }
  void stop() {
    for (Helper& h : helpers_) {
      const std::lock_guard<std::mutex> lock(h.mutex);
      h.stop = true;
      h.wake.notify_one();
    }
    for (std::thread& t : threads_) t.join();
  }

  void offer(int w, Job& job) {
    job.running.fetch_add(1, std::memory_order_relaxed);
    Helper& h = helper(w);
    if (Job* state = waiting(); h.job.compare_exchange_strong(state, &job)) return;
    if (Job* state = nullptr; h.job.compare_exchange_strong(state, &job)) {
      { const std::lock_guard<std::mutex> lock(h.mutex); }  // orders this notify after the helper's check of `job`
      h.wake.notify_one();
    } else {
      job.running.fetch_sub(1, std::memory_order_relaxed);  // the helper is running another job
    }
  }

  /// The main loop of a thread.
  void work(int w) {
    Helper& h = helper(w);
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(h.mutex);
        h.wake.wait(lock, [&] { return h.stop || h.job.load(std::memory_order_relaxed) != nullptr; });
        if (h.stop) return;
      }
      help(w);
    }
  }

  void help(int w) {
    using Clock = std::chrono::steady_clock;
    constexpr auto patience = std::chrono::microseconds(200);
    constexpr int spins = 64;  // per reading of the clock
    std::atomic<Job*>& slot = helper(w).job;
    for (auto since = Clock::now();;) {
      for (int i = 0; i < spins; ++i) {
        Job* job = slot.load(std::memory_order_relaxed);
        if (job == waiting()) {
          pause();
        } else if (slot.compare_exchange_strong(job, busy())) {  // run() may have taken it back
          job->work(w);
          // The order matters. Once `running` is 0, the caller may destroy the job and offer its next one, which a
          // helper that is still marked busy would miss.
          slot.store(waiting());
          job->running.fetch_sub(1, std::memory_order_release);
          since = Clock::now();
        }
      }
      const auto idle = Clock::now() - since;
      if (idle > patience / 4) std::this_thread::yield();  // let other threads run
      if (Job* state = waiting(); idle > patience && slot.compare_exchange_strong(state, nullptr)) return;
    }
  }

  int depth_ = fork_depth();
  std::vector<Helper> helpers_;
  std::vector<std::thread> threads_;
};

}  // namespace detail

OCTET_API ThreadPool::ThreadPool(int threads) : size_(threads) {
  detail::require(threads >= 1 && threads <= max_threads, "expected 1 to ", max_threads, " threads, found ", threads);
  if (threads > 1) workers_ = std::make_unique<detail::Workers>(threads);
}

OCTET_API ThreadPool::~ThreadPool() {
  if (workers_ && workers_->forked())
    static_cast<void>(workers_.release());  // the threads belong to the parent process
}

OCTET_API void ThreadPool::run(std::int64_t tasks, detail::TaskFunction f) {
  const auto wanted = static_cast<int>(std::min<std::int64_t>(tasks, size_)) - 1;
  if (wanted <= 0 || detail::inside_task() || workers_->forked()) {
    for (std::int64_t t = 0; t < tasks; ++t) f.call(f.object, t, 0);
    return;
  }
  detail::Job job(tasks, std::min(wanted + 1, detail::Job::most_shares), f);
  workers_->run(job, wanted);
}

OCTET_API int available_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::clamp(CPU_COUNT(&set), 1, ThreadPool::max_threads);
#endif
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, ThreadPool::max_threads);
}

OCTET_API const std::shared_ptr<ThreadPool>& default_pool() {
  static const auto pool = std::make_shared<ThreadPool>(available_processors());
  return pool;
}

namespace detail {
OCTET_API std::shared_ptr<ThreadPool> pool_for(const std::shared_ptr<ThreadPool>& given, int threads) {
  require(threads >= 0, "expected a number of threads >= 0, found ", threads, "; 0 means one per processor");
  return given ? given : threads > 0 ? std::make_shared<ThreadPool>(threads) : default_pool();
}
}  // namespace detail

OCTET_END
