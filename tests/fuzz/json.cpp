#include <octet/operators/all.hpp>
#include <octet/quantization/calibration_file.hpp>
#include <octet/quantization/plan_file.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "fuzz.hpp"
#include "tiny_model.hpp"

/// Files of calibrations (the first byte is 'c') and of plans, and quantizing a model by them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n) {
  using namespace fuzzing;
  if (n == 0) return 0;
  static const File file("values.json");
  static const Model model = tiny_model();
  file.write(bytes + 1, n - 1);
  std::optional<Model> m;
  if (bytes[0] == 'c') {
    Calibration calibration;
    if (!bounded(n, 256, [&] { calibration = load_calibration(file.path); })) return 0;
    bounded(n, 256, [&] { m = quantize<int8>(model, calibration); });
  } else {
    QuantizationPlan plan;
    if (!bounded(n, 256, [&] { plan = load_plan(file.path); })) return 0;
    bounded(n, 256, [&] { m = quantize(model, plan); });
  }
  if (m) run(*m);
  return 0;
}
