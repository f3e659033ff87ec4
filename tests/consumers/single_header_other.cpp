#include <octet/octet.hpp>

octet::Tensor<float> there_and_back(const octet::Tensor<float>& x);

octet::Tensor<float> there_and_back(const octet::Tensor<float>& x) {
  return octet::dequantize(octet::quantize<octet::int8>(x));
}
