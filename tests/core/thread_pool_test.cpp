#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <octet/core/thread_pool.hpp>
#include <ostream>
#include <thread>
#include <vector>

#include "support/allocations.hpp"

using namespace octet;

TEST_CASE("thread pool: every task runs once, and calls with one worker do not overlap") {
  for (int threads : {1, 2, 3, 8}) {
    CAPTURE(threads);
    ThreadPool pool(threads);
    CHECK(pool.size() == threads);
    for (std::int64_t tasks : {0, 1, 2, 3, 7, 8, 9, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
      std::vector<std::atomic<int>> busy(static_cast<std::size_t>(threads));
      std::atomic<int> wrong{0};
      pool.parallel(tasks, [&](std::int64_t task, int worker) {
        if (worker < 0 || worker >= threads) {
          ++wrong;
          return;
        }
        if (busy[static_cast<std::size_t>(worker)].fetch_add(1) != 0) ++wrong;
        ++runs[static_cast<std::size_t>(task)];
        busy[static_cast<std::size_t>(worker)].fetch_sub(1);
      });
      for (const auto& r : runs) wrong += r != 1;
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("thread pool: results of tasks are visible when parallel returns") {
  ThreadPool pool(4);
  std::vector<std::int64_t> values(64);
  for (std::int64_t round = 1; round <= 2000; ++round) {
    pool.parallel(64, [&](std::int64_t t, int) { values[static_cast<std::size_t>(t)] = t * round; });
    std::int64_t sum = 0;
    for (std::int64_t v : values) sum += v;
    REQUIRE(sum == round * 63 * 64 / 2);
  }
}

TEST_CASE("thread pool: running tasks does not allocate") {
  ThreadPool pool(3);
  std::atomic<std::int64_t> sum{0};
  const auto work = [&] { pool.parallel(100, [&](std::int64_t t, int) { sum += t; }); };
  for (int i = 0; i < 100; ++i) work();
  const std::int64_t before = testing::allocations();
  for (int i = 0; i < 1000; ++i) work();
  CHECK(testing::allocations() == before);
  CHECK(sum == 1100 * 4950);
}

TEST_CASE("thread pool: nested calls do not deadlock") {
  for (int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    std::atomic<int> runs{0};
    for (int round = 0; round < 50; ++round)
      pool.parallel(8, [&](std::int64_t, int) {
        pool.parallel(5, [&](std::int64_t, int worker) {
          if (worker == 0) ++runs;
        });
      });
    CHECK(runs == 50 * 8 * 5);
  }
}

TEST_CASE("thread pool: several threads can share one pool") {
  ThreadPool pool(3);
  std::vector<std::int64_t> sums(4);
  std::vector<std::thread> users;
  for (std::size_t u = 0; u < sums.size(); ++u)
    users.emplace_back([&pool, &sum = sums[u]] {
      for (int round = 0; round < 200; ++round) {
        std::atomic<std::int64_t> s{0};
        pool.parallel(50, [&](std::int64_t t, int) { s += t; });
        sum += s;
      }
    });
  for (std::thread& t : users) t.join();
  for (std::int64_t s : sums) CHECK(s == 200 * 1225);
}

TEST_CASE("thread pool: many short jobs of several threads, one after the other and with pauses") {
  // Pauses are about as long as helpers spin, so that jobs find them spinning, falling asleep and asleep.
  struct User {
    std::uint64_t random;
    std::atomic<std::int64_t> wrong{0};
    std::int64_t next(std::int64_t n) {
      return static_cast<std::int64_t>((random = random * 6364136223846793005 + 1) >> 33) % n;
    }
    void work(ThreadPool& pool) {
      for (int job = 0; job < 3000; ++job) {
        const std::int64_t tasks = next(6);
        std::array<std::atomic<int>, 6> runs{};
        std::array<std::atomic<int>, 4> busy{};
        pool.parallel(tasks, [&](std::int64_t task, int worker) {
          if (busy.at(static_cast<std::size_t>(worker)).fetch_add(1) != 0) ++wrong;
          ++runs.at(static_cast<std::size_t>(task));
          busy.at(static_cast<std::size_t>(worker)).fetch_sub(1);
        });
        for (std::int64_t t = 0; t < 6; ++t) wrong += runs[static_cast<std::size_t>(t)] != (t < tasks);
        if (job % 50 == 0) std::this_thread::sleep_for(std::chrono::microseconds(next(400)));
      }
    }
  };
  for (const int threads : {2, 4}) {
    ThreadPool pool(threads);
    std::array<User, 3> users{{{1}, {2}, {3}}};
    std::vector<std::thread> started;
    for (User& u : users) started.emplace_back([&pool, &u] { u.work(pool); });
    for (std::thread& t : started) t.join();
    for (const User& u : users) CHECK(u.wrong == 0);
  }
}

TEST_CASE("thread pool: can be destroyed while its threads wait, sleep or start") {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> runs{0};
    {
      ThreadPool pool(3);
      for (int job = 0; job < round % 3; ++job) pool.parallel(3, [&](std::int64_t, int) { ++runs; });
      if (round % 8 == 7) std::this_thread::sleep_for(std::chrono::microseconds(250));
    }
    CHECK(runs == 3 * (round % 3));
  }
}

TEST_CASE("thread pool: invalid sizes are refused") {
  CHECK_THROWS_WITH_AS(ThreadPool(0), "expected 1 to 1024 threads, found 0", Error);
  CHECK_THROWS_AS(ThreadPool(-1), Error);
  CHECK_THROWS_AS(ThreadPool(1025), Error);
  CHECK(available_processors() >= 1);
  CHECK(default_pool()->size() == available_processors());
  CHECK(default_pool() == default_pool());
}
