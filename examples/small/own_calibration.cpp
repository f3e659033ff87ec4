// A custom calibration loop: frame by frame, in two parts that are merged, with one range set explicitly.
#include <cstdio>
#include <octet/io/image_input.hpp>
#include <octet/io/shapes_dataset.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>

using namespace octet;

namespace {

/// Frames [from, to) of a simulated camera.
Calibration watch(const Model& model, const Dataset& frames, std::int64_t from, std::int64_t to) {
  const ImageInput input(model);
  Preprocessing preprocessing;
  preprocessing.normalization = normalization("unit");
  CalibrationOptions options;
  options.method = RangeMethod::percentile;
  options.percent = 99.9;
  Calibrator calibrator(model, options);
  for (std::int64_t i = from; i < to; ++i) calibrator.add(input.prepare(frames.image(i), preprocessing));
  std::printf("watched %lld frames\n", static_cast<long long>(calibrator.images()));
  return calibrator.result();
}

}  // namespace

int main() {
  const Model model = small_cnn();
  const ShapesDataset frames(100);
  Calibration calibration = watch(model, frames, 0, 60);
  calibration.merge(watch(model, frames, 60, 100));

  const std::string input = model.value(model.inputs[0]).name;
  calibration.set_range(input, {0, 1});  // the range of pixels is known
  for (const auto& [tensor, statistics] : calibration.tensors) {
    const Range seen = statistics.seen, used = calibration.range(tensor);
    std::printf("%-10s seen [%7.3f, %7.3f]  used [%7.3f, %7.3f]\n", tensor.c_str(), static_cast<double>(seen.low),
                static_cast<double>(seen.high), static_cast<double>(used.low), static_cast<double>(used.high));
  }
  Executor run(quantize<int8>(model, calibration));
  run.plan({{1, 28, 28, 1}});
  std::printf("the int8 model computes with %zu bytes of activations\n", run.arena_bytes());
}
