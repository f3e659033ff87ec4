#include <octet/import/onnx/onnx.hpp>

#include "fuzz.hpp"

/// ONNX files: read, and run in both layouts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n) {
  using namespace fuzzing;
  for (const bool keep_layout : {false, true}) {
    Model m;
    LoadOptions o;
    o.keep_layout = keep_layout;
    const View<const std::uint8_t> file(bytes, {static_cast<std::int64_t>(n)});
    if (bounded(n, 64, [&] { m = parse_onnx(file, "fuzz.onnx", o); })) run(m);
  }
  return 0;
}
