#pragma once
#include <octet/core/element.hpp>
#include <octet/export/onnx/onnx.hpp>
#include <octet/export/tflite/tflite.hpp>
#include <octet/import/onnx/onnx.hpp>
#include <octet/import/tflite/tflite.hpp>

#include "testing.hpp"

/// Models that are written in another format and read again.
namespace testing {

enum class Format { onnx, tflite };

inline const char* name(Format f) { return f == Format::onnx ? "ONNX" : "TFLite"; }

inline std::string written(const Model& m, Format f, const SaveOptions& o = {}) {
  return f == Format::onnx ? write_onnx(m, o) : write_tflite(m, o);
}
inline Model parsed(const std::string& file, Format f) {
  const View<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(file.data()),
                                       Shape{static_cast<std::int64_t>(file.size())});
  return f == Format::onnx ? parse_onnx(bytes, "written.onnx") : parse_tflite(bytes, "written.tflite");
}
/// The model after a way through a file.
inline Model through(const Model& m, Format f, const SaveOptions& o = {}) { return parsed(written(m, f, o), f); }

/// Random inputs for a model; unknown sizes are 1 for the batch, else `size`.
inline std::vector<AnyTensor> random_inputs(const Model& m, unsigned seed, std::int64_t size = 32) {
  std::vector<AnyTensor> all;
  for (int v : m.inputs) {
    Shape s = m.value(v).shape;
    for (int d = 0; d < s.rank(); ++d)
      if (s[d] < 0) s[d] = d == 0 ? 1 : size;
    if (m.value(v).dtype == DType::f32)
      all.emplace_back(random_tensor(s, seed++));
    else if (m.value(v).dtype == DType::i8)
      all.emplace_back(random_integers<std::int8_t>(s, seed++, -128, 127));
    else
      all.emplace_back(random_integers<std::uint8_t>(s, seed++, 0, 255));
  }
  return all;
}

/// The same numbers for another model, whose codes of activations may be of the other type of 8 bits.
inline std::vector<AnyTensor> inputs_like(const std::vector<AnyTensor>& in, const Model& m) {
  std::vector<AnyTensor> all;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const DType to = m.value(m.inputs[i]).dtype;
    if (to == in[i].dtype()) {
      all.push_back(in[i]);
      continue;
    }
    REQUIRE((is_byte(to) && is_byte(in[i].dtype())));
    all.push_back(AnyTensor::make(to, in[i].shape(), [&](std::byte* out) {
      for (std::int64_t k = 0; k < in[i].size(); ++k) out[k] = in[i].data()[k] ^ std::byte{0x80};
    }));
  }
  return all;
}

/// How much two results differ, as numbers; codes of the two types of 8 bits are compared by their place.
struct Difference {
  std::int64_t elements = 0, different = 0;
  double worst = 0, largest = 0;
  double relative() const { return largest > 0 ? worst / largest : worst; }
};

inline Difference difference(const std::vector<AnyTensor>& a, const std::vector<AnyTensor>& b) {
  Difference d;
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].shape() == b[i].shape());
    const double shift = a[i].dtype() == b[i].dtype() ? 0 : a[i].dtype() == DType::i8 ? 128 : -128;
    for (std::int64_t k = 0; k < a[i].size(); ++k) {
      const double x = detail::load_element(a[i].dtype(), a[i].data(), k) + shift,
                   y = detail::load_element(b[i].dtype(), b[i].data(), k);
      ++d.elements;
      d.different += !(x == y);
      d.worst = std::max(d.worst, std::abs(x - y));
      d.largest = std::max(d.largest, std::abs(x));
    }
  }
  return d;
}

inline std::vector<AnyTensor> run_model(const Model& m, const std::vector<AnyTensor>& in) {
  ExecutorOptions o;
  o.threads = 1;
  o.same_floats = true;  // bf16 weights are then read as floats
  return Executor(m, o).run(in);
}

/// The difference that a way through a file makes.
inline Difference difference_through(const Model& m, Format f, const std::vector<AnyTensor>& in,
                                     const SaveOptions& o = {}) {
  const Model back = through(m, f, o);
  return difference(run_model(m, in), run_model(back, inputs_like(in, back)));
}

}  // namespace testing
