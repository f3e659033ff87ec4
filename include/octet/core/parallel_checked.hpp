#pragma once
#include <exception>
#include <mutex>

#include "thread_pool.hpp"

OCTET_BEGIN
namespace detail {

/// pool.parallel for functions that may throw: the first exception is thrown again when all tasks have ended.
template <class F>
void parallel_checked(ThreadPool& pool, std::int64_t tasks, const F& f) {
#if OCTET_EXCEPTIONS
  std::mutex lock;
  std::exception_ptr first;
  pool.parallel(tasks, [&](std::int64_t task, int worker) {
    try {
      f(task, worker);
    } catch (...) {
      const std::lock_guard<std::mutex> guard(lock);
      if (!first) first = std::current_exception();
    }
  });
  if (first) std::rethrow_exception(first);
#else
  pool.parallel(tasks, f);
#endif
}

}  // namespace detail
OCTET_END
