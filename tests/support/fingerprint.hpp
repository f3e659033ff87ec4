#pragma once
#include <cstring>
#include <octet/graph/graph.hpp>

/// A hash of bits.
namespace testing {

class Fingerprint {
 public:
  void add(const void* p, std::size_t n) {
    const auto* bytes = static_cast<const unsigned char*>(p);
    for (std::size_t i = 0; i < n; ++i) sum_ = (sum_ ^ bytes[i]) * 1099511628211u;
  }
  void add(const octet::AnyTensor& t) {
    if (t) add(t.data(), t.size_bytes());
  }
  /// Adds all constants, scales and zero points, and the order of the layers.
  void add(const octet::Model& m) {
    for (const octet::Value& v : m.values) {
      add(v.name.data(), v.name.size());
      add(v.constant);
      add(v.quant.scale.data(), v.quant.scale.size() * sizeof(float));
      add(v.quant.zero_point.data(), v.quant.zero_point.size() * sizeof(std::int32_t));
    }
    for (const octet::Node& n : m.nodes) add(n.name.data(), n.name.size());
  }
  unsigned long long value() const { return sum_; }

 private:
  std::uint64_t sum_ = 1469598103934665603u;
};

template <class T>
unsigned long long fingerprint(const T& x) {
  Fingerprint f;
  f.add(x);
  return f.value();
}

}  // namespace testing
