// A program of two files that both run a network.
#include <cstdio>
#include <octet/octet.hpp>

float other_result();  // in other.cpp

int main() {
  octet::MobileNetOptions options;
  options.width = 0.25;
  options.image_size = 32;
  options.classes = 10;
  octet::Executor run(octet::mobilenet_v1(options));
  octet::Tensor<float> image({1, 32, 32, 3});
  for (float& x : image) x = 0.5f;
  const float here = run(image)[0], there = other_result();
  std::printf("%g %g\n", static_cast<double>(here), static_cast<double>(there));
  return here == there ? 0 : 1;
}
