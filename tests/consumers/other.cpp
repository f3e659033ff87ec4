#include <octet/octet.hpp>

float other_result();

float other_result() {
  octet::MobileNetOptions options;
  options.width = 0.25;
  options.image_size = 32;
  options.classes = 10;
  octet::Executor run(octet::mobilenet_v1(options));
  const std::vector<float> image(32 * 32 * 3, 0.5f);
  return run(octet::View<const float>(image, {1, 32, 32, 3}))[0];
}
