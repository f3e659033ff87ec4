// Finds the layers that lose most in int8, and the gain of keeping one of them float.
#include <algorithm>
#include <cstdio>
#include <octet/io/image_input.hpp>
#include <octet/io/shapes_dataset.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/passes/optimize.hpp>
#include <octet/quantization/error_report.hpp>
#include <octet/quantization/quantize_model.hpp>

using namespace octet;

namespace {

/// The signal-to-noise ratio of the tensor: 20 dB is 10 % noise, 40 dB is 1 %.
double decibels(const std::vector<LayerError>& report, const std::string& tensor) {
  for (const LayerError& e : report)
    if (e.name == tensor) return e.sqnr_db;
  return 0;
}

}  // namespace

int main() {
  MobileNetOptions small;
  small.image_size = 32;
  small.width = 0.25;
  small.classes = 10;
  const Model model = optimize(mobilenet_v1(small));  // the executed layers: batch normalization folded, ReLU6 fused
  const std::vector<Tensor<float>> images =
      ImageInput(model).load(ShapesDataset(8), 0, 8, Preprocessing(), *default_pool());
  const Calibration calibration = calibrate(model, images);
  const std::string output = model.value(model.outputs[0]).name;

  const std::vector<LayerError> report = error_report(model, quantize<int8>(model, calibration), images);
  std::printf("worst tensors       SQNR     outside the range\n");
  for (std::size_t i = 0; i < std::min<std::size_t>(5, report.size()); ++i)
    std::printf("%-16s %5.1f dB   %.3f %%\n", report[i].name.c_str(), report[i].sqnr_db, 100 * report[i].saturation);

  // Errors accumulate along the network, so the worst tensor is not always the cause. Therefore try each layer.
  std::string best;
  double most = decibels(report, output);
  std::printf("the output has %.1f dB in int8\n", most);
  for (const Node& n : model.nodes) {
    Int8Options options;
    options.keep_float = {n.name};
    const double db = decibels(error_report(model, quantize<int8>(model, calibration, options), images), output);
    if (db > most) {
      most = db;
      best = n.name;
    }
  }
  if (!best.empty()) std::printf("... and %.1f dB if layer '%s' stays float\n", most, best.c_str());
}
