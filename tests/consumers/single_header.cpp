// The second file of a program with octet as one header: quantizes a tensor, and runs the network that main.cpp runs.
#include <octet/octet.hpp>

float other_result();

float other_result() {
  const octet::Tensor<float> x({2, 2}, {1, -2, 3, 4});
  const octet::Tensor<float> y = octet::dequantize(octet::quantize<octet::int8>(x));
  for (int i = 0; i < 4; ++i)
    if (!(std::fabs(x[i] - y[i]) < 0.03f)) return -1;
  octet::MobileNetOptions options;
  options.width = 0.25, options.image_size = 32, options.classes = 10;
  octet::Executor run(octet::mobilenet_v1(options));
  const std::vector<float> image(32 * 32 * 3, 0.5f);
  return run(octet::View<const float>(image, {1, 32, 32, 3}))[0];
}
