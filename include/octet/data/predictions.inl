#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "predictions.hpp"

OCTET_BEGIN

OCTET_API bool are_probabilities(View<const float> outputs) {
  double sum = 0;
  for (float p : outputs) {
    if (!(p >= 0 && p <= 1)) return false;
    sum += static_cast<double>(p);
  }
  return sum > 0.5 && sum < 1.1;
}

OCTET_API std::vector<Prediction> decode_predictions(View<const float> outputs, const Labels& labels, int k) {
  const bool ready = are_probabilities(outputs);
  double sum = 1;
  float largest = 0;
  if (!ready) {
    largest = -std::numeric_limits<float>::infinity();
    for (float x : outputs) largest = std::max(largest, x);
    sum = 0;
    for (float x : outputs) sum += std::exp(static_cast<double>(x - largest));
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(outputs.size()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  // NaN is sorted last.
  const auto better = [&](std::int64_t a, std::int64_t b) {
    const bool nan_a = std::isnan(outputs[a]), nan_b = std::isnan(outputs[b]);
    if (nan_a || nan_b) return nan_a == nan_b ? a < b : nan_b;
    return outputs[a] > outputs[b] || (outputs[a] == outputs[b] && a < b);
  };
  const auto top = std::min(order.size(), static_cast<std::size_t>(std::max(0, k)));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top), order.end(), better);
  std::vector<Prediction> best;
  for (std::size_t i = 0; i < top; ++i) {
    const auto x = static_cast<double>(outputs[order[i]]);
    best.push_back({order[i], labels.name(order[i]), ready ? x : std::exp(x - static_cast<double>(largest)) / sum});
  }
  return best;
}

OCTET_END
