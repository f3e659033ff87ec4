#pragma once
#include <algorithm>
#include <map>

#include "../quantization/channel_classes.hpp"
#include "../quantization/error_report.hpp"
#include "../quantization/layer_names.hpp"
#include "../quantization/rescale.hpp"
#include "../quantization/useful_range.hpp"
#include "../runtime/executor.hpp"

OCTET_BEGIN
namespace detail {

/// The largest magnitudes and the means of the channels of a tensor.
struct ChannelFacts {
  Range seen{0, 0};
  std::vector<float> largest;  // of each channel (last dimension)
  std::vector<double> sums;    // likewise
  std::int64_t rows = 0;       // that were added to the sums

  float most() const { return largest.empty() ? 0 : *std::max_element(largest.begin(), largest.end()); }
  std::int64_t channel_of_most() const { return std::max_element(largest.begin(), largest.end()) - largest.begin(); }
  /// The magnitude that a part of the channels exceeds, of those that are not always zero.
  float exceeded_by(double part) const {
    std::vector<float> sorted;
    for (float x : largest)
      if (x > 0) sorted.push_back(x);
    if (sorted.empty()) return 0;
    const auto k = static_cast<std::ptrdiff_t>(static_cast<double>(sorted.size() - 1) * part);
    std::nth_element(sorted.begin(), sorted.begin() + k, sorted.end(), [](float a, float b) { return a > b; });
    return sorted[static_cast<std::size_t>(k)];
  }
  /// The largest magnitude of the other channels.
  float second() const {
    float found = 0;
    const std::int64_t first = largest.empty() ? 0 : channel_of_most();
    for (std::size_t c = 0; c < largest.size(); ++c)
      if (static_cast<std::int64_t>(c) != first) found = std::max(found, largest[c]);
    return found;
  }
  std::int64_t dead() const { return std::count(largest.begin(), largest.end(), 0.0f); }
};

/// The float model, as the quantized one has it (with its factors of channels), and what its tensors are like.
class LayerFacts {
 public:
  LayerFacts(const Model& float_model, const Model& quantized, const std::vector<Tensor<float>>& batches,
             ExecutorOptions options)
      : graph(rescaled(optimize(float_model), noted_exponents(quantized))), links(graph) {
    options.optimize = false;
    Executor executor(graph, options);
    const auto see = [&](const std::string& tensor, const Shape& shape, const float* x) {
      ChannelFacts& f = of[tensor];
      const std::int64_t channels = shape.rank() > 0 ? shape.back() : 1;
      f.largest.resize(at(channels), 0.0f);
      f.sums.resize(at(channels), 0.0);
      const std::int64_t rows = channels > 0 ? shape.elements() / channels : 0;
      f.rows += rows;
      float* largest = f.largest.data();
      double* sums = f.sums.data();
      Range seen = f.seen;
      for (std::int64_t r = 0; r < rows; ++r, x += channels)
        for (std::int64_t c = 0; c < channels; ++c) {
          largest[c] = std::max(largest[c], std::abs(x[c]));
          sums[c] += static_cast<double>(x[c]);
          seen = {std::min(seen.low, x[c]), std::max(seen.high, x[c])};
        }
      f.seen = seen;
    };
    executor.observe([&](const Value& v, const TensorRef& t) {
      if (t.dtype == DType::f32) see(v.name, t.shape, t.as<float>());
    });
    for (const Tensor<float>& batch : batches) {
      if (!graph.inputs.empty()) see(graph.value(graph.inputs[0]).name, batch.shape(), batch.data());
      executor.run({batch});
    }
  }

  /// The model with the factors of channels that a quantized one has.
  static Model rescaled(Model g, const ChannelExponents& exponents) {
    rescale(g, exponents);
    return g;
  }

  /// Whether only functions that are constant beyond some input read the value: its range is cut there.
  bool is_cut(int v) const {
    const Range all{-1e30f, 1e30f}, useful = useful_range(graph, links, v, all);
    return useful.low > all.low || useful.high < all.high;
  }

  Model graph;
  Links links;
  std::map<std::string, ChannelFacts> of;  // by tensor
};

}  // namespace detail
OCTET_END
