// All headers of octet in a program without exceptions and RTTI. Errors are passed to the handler with the same texts.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <octet/io/load.hpp>
#include <octet/io/open_dataset.hpp>
#include <octet/models/fit_classifier.hpp>
#include <octet/octet.hpp>
#include <octet/quantization/calibration_file.hpp>

int main(int, char** arguments) {
  const std::string folder = arguments[1], bad = folder + "/bad.onnx", good = folder + "/good.octet";
  octet::SmallCnnOptions options;
  options.image_size = 8;
  const octet::Model model = octet::small_cnn(options);
  octet::save(model, good);
  octet::Tensor<float> image({1, 8, 8, 1});
  for (float& x : image) x = 0.5f;
  octet::save(octet::calibrate(octet::load(good), {image}), folder + "/c.json");
  const octet::Model small = octet::quantize<octet::int8>(model, octet::load_calibration(folder + "/c.json"));
  if (octet::Executor(small)(image).size() != octet::Executor(model)(image).size()) return 1;

  std::ofstream(bad) << "no model";
  octet::set_error_handler([](octet::ErrorKind kind, const char* text) {
    const bool right = kind == octet::ErrorKind::format && std::strstr(text, "bad.onnx': the file is damaged");
    std::_Exit(right ? 0 : 2);
  });
  octet::load(bad);
  return 3;
}
