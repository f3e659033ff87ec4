#pragma once
#include <map>

#include "../core/integer_format.hpp"
#include "../operators/convert.hpp"
#include "../runtime/executor.hpp"
#include "latency.hpp"

OCTET_BEGIN
namespace detail {

/// The times of conversions between float and integers. A format is null for float.
class ConversionTimes {
 public:
  ConversionTimes() = default;  // 0
  /// Measures them on this CPU.
  explicit ConversionTimes(const ExecutorOptions& options) {
    const IntegerFormat* all[] = {nullptr, &int8_format, &int16_format};
    call_ = measured(nullptr, &int8_format, 16, options);
    for (const IntegerFormat* from : all)
      for (const IntegerFormat* to : all)
        if (from != to) element_[{from, to}] = std::max(0.0, measured(from, to, many, options) - call_) / many;
  }

  /// In milliseconds.
  double of(const IntegerFormat* from, const IntegerFormat* to, std::int64_t elements) const {
    const auto found = element_.find({from, to});
    return found == element_.end() ? 0 : call_ + static_cast<double>(elements) * found->second;
  }

 private:
  static constexpr std::int64_t many = 1 << 16;

  static double measured(const IntegerFormat* from, const IntegerFormat* to, std::int64_t elements,
                         const ExecutorOptions& options) {
    const auto value = [&](const char* name, const IntegerFormat* f) {
      return Value{
          name, f ? f->activations : DType::f32, Shape{1, elements}, f ? QuantParams{0.1f, 0} : QuantParams{}, {}};
    };
    Graph g;
    g.inputs = {g.add_value(value("x", from))};
    g.outputs = {g.add_value(value("y", to))};
    g.nodes.push_back(
        {"convert", make_operator(Convert(to ? to->activations : DType::f32)), {g.inputs[0]}, {g.outputs[0]}});
    Executor run(g, options);
    return measure_latency({&run}, std::vector<AnyTensor>{Tensor<float>(Shape{1, elements})}, 0, 16,
                           [](std::int64_t, std::int64_t) {})[0]
        .min_ms;
  }

  double call_ = 0;  // of few elements
  std::map<std::pair<const IntegerFormat*, const IntegerFormat*>, double> element_;
};

}  // namespace detail
OCTET_END
