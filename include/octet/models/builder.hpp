#pragma once
#include <cmath>
#include <limits>

#include "../graph/graph.hpp"
#include "../operators/arithmetic/binary.hpp"
#include "../operators/batch_normalization.hpp"
#include "../operators/convolution/convolution.hpp"
#include "../operators/dropout.hpp"
#include "../operators/fully_connected.hpp"
#include "../operators/pooling/max_pool.hpp"
#include "../operators/reduce.hpp"
#include "../operators/shape/views.hpp"
#include "../operators/softmax.hpp"
#include "../operators/unary.hpp"
#include "../operators/window.hpp"
#include "mersenne_twister.hpp"

OCTET_BEGIN
namespace detail {

/// Builds networks layer by layer. Weights are random (He initialization) from a seed; names follow torchvision.
class NetworkBuilder {
 public:
  NetworkBuilder(const std::string& model_name, std::int64_t image_size, std::int64_t channels, std::uint64_t seed)
      : random_(seed) {
    graph_.name = model_name;
    x_ = graph_.add_input("input", {Shape::unknown, image_size, image_size, channels});
  }

  int current() const noexcept { return x_; }
  void set_current(int value) noexcept { x_ = value; }
  std::int64_t channels() const { return graph_.value(x_).shape.back(); }
  std::int64_t height() const { return graph_.value(x_).shape[1]; }
  std::int64_t width() const { return graph_.value(x_).shape[2]; }

  /// k x k convolution, padded by `pad` on each side.
  NetworkBuilder& conv(const std::string& name, std::int64_t out, std::int64_t k, std::int64_t stride, std::int64_t pad,
                       std::int64_t groups = 1, bool bias = false) {
    Convolution op;
    op.window = Window(k, k, stride, pad);
    op.groups = groups;
    std::vector<int> in{x_, weights(name + ".weight", {out, k, k, channels() / groups})};
    if (bias) in.push_back(filled(name + ".bias", out, 0.0f));
    x_ = graph_.add(name, std::move(op), in);
    return *this;
  }
  NetworkBuilder& batch_norm(const std::string& name, float epsilon = 1e-5f) {
    BatchNormalization op;
    op.epsilon = epsilon;
    const std::int64_t c = channels();
    x_ = graph_.add(name, op,
                    {x_, filled(name + ".weight", c, 1.0f), filled(name + ".bias", c, 0.0f),
                     filled(name + ".running_mean", c, 0.0f), filled(name + ".running_var", c, 1.0f)});
    return *this;
  }
  NetworkBuilder& relu(const std::string& name) { return clip(name, std::numeric_limits<double>::infinity()); }
  NetworkBuilder& relu6(const std::string& name) { return clip(name, 6); }
  NetworkBuilder& max_pool(const std::string& name, std::int64_t k, std::int64_t stride, std::int64_t pad = 0) {
    MaxPool op;
    op.window = Window(k, k, stride, pad);
    x_ = graph_.add(name, op, {x_});
    return *this;
  }
  NetworkBuilder& global_average(const std::string& name) {
    x_ = graph_.add(name, Reduce(ReduceKind::mean, {1, 2}, false), {x_});
    return *this;
  }
  NetworkBuilder& flatten(const std::string& name) {
    x_ = graph_.add(name, Flatten(1), {x_});
    return *this;
  }
  NetworkBuilder& linear(const std::string& name, std::int64_t out) {
    const int w = weights(name + ".weight", {out, channels()});
    x_ = graph_.add(name, FullyConnected(), {x_, w, filled(name + ".bias", out, 0.0f)});
    return *this;
  }
  NetworkBuilder& dropout(const std::string& name, double rate) {
    x_ = graph_.add(name, Dropout(rate), {x_});
    return *this;
  }
  NetworkBuilder& softmax(const std::string& name) {
    x_ = graph_.add(name, Softmax(), {x_});
    return *this;
  }
  NetworkBuilder& add(const std::string& name, int other) {
    x_ = graph_.add(name, Binary(BinaryKind::add), {x_, other});
    return *this;
  }

  Model finish() {
    graph_.outputs = {x_};
    return std::move(graph_);
  }

 private:
  NetworkBuilder& clip(const std::string& name, double high) {
    x_ = graph_.add(name, Unary(UnaryKind::clip, 0, high), {x_});
    return *this;
  }
  /// Normal with variance 2 / fan-in (He et al. 2015). The fan-in is the product of all dimensions except the first.
  int weights(const std::string& name, const Shape& shape) {
    Tensor<float> w = Tensor<float>::uninitialized(shape);
    const double fan_in = static_cast<double>(std::max<std::int64_t>(1, shape.product(1, shape.rank())));
    const double deviation = std::sqrt(2 / fan_in);
    for (float& x : w) x = static_cast<float>(normal() * deviation);
    return graph_.add_constant(name, std::move(w));
  }
  int filled(const std::string& name, std::int64_t n, float value) {
    Tensor<float> t = Tensor<float>::uninitialized({n});
    std::fill(t.begin(), t.end(), value);
    return graph_.add_constant(name, std::move(t));
  }
  // The standard library's generator, not SplitMix: the accuracies in docs/training.md began with these weights. The
  // sum of 4 uniform numbers is close to normal and, unlike std::normal_distribution, the same everywhere.
  double normal() {
    double sum = 0;
    const std::uint64_t bits = random_();
    for (int i = 0; i < 4; ++i) sum += static_cast<double>((bits >> (16 * i)) & 0xffff) / 65536.0;
    return (sum - 2) * 1.7320508075688772;
  }

  Graph graph_;
  int x_ = 0;
  MersenneTwister random_;
};

}  // namespace detail
OCTET_END
