#include <octet/model_file/model_file.hpp>
#include <octet/operators/all.hpp>
#include <octet/runtime/runnable.hpp>

#include "fuzz.hpp"
#include "support/models.hpp"

/// .octet files with a correct checksum: read, run, and their self-test repeated.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n) {
  using namespace fuzzing;
  if (n < detail::model_header) return 0;
  const std::string file = testing::sealed({reinterpret_cast<const char*>(bytes), n});
  const detail::SharedBytes shared = detail::SharedBytes::copy(file.data(), n);
  detail::ModelFile m;
  const bool good = bounded(n, 64, [&] {
    m = detail::read_model_file(shared);
    require_runnable(m.model);
  });
  if (!good) return 0;
  run(m.model);
  try {
    if (m.test && is_cheap(m.model, m.test->input_shapes)) detail::check_self_test(m.model, *m.test);
  } catch (const Error&) {
  }
  return 0;
}
