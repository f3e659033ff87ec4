// A program without exceptions and RTTI that links a library with them. All errors are returned as results.
#include <cstdio>
#include <fstream>
#include <octet/io/try.hpp>
#include <octet/octet.hpp>
#include <octet/try.hpp>

namespace {

int wrong = 0;

void expect(bool good, const char* what, const octet::Failure& error = {}) {
  if (good) return;
  std::printf("not as expected: %s (%s)\n", what, error.text.c_str());
  ++wrong;
}

bool has(const octet::Failure& error, octet::ErrorKind kind, const char* text) {
  return error.kind == kind && error.text.find(text) != std::string::npos;
}

template <class T>
T take(octet::Result<T> r, const char* what) {
  expect(r.ok(), what, r.error());
  return std::move(r).value();
}

/// Functions that this file instantiates must not replace those of the library, where errors have to be thrown.
void compiled_here_as_well(const octet::Tensor<float>& x) {
  const octet::View<const float> view = x;
  expect(octet::Shape({2, 3}).elements() == 6 && view.size() == x.size(), "shapes");
}

}  // namespace

int main(int, char** arguments) {
  const std::string folder = arguments[1], bad = folder + "/bad.onnx", good = folder + "/good.octet";
  std::ofstream(bad) << "no model";
  using octet::ErrorKind;
  expect(has(octet::try_load(bad).error(), ErrorKind::format, "damaged"), "a bad .onnx");
  expect(has(octet::try_load(folder + "/none.tflite").error(), ErrorKind::format, "No such file"), "a missing file");
  expect(has(octet::try_load_calibration(bad).error(), ErrorKind::format, "not valid JSON"), "a bad calibration");

  octet::MobileNetOptions options;
  options.width = 0.25;
  options.image_size = 32;
  options.classes = 10;
  const octet::Model built = octet::mobilenet_v1(options);
  take(octet::try_save(built, folder + "/built.onnx"), "saving as .onnx");
  take(octet::try_load(folder + "/built.onnx"), "loading the .onnx");
  expect(has(octet::try_save(built, folder + "/none/x.tflite").error(), ErrorKind::format, "none"), "a missing folder");
  take(octet::try_save(built, good), "saving");
  {
    std::ifstream in(good, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    std::ofstream(folder + "/bad.octet", std::ios::binary) << bytes;
  }
  expect(has(octet::try_load(folder + "/bad.octet").error(), ErrorKind::format, "bad.octet"), "a damaged .octet");

  const octet::Model model = take(octet::try_load(good), "loading");
  octet::Tensor<float> image({1, 32, 32, 3});
  for (float& x : image) x = 0.5f;
  compiled_here_as_well(image);
  expect(!octet::try_calibrate(model, {octet::Tensor<float>({1, 2})}).ok(), "calibrating with a matrix");
  const octet::Calibration calibration = take(octet::try_calibrate(model, {image}), "calibrating");
  expect(!octet::try_quantize<octet::int8>(model, octet::Calibration()).ok(), "quantizing without ranges");
  const octet::Model small = take(octet::try_quantize<octet::int8>(model, calibration), "quantizing");
  octet::Executor run = take(octet::try_make_executor(small), "making an executor");
  expect(octet::try_run(run, octet::Tensor<float>({1, 32, 32, 4})).error().kind == ErrorKind::shape, "four channels");
  const octet::Tensor<float> y = take(octet::try_run(run, image), "running");
  expect(y.size() == 10, "ten classes");
  return wrong;
}
