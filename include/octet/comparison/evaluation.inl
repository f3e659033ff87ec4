#pragma once
#include <algorithm>
#include <limits>

#include "evaluation.hpp"

OCTET_BEGIN

OCTET_API void Accuracy::add(View<const float> outputs, const std::vector<std::int64_t>& labels) {
  best_.push_back(std::max_element(outputs.begin(), outputs.end()) - outputs.begin());
  if (labels.empty()) return;
  std::int64_t before = outputs.size();  // number of outputs ranked before the best correct one
  for (std::int64_t label : labels) {
    detail::require(label >= 0 && label < outputs.size(), "expected a class in [0, ", outputs.size(),
                    "), the outputs of the model, found ", label);
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < outputs.size(); ++i)
      n += outputs[i] > outputs[label] || (outputs[i] == outputs[label] && i < label);
    before = std::min(before, n);
  }
  ++labelled_;
  first_ += before == 0;
  fifth_ += before < 5;
}

OCTET_API std::vector<Accuracy> accuracy_of(const std::vector<Executor*>& executors, const ImageInput& input,
                                            const Dataset& images, const Preprocessing& preprocessing, ThreadPool& pool,
                                            bool use_labels,
                                            const std::function<void(std::int64_t, std::int64_t)>& progress) {
  std::vector<Accuracy> results(executors.size());
  constexpr std::int64_t block = 32;
  for (std::int64_t from = 0; from < images.size(); from += block) {
    const std::int64_t to = std::min(images.size(), from + block);
    const std::vector<Tensor<float>> batch = input.load(images, from, to, preprocessing, pool);
    for (std::int64_t i = from; i < to; ++i)
      for (std::size_t e = 0; e < executors.size(); ++e)
        results[e].add((*executors[e])(batch[static_cast<std::size_t>(i - from)]),
                       use_labels ? images.labels(i) : std::vector<std::int64_t>{});
    progress(to, images.size());
  }
  return results;
}

OCTET_API Range input_range(const ImageInput& input, const Dataset& images, const Preprocessing& p, ThreadPool& pool,
                            std::int64_t most) {
  Range r{std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  for (const Tensor<float>& x : input.load(images, 0, std::min(most, images.size()), p, pool))
    for (float v : x) {
      r.low = std::min(r.low, v);
      r.high = std::max(r.high, v);
    }
  return r;
}

OCTET_END
