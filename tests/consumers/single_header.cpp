// A program of two files that uses the single header: quantizes a tensor and runs a small network.
#include <cmath>
#include <octet/octet.hpp>

octet::Tensor<float> there_and_back(const octet::Tensor<float>& x);  // in single_header_other.cpp

int main() {
  const octet::Tensor<float> x({2, 2}, {1, -2, 3, 4}), y = there_and_back(x);
  for (int i = 0; i < 4; ++i)
    if (!(std::fabs(x[i] - y[i]) < 0.03f)) return 1;
  octet::Executor run(octet::small_cnn());
  octet::Tensor<float> image({1, 28, 28, 1});
  for (float& v : image) v = 0.5f;
  const octet::Tensor<float> logits = run(image);
  return logits.size() > 1 && std::isfinite(logits[0]) ? 0 : 2;
}
