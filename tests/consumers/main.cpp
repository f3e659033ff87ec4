// A program of two files that both include octet: runs a network.
#include <octet/octet.hpp>

octet::Tensor<float> grey_image();  // in other.cpp

int main() {
  octet::MobileNetOptions options;
  options.width = 0.25, options.image_size = 32, options.classes = 10;
  octet::Executor run(octet::mobilenet_v1(options));
  const octet::Tensor<float> logits = run(grey_image());
  return logits.shape() == octet::Shape{1, 10} && logits[0] == logits[0] ? 0 : 1;
}
