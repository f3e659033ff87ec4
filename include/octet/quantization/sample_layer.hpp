#pragma once
#include "../core/index.hpp"
#include "../core/random.hpp"
#include "../graph/graph.hpp"
#include "../operators/convolution/convolution.hpp"
#include "rounding_problem.hpp"

OCTET_BEGIN
namespace detail {

/// Takes random output pixels (rows, for fully connected layers) of a layer, and gathers what they are computed from.
class LayerSampler {
 public:
  /// The weights of the layer are [O, ..., C / groups]. `rows`: of all images together, at least one of each.
  LayerSampler(const Graph& g, const Node& n, std::int64_t images, std::int64_t rows, std::uint64_t seed)
      : convolution_(as<Convolution>(*n.op)), seed_(seed) {
    each_ = std::max<std::int64_t>(1, (rows + images - 1) / images);
    const Shape& w = g.value(n.inputs[LayerInputs::weights]).shape;
    outputs_ = w[0];
    taps_ = w.product(1, w.rank() - 1);
    channels_ = w.back() * n.op->traits().groups;
  }

  /// The pixels of an image whose layer input has that shape, as indices of the output; ascending, the same in each
  /// call.
  std::vector<std::int64_t> pixels(std::int64_t image, const Shape& input) const {
    std::int64_t all = input.elements() / std::max<std::int64_t>(input.back(), 1);
    if (convolution_) {
      all = input[0];
      for (const WindowAxis& a : axes(input)) all *= a.out;
    }
    std::vector<std::int64_t> chosen;
    SplitMix random(SplitMix::seed_of(seed_, image));
    for (std::int64_t p = 0, left = std::min(each_, all); left > 0; ++p)  // Knuth's algorithm S
      if (random.below(all - p) < left) {
        chosen.push_back(p);
        --left;
      }
    return chosen;
  }

  std::int64_t row_size() const noexcept { return taps_ * channels_; }
  std::int64_t taps() const noexcept { return taps_; }
  std::int64_t channels() const noexcept { return channels_; }
  std::int64_t outputs() const noexcept { return outputs_; }

  /// Appends the window [taps, C] of each pixel to `rows`; padding is zero.
  void gather(const Tensor<float>& x, const std::vector<std::int64_t>& chosen, std::vector<float>& rows) const {
    for (std::int64_t p : chosen) {
      const std::size_t from = rows.size();
      rows.resize(from + at(row_size()), 0.0f);
      if (convolution_)
        window(x, p, rows.data() + from);
      else
        std::copy_n(x.data() + p * channels_, channels_, rows.data() + from);
    }
  }

 private:
  std::array<WindowAxis, 3> axes(const Shape& input) const {
    static const std::string unnamed;
    return resolve(convolution_->window, input, ShapeContext(unnamed, "Convolution", {}, {}));
  }
  void window(const Tensor<float>& x, std::int64_t p, float* to) const {
    const auto a = axes(x.shape());
    const std::int64_t ox = p % a[2].out, oy = p / a[2].out % a[1].out, image = p / a[2].out / a[1].out;
    for (std::int64_t ky = 0; ky < a[1].kernel; ++ky)
      for (std::int64_t kx = 0; kx < a[2].kernel; ++kx, to += channels_) {
        const std::int64_t y = oy * a[1].stride - a[1].before + ky * a[1].dilation,
                           v = ox * a[2].stride - a[2].before + kx * a[2].dilation;
        if (y < 0 || y >= a[1].in || v < 0 || v >= a[2].in) continue;
        std::copy_n(x.data() + ((image * a[1].in + y) * a[2].in + v) * channels_, channels_, to);
      }
  }

  const Convolution* convolution_;
  const std::uint64_t seed_;
  std::int64_t each_ = 1, outputs_ = 0, taps_ = 1, channels_ = 0;
};

}  // namespace detail
OCTET_END
