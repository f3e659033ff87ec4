// A program that uses a little of octet.
#include <octet/octet.hpp>

int main() {
  const octet::Tensor<float> x({2, 2}, {1, 2, 3, 4});
  return octet::detail::kernels().isa == octet::active_isa() && octet::broadcast(x.shape(), {2}) == x.shape() ? 0 : 1;
}
