#include <doctest/doctest.h>

#include <atomic>
#include <octet/core/attempt.hpp>
#include <octet/core/parallel_checked.hpp>
#include <octet/core/with_place.hpp>
#include <stdexcept>

#include "support/messages.hpp"

// Places of errors (core/with_place.hpp, core/error_place.hpp), errors as values (core/attempt.hpp), and errors of
// tasks (core/parallel_checked.hpp).

using namespace octet;
using namespace octet::detail;

namespace {

/// Returns f(). Errors name the place.
template <class F>
auto in(const std::string& place, F f) {
  return with_place([&](const std::string& text) { return place + ": " + text; }, f);
}

}  // namespace

TEST_CASE("errors: places are named from the outside in, and become format errors") {
  CHECK(in("file", [] { return 7; }) == 7);
  CHECK(testing::message<FormatError>([] {
          in("file", [] { in("layer", [] { fail<ShapeError>("expected ", 2, ", found ", 3); }); });
        }) == "file: layer: expected 2, found 3");
  CHECK_THROWS_AS(in("file", [] { throw std::bad_alloc(); }), std::bad_alloc);  // memory has no place
}

TEST_CASE("errors: without exceptions, a list of places gives the same text") {
  const auto extend = [](const void* name, std::string& text) {
    text = static_cast<const char*>(name) + (": " + text);
  };
  REQUIRE(ErrorPlace::innermost() == nullptr);
  {
    const ErrorPlace file("file", extend);
    const ErrorPlace layer("layer", extend);
    std::string text = "expected 2, found 3";
    for (const ErrorPlace* p = ErrorPlace::innermost(); p; p = p->outer()) p->extend(text);
    CHECK(text == "file: layer: expected 2, found 3");
  }
  CHECK(ErrorPlace::innermost() == nullptr);
}

TEST_CASE("errors: attempt gives the result, or the kind and text of the exception") {
  CHECK(attempt<int>([] { return 7; }).value() == 7);
  CHECK(attempt<void>([] {}).ok());
  struct Thrown {
    void (*raise)();
    ErrorKind kind;
    std::string text;
  };
  for (const Thrown& t : {Thrown{[] { fail("a"); }, ErrorKind::other, "a"},
                          Thrown{[] { fail<FormatError>("b"); }, ErrorKind::format, "b"},
                          Thrown{[] { fail<ShapeError>("c"); }, ErrorKind::shape, "c"},
                          Thrown{[] { throw std::bad_alloc(); }, ErrorKind::memory, "out of memory"},
                          Thrown{[] { throw std::length_error("d"); }, ErrorKind::other, "d"},
                          Thrown{[] { throw 1; }, ErrorKind::other, "unknown"}}) {
    const Result<void> r = attempt<void>(t.raise);
    CHECK_FALSE(r.ok());
    CHECK((r.error().kind == t.kind && r.error().text == t.text));
  }
}

TEST_CASE("errors: the error of a task reaches the caller after all tasks have ended") {
  ThreadPool pool(3);
  std::atomic<int> ended{0};
  const auto task = [&](std::int64_t i, int) {
    ++ended;
    require(i != 11, "task ", i, " failed");
  };
  CHECK(testing::message([&] { parallel_checked(pool, 20, task); }) == "task 11 failed");
  CHECK(ended.exchange(0) == 20);
  parallel_checked(pool, 11, task);
  CHECK(ended == 11);
}
