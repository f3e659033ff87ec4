#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "../core/decibels.hpp"
#include "../quantization/quantize.hpp"
#include "output_errors.hpp"

OCTET_BEGIN

OCTET_API OutputErrors::OutputErrors(const Graph& model, const std::vector<Shape>& input_shapes, bool channels_first)
    : inputs_(input_shapes), channels_first_(channels_first) {
  for (int v : model.outputs) {
    sums_.emplace_back();
    sums_.back().name = model.value(v).name;
    sums_.back().indices = !is_floating(model.value(v).dtype) && !model.value(v).is_quantized();
  }
}

OCTET_API bool OutputErrors::add(const std::vector<Tensor<float>>& exact, const std::vector<Tensor<float>>& other) {
  for (const auto* list : {&exact, &other})
    for (const Tensor<float>& t : *list)
      if (!std::all_of(t.begin(), t.end(), [](float x) { return std::isfinite(x); })) return false;
  for (std::size_t o = 0; o < sums_.size(); ++o) {
    Sums& s = sums_[o];
    const Tensor<float>&x = exact[o], &y = other[o];
    // Outputs whose size depends on the values, such as the boxes that remain, may differ in length.
    const std::int64_t n = std::min(x.size(), y.size());
    for (std::int64_t i = 0; i < n; ++i) {
      const auto a = static_cast<double>(x[i]), b = static_cast<double>(y[i]);
      s.energy.add(a, b);
      s.other += b * b;
      s.product += a * b;
      s.largest = std::max(s.largest, std::abs(a - b));
    }
    if (x.shape() == y.shape() && is_mask(x.shape())) add_pixels(s, x, y);
  }
  return true;
}

OCTET_API std::vector<OutputError> OutputErrors::result() const {
  std::vector<OutputError> errors;
  for (const Sums& s : sums_) {
    OutputError e;
    e.name = s.name;
    e.sqnr_db = detail::decibels_of(s.energy.part());
    const double norms = std::sqrt(s.energy.signal) * std::sqrt(s.other);
    e.cosine = norms > 0 ? std::clamp(s.product / norms, -1.0, 1.0) : s.energy.noise == 0 ? 1 : 0;
    e.max_error = s.largest;
    if (s.pixels > 0) e.pixel_agreement = static_cast<double>(s.same) / static_cast<double>(s.pixels);
    errors.push_back(e);
  }
  return errors;
}

OCTET_API bool OutputErrors::is_mask(const Shape& output) const {
  if (sums_.size() > 2) return false;  // the heads of a detector
  const int rank = output.rank();
  const int row = rank == 4 && channels_first_ ? 2 : 1;
  if (rank < 3 || rank > 4) return false;
  for (const Shape& in : inputs_) {
    if (in.rank() != 4) continue;
    const int from = channels_first_ ? 2 : 1;
    const auto fits = [&](int d) {
      const std::int64_t a = in[from + d], b = output[row + d];
      return b > 1 && a % b == 0 && a / b <= 8;
    };
    if (fits(0) && fits(1) && in[from] / output[row] == in[from + 1] / output[row + 1]) return true;
  }
  return false;
}

OCTET_API void OutputErrors::add_pixels(Sums& sums, const Tensor<float>& exact, const Tensor<float>& other) const {
  const Shape& s = exact.shape();
  const int axis = s.rank() == 3 ? -1 : channels_first_ ? 1 : 3;
  const std::int64_t classes = axis < 0 ? 1 : s[axis];
  const std::int64_t inner = axis == 1 ? s[2] * s[3] : 1;
  const std::int64_t pixels = exact.size() / std::max<std::int64_t>(classes, 1);
  // One channel: the probability of the foreground, or its logit.
  const bool probability = std::all_of(exact.begin(), exact.end(), [](float x) { return x >= 0 && x <= 1; });
  const float limit = probability ? 0.5f : 0.0f;
  const auto class_of = [&](const Tensor<float>& t, std::int64_t pixel) {
    const std::int64_t at = pixel / inner * inner * classes + pixel % inner;
    std::int64_t best = 0;
    for (std::int64_t c = 1; c < classes; ++c)
      if (t[at + c * inner] > t[at + best * inner]) best = c;
    return best;
  };
  for (std::int64_t p = 0; p < pixels; ++p) {
    const bool same = classes > 1    ? class_of(exact, p) == class_of(other, p)
                      : sums.indices ? exact[p] == other[p]
                                     : (exact[p] > limit) == (other[p] > limit);
    sums.same += same;
  }
  sums.pixels += pixels;
}

OCTET_API std::vector<Tensor<float>> real_outputs(const Graph& model, const std::vector<AnyTensor>& outputs) {
  std::vector<Tensor<float>> values;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    values.push_back(detail::real_values(outputs[i].ref(), model.value(model.outputs[i]).quant));
  return values;
}

OCTET_END
