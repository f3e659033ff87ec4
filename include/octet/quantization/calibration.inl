#pragma once
#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "../core/parallel_checked.hpp"
#include "../kernels/elements.hpp"
#include "../passes/optimize.hpp"
#include "../runtime/executor.hpp"
#include "calibration.hpp"
#include "channel_classes.hpp"
#include "entropy_range.hpp"
#include "finite_weights.hpp"
#include "masked_softmax.hpp"
#include "unsummed.hpp"

OCTET_BEGIN

namespace detail {

/// The mean of the ranges of single images.
inline Range mean_of(const TensorStatistics& t, const std::string& tensor) {
  require(!t.samples.empty(), "the calibration has no samples of tensor '", tensor, "'");
  double low = 0, high = 0;
  for (const Range& r : t.samples) {
    low += static_cast<double>(r.low);
    high += static_cast<double>(r.high);
  }
  const auto n = static_cast<double>(t.samples.size());
  return {static_cast<float>(low / n), static_cast<float>(high / n)};
}

}  // namespace detail

OCTET_API void TensorStatistics::merge(const TensorStatistics& o) {
  if (channel_sums.empty()) channel_sums.resize(o.channel_sums.size());
  detail::require(o.summed == 0 || channel_sums.size() == o.channel_sums.size(), "statistics of ", channel_sums.size(),
                  " channels cannot be merged with those of ", o.channel_sums.size());
  for (std::size_t c = 0; c < o.channel_sums.size(); ++c) channel_sums[c] += o.channel_sums[c];
  summed += o.summed;
  if (channel_ranges.empty()) channel_ranges = o.channel_ranges;
  detail::require(o.channel_ranges.empty() || channel_ranges.size() == o.channel_ranges.size(), "ranges of ",
                  channel_ranges.size(), " channels cannot be merged with those of ", o.channel_ranges.size());
  for (std::size_t c = 0; c < o.channel_ranges.size(); ++c)
    channel_ranges[c] = {std::min(channel_ranges[c].low, o.channel_ranges[c].low),
                         std::max(channel_ranges[c].high, o.channel_ranges[c].high)};
  seen = {std::min(seen.low, o.seen.low), std::max(seen.high, o.seen.high)};
  histogram.merge(o.histogram);
  std::vector<Range> both;
  const auto ascending = [](const Range& a, const Range& b) {
    return a.low < b.low || (a.low == b.low && a.high < b.high);
  };
  std::merge(samples.begin(), samples.end(), o.samples.begin(), o.samples.end(), std::back_inserter(both), ascending);
  samples = std::move(both);
  if (o.given) given = o.given;
}

OCTET_API Range Calibration::range(const std::string& tensor, int codes) const {
  const auto it = tensors.find(tensor);
  detail::require(it != tensors.end(), "tensor '", tensor, "' is not in the calibration");
  const TensorStatistics& t = it->second;
  if (t.given) return *t.given;
  detail::require(t.seen.low <= t.seen.high, "the calibration has no range of tensor '", tensor,
                  "', which had no elements in all data");
  switch (method) {
    case RangeMethod::min_max: return t.seen;
    case RangeMethod::moving_average: return detail::mean_of(t, tensor);
    default: break;
  }
  detail::require(!t.histogram.empty(), "the calibration has no histogram of tensor '", tensor, "'");
  if (method == RangeMethod::percentile) return detail::percentile_range(t.histogram, t.seen, percent);
  if (method == RangeMethod::entropy && codes <= 256) return detail::entropy_range(t.histogram, t.seen);
  return detail::mse_range(t.histogram, t.seen, codes, false);
}

OCTET_API std::vector<double> Calibration::channel_means(const std::string& tensor) const {
  const auto it = tensors.find(tensor);
  if (it == tensors.end() || it->second.summed == 0) return {};
  std::vector<double> means = it->second.channel_sums;
  for (double& m : means) m /= static_cast<double>(it->second.summed);
  return means;
}

OCTET_API void Calibration::set_range(const std::string& tensor, Range r) {
  detail::require(std::isfinite(r.low) && std::isfinite(r.high) && r.low <= r.high, "tensor '", tensor, "': [", r.low,
                  ", ", r.high, "] is not a valid range");
  tensors[tensor].given = r;
}

OCTET_API void Calibration::merge(const Calibration& o) {
  detail::require(method == o.method && percent == o.percent,
                  "calibrations with different methods or percents cannot be merged");
  for (const auto& [tensor, statistics] : o.tensors) tensors[tensor].merge(statistics);
}

namespace detail {

/// The implementation of Calibrator.
class CalibratorState {
 public:
  CalibratorState(const Model& model, const CalibrationOptions& options)
      : pool_(pool_for(options.executor.pool, options.executor.threads)),
        executor_(split_residuals(optimize(model)), with_pool(options.executor, pool_)) {
    require_finite_weights(model);
    require_finite_weights(executor_.graph());
    require(options.percent > 0 && options.percent <= 100, "expected a percent in (0, 100], found ", options.percent);
    for (int v : executor_.graph().inputs)
      require(!executor_.graph().value(v).is_quantized(), "only float models can be calibrated; input '",
              executor_.graph().value(v).name, "' is ", name(executor_.graph().value(v).dtype));
    calibration_.method = options.method;
    calibration_.percent = options.percent;
    for (const Node& n : executor_.graph().nodes)
      if (n.op->integer_form().weights >= 0 && n.inputs[0] != Node::none)
        feeds_weights_.insert(executor_.graph().value(n.inputs[0]).name);
    const ChannelClasses classes(executor_.graph());
    for (int v = 0; v < static_cast<int>(executor_.graph().values.size()); ++v)
      if (classes.scalable(v)) has_channels_.insert(executor_.graph().value(v).name);
    const std::vector<bool> maskable = maskable_values(executor_.graph(), Links(executor_.graph()));
    for (std::size_t v = 0; v < maskable.size(); ++v)
      if (maskable[v]) maskable_.insert(executor_.graph().values[v].name);
    executor_.observe([this](const Value& v, const TensorRef& t) { see(v, t); });
  }

  /// One tensor for each input of the model, each a batch along its first dimension.
  void add(const std::vector<AnyTensor>& inputs) {
    const Graph& g = executor_.graph();
    require<ShapeError>(inputs.size() == g.inputs.size() && !inputs.empty(), "expected a batch for each of ",
                        g.inputs.size(), " inputs, found ", inputs.size(), " tensors");
    batch_ = inputs[0].shape().rank() > 0 ? inputs[0].shape()[0] : 1;
    for (std::size_t i = 0; i < inputs.size(); ++i) see(g.value(g.inputs[i]), inputs[i].ref());
    executor_.run(inputs);
    images_ += batch_;
  }
  void add(const Tensor<float>& images) { add(std::vector<AnyTensor>{images}); }

  /// Images seen so far.
  std::int64_t images() const noexcept { return images_; }

  const Calibration& result() const {
    require(images_ > 0, "calibration needs at least one image");
    return calibration_;
  }

 private:
  static ExecutorOptions with_pool(ExecutorOptions o, const std::shared_ptr<ThreadPool>& pool) {
    o.pool = pool;
    o.optimize = false;    // fusion would hide tensors
    o.same_floats = true;  // so that ranges do not depend on the CPU
    return o;
  }

  void see(const Value& v, const TensorRef& t) {
    if (t.dtype != DType::f32) return;
    const std::int64_t n = t.shape.elements();
    // Tensors whose first dimension is the batch are processed image by image.
    const bool by_image = t.shape.rank() > 0 && t.shape[0] == batch_ && batch_ > 0;
    const std::int64_t parts = by_image ? batch_ : 1, size = n / parts;
    TensorStatistics& all = calibration_.tensors[v.name];
    if (size == 0) return;
    const auto* x = reinterpret_cast<const float*>(t.data);
    const std::vector<float> finite = maskable_.count(v.name) ? without_masks(x, n) : std::vector<float>{};
    if (!finite.empty()) x = finite.data();
    std::vector<TensorStatistics> seen(static_cast<std::size_t>(parts));
    const bool wants_means = feeds_weights_.count(v.name) != 0 && t.shape.rank() > 1;
    const bool wants_channels = has_channels_.count(v.name) != 0;
    parallel_checked(*pool_, parts, [&](std::int64_t p, int) {
      TensorStatistics& s = seen[static_cast<std::size_t>(p)];
      float range[2];
      element_kernels().minmax_f32(x + p * size, size, range);
      s.seen = {range[0] + 0.0f, range[1] + 0.0f};  // +0 for -0: which of them is found depends on the vector width
      if (wants_means) add_means(s, x + p * size, size, t.shape.back());
      if (wants_channels) s.channel_ranges = channel_ranges(x + p * size, size, t.shape.back());
    });
    for (const TensorStatistics& s : seen)
      require(!std::isnan(s.seen.low) && !std::isnan(s.seen.high), "tensor '", v.name,
              "' has NaN or infinite elements during calibration");
    if (calibration_.method == RangeMethod::moving_average)
      for (TensorStatistics& s : seen) s.samples = {s.seen};
    if (calibration_.method != RangeMethod::min_max && calibration_.method != RangeMethod::moving_average)
      count(seen, x, size);
    for (const TensorStatistics& s : seen) all.merge(s);
  }

  /// The elements with the lowest number in place of -inf; empty if there is none.
  static std::vector<float> without_masks(const float* x, std::int64_t n) {
    constexpr float masked = -std::numeric_limits<float>::infinity();
    if (std::find(x, x + n, masked) == x + n) return {};
    std::vector<float> finite(x, x + n);
    std::replace(finite.begin(), finite.end(), masked, std::numeric_limits<float>::lowest());
    return finite;
  }

  static void add_means(TensorStatistics& s, const float* x, std::int64_t size, std::int64_t channels) {
    s.channel_sums.assign(static_cast<std::size_t>(channels), 0.0);
    for (std::int64_t i = 0; i < size; i += channels)
      for (std::int64_t c = 0; c < channels; ++c)
        s.channel_sums[static_cast<std::size_t>(c)] += static_cast<double>(x[i + c]);
    for (double& sum : s.channel_sums)
      sum = std::nearbyint(sum / static_cast<double>(size / channels) * 0x1p24) * 0x1p-24;
    s.summed = 1;
  }

  static std::vector<Range> channel_ranges(const float* x, std::int64_t size, std::int64_t channels) {
    std::vector<float> low(x, x + channels), high = low;
    for (std::int64_t i = channels; i < size; i += channels)
      for (std::int64_t c = 0; c < channels; ++c) {
        const float y = x[i + c];
        low[at(c)] = y < low[at(c)] ? y : low[at(c)];
        high[at(c)] = y > high[at(c)] ? y : high[at(c)];
      }
    std::vector<Range> ranges;
    for (std::size_t c = 0; c < low.size(); ++c) ranges.push_back({low[c] + 0.0f, high[c] + 0.0f});  // +0 for -0
    return ranges;
  }

  /// Counts the histogram of all parts. The work is split regardless of the parts, since counts only add up.
  void count(std::vector<TensorStatistics>& parts, const float* x, std::int64_t size) {
    const std::int64_t total = size * static_cast<std::int64_t>(parts.size());
    const std::int64_t pieces = std::min<std::int64_t>(pool_->size(), (total + 65535) / 65536);
    std::vector<Histogram> counted(static_cast<std::size_t>(pieces));
    parallel_checked(*pool_, pieces, [&](std::int64_t p, int) {
      const std::int64_t from = total * p / pieces, to = total * (p + 1) / pieces;
      counted[static_cast<std::size_t>(p)].add(x + from, to - from);
    });
    for (const Histogram& h : counted) parts[0].histogram.merge(h);
  }

  std::shared_ptr<ThreadPool> pool_;
  Executor executor_;
  Calibration calibration_;
  std::set<std::string> feeds_weights_, has_channels_, maskable_;
  std::int64_t batch_ = 0, images_ = 0;
};

}  // namespace detail

OCTET_API Calibrator::Calibrator(const Model& model, const CalibrationOptions& options)
    : state_(std::make_unique<detail::CalibratorState>(model, options)) {}
OCTET_API Calibrator::~Calibrator() = default;
OCTET_API void Calibrator::add(const std::vector<AnyTensor>& inputs) { state_->add(inputs); }
OCTET_API void Calibrator::add(const Tensor<float>& images) { state_->add(images); }
OCTET_API std::int64_t Calibrator::images() const noexcept { return state_->images(); }
OCTET_API const Calibration& Calibrator::result() const { return state_->result(); }

OCTET_API Calibration calibrate(const Model& model, const std::vector<Tensor<float>>& batches,
                                const CalibrationOptions& options) {
  Calibrator c(model, options);
  for (const Tensor<float>& b : batches) c.add(b);
  return c.result();
}

OCTET_END
