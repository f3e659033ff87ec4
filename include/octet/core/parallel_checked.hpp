#pragma once
#include "thread_pool.hpp"

OCTET_BEGIN
namespace detail {

void run_checked(ThreadPool& pool, std::int64_t tasks, TaskFunction f);

/// pool.parallel for functions that may throw. After all tasks have ended, rethrows the first exception.
template <class F>
void parallel_checked(ThreadPool& pool, std::int64_t tasks, const F& f) {
  run_checked(pool, tasks, {&f, [](const void* object, std::int64_t task, int worker) {
                              (*static_cast<const F*>(object))(task, worker);
                            }});
}

}  // namespace detail
OCTET_END

#if !defined(OCTET_COMPILED)
#  include "parallel_checked.inl"
#endif
