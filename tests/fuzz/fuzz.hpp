#pragma once
#include <sanitizer/allocator_interface.h>
#include <sanitizer/asan_interface.h>

#include <cstdio>
#include <cstdlib>
#include <octet/model_file/self_test.hpp>
#include <octet/runtime/executor.hpp>

#include "support/sanitized.hpp"

/// Shared by the fuzzers. libFuzzer detects what the sanitizers do, and inputs that take longer than -timeout; other
/// exceptions than octet::Error end the program.
namespace fuzzing {

using namespace octet;

/// Bytes that are allocated, and their most since restart().
class Memory {
 public:
  static void restart() {
    static const bool installed = __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, std::size_t n) { add(static_cast<std::int64_t>(n)); },
        [](const volatile void* p) {
          if (p) add(-static_cast<std::int64_t>(__sanitizer_get_allocated_size(const_cast<const void*>(p))));
        });
    if (!installed) std::abort();
    now_ = most_ = 0;
  }
  static std::int64_t most() { return most_; }

 private:
  static void add(std::int64_t n) {
    now_ += n;
    if (now_ > most_) most_ = now_;
  }
  static inline thread_local std::int64_t now_ = 0, most_ = 0;
};

/// Calls f, which may throw Error. Returns whether it did not. Aborts if f had more than `per_byte` bytes of memory for
/// each byte of the file, and a megabyte.
template <class F>
bool bounded(std::size_t file_bytes, int per_byte, F f) {
  Memory::restart();
  bool good = true;
  try {
    f();
  } catch (const Error&) {
    good = false;
  }
  const std::int64_t limit = static_cast<std::int64_t>(file_bytes) * per_byte + (1 << 20);
  if (Memory::most() > limit) {
    std::fprintf(stderr, "a file of %zu bytes needed %lld bytes of memory, expected at most %lld\n", file_bytes,
                 static_cast<long long>(Memory::most()), static_cast<long long>(limit));
    std::abort();
  }
  return good;
}

/// Whether a run with these input shapes takes a moment only.
inline bool is_cheap(const Model& m, const std::vector<Shape>& shapes) {
  double elements = 0, macs = 0;
  const std::vector<Shape> all = m.infer_shapes(shapes);
  for (const Shape& s : all) elements += static_cast<double>(s.elements());
  for (const Node& n : m.nodes) macs += static_cast<double>(n.op->macs(m.shape_context(n, &all)));
  return elements < 30000 && macs < 300000;
}

/// Runs a model that was read, with and without optimization, if that is cheap.
inline void run(const Model& m) {
  try {
    const std::vector<Shape> shapes = detail::self_test_shapes(m, 3);
    if (!is_cheap(m, shapes)) return;
    const std::vector<AnyTensor> inputs = detail::self_test_inputs(m, shapes, 1);
    for (const bool optimize : {false, true}) {
      ExecutorOptions o;
      o.threads = 1;
      o.optimize = optimize;
      Executor(m, o).run(inputs);
    }
  } catch (const Error&) {
  }
}

/// A file that is overwritten by every input.
class File {
 public:
  explicit File(const std::string& name) {
    const char* folder = std::getenv("TMPDIR");
    path = std::string(folder ? folder : "/tmp") + "/octet_fuzz_" + std::to_string(::getpid()) + "_" + name;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { std::remove(path.c_str()); }
  void write(const void* bytes, std::size_t n) const {
    std::FILE* f = std::fopen(path.c_str(), "wb");
    if (!f || std::fwrite(bytes, 1, n, f) != n || std::fclose(f) != 0) std::abort();
  }
  std::string path;
};

}  // namespace fuzzing
