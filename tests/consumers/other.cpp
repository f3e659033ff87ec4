#include <octet/octet.hpp>

octet::Tensor<float> grey_image();

octet::Tensor<float> grey_image() {
  octet::Tensor<float> image({1, 32, 32, 3});
  for (float& x : image) x = 0.5f;
  return image;
}
