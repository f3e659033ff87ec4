// Observes intermediate tensors: the range of every tensor in a run, and the features before the last layer.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <octet/io/shapes_dataset.hpp>
#include <octet/models/small_cnn.hpp>
#include <octet/runtime/executor.hpp>

using namespace octet;

int main() {
  const Model model = small_cnn();
  ExecutorOptions options;
  options.optimize = false;  // otherwise, layers are fused and tensors between them are not computed
  Executor run(model, options);

  const std::string wanted = model.value(model.nodes.back().inputs[0]).name;  // what the last layer reads
  std::vector<float> features;
  run.observe([&](const Value& value, const TensorRef& tensor) {
    if (tensor.dtype != DType::f32) return;
    const float* x = tensor.as<float>();
    const std::int64_t n = tensor.shape.elements();
    const auto [low, high] = std::minmax_element(x, x + n);
    std::printf("%-10s %-16s [%7.3f, %7.3f]\n", value.name.c_str(), to_string(tensor.shape).c_str(),
                static_cast<double>(*low), static_cast<double>(*high));
    if (value.name == wanted) features.assign(x, x + n);  // the memory is reused after this call
  });

  const Tensor<uint8> picture = ShapesDataset(1).image(0);
  Tensor<float> input({1, 28, 28, 1});
  std::transform(picture.begin(), picture.end(), input.begin(), [](uint8 p) { return static_cast<float>(p) / 255; });
  run(input);
  run.observe({});  // further runs are not observed
  std::printf("kept %zu features of '%s'\n", features.size(), wanted.c_str());
  return features.empty();
}
