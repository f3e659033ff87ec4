// A minimal program that quantizes a tensor.
#include <cmath>
#include <octet/quantize.hpp>

int main() {
  const octet::Tensor<float> x({2, 2}, {1, -2, 3, 4});
  const octet::QTensor<octet::int8> q = octet::quantize<octet::int8>(x);
  const octet::Tensor<float> y = octet::dequantize(q);
  for (int i = 0; i < 4; ++i)
    if (!(std::fabs(x[i] - y[i]) < 0.03f)) return 1;
  return 0;
}
