#include <octet/import/tflite/tflite.hpp>

#include "fuzz.hpp"

/// TensorFlow Lite files: read, and run with each rounding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n) {
  using namespace fuzzing;
  for (const Rounding rounding : {Rounding::fp32, Rounding::tflite_double}) {
    Model m;
    LoadOptions o;
    o.rounding = rounding;
    const View<const std::uint8_t> file(bytes, {static_cast<std::int64_t>(n)});
    if (bounded(n, 64, [&] { m = parse_tflite(file, "fuzz.tflite", o); })) run(m);
  }
  return 0;
}
