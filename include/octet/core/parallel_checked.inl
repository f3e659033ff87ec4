#pragma once
#include <exception>
#include <mutex>

#include "parallel_checked.hpp"

OCTET_BEGIN
namespace detail {

OCTET_API void run_checked(ThreadPool& pool, std::int64_t tasks, TaskFunction f) {
#if OCTET_EXCEPTIONS
  std::mutex lock;
  std::exception_ptr first;
  pool.parallel(tasks, [&](std::int64_t task, int worker) {
    try {
      f.call(f.object, task, worker);
    } catch (...) {
      const std::lock_guard<std::mutex> guard(lock);
      if (!first) first = std::current_exception();
    }
  });
  if (first) std::rethrow_exception(first);
#else
  pool.parallel(tasks, [&](std::int64_t task, int worker) { f.call(f.object, task, worker); });
#endif
}

}  // namespace detail
OCTET_END
